"""What happens in consumer groups."""

from dataclasses import dataclass

from engine.events.fact import Fact, fact


@dataclass(frozen=True, slots=True, kw_only=True)
class OfGroups(Fact):
    """`coordinator_epoch`: the leader epoch of the coordinator's partition. One that was deposed and does not know it has an older one."""

    coordinator_epoch: int = -1


@fact
class GroupLoaded(OfGroups):
    """A coordinator took a partition of __consumer_offsets and replayed its records."""

    partition: int
    groups: tuple[str, ...]
    offsets: int


@fact
class GroupStateChanged(OfGroups):
    """A group moved from one state of Kafka's table to another."""

    group: str
    state: str
    was: str
    generation: int
    protocol_type: str
    protocol: str


@fact
class MemberJoined(OfGroups):
    """A member is known to the group. `subscribed`: topics it asks for."""

    group: str
    member: str
    client_id: str
    client_host: str
    instance: str | None
    subscribed: tuple[str, ...]
    session_timeout_ms: int


@fact
class MemberLeft(OfGroups):
    """A member is gone; `reason`: left, session expired, replaced, join expired, sync expired, removed by admin."""

    group: str
    member: str
    reason: str


@fact
class MemberSessionExpired(OfGroups):
    """A member sent no heartbeat for its session timeout."""

    group: str
    member: str
    silent_ms: int


@fact
class RebalanceBegan(OfGroups):
    """A group asks all its members to join again; `reason` in words."""

    group: str
    generation: int
    reason: str


@fact
class GroupRebalanced(OfGroups):
    """The group's leader has assigned: member -> topic -> partitions."""

    group: str
    generation: int
    leader: str
    protocol: str
    assignment: dict[str, dict[str, tuple[int, ...]]]


@fact
class GroupDeleted(OfGroups):
    """The group and its offsets are gone."""

    group: str
