"""What happens in consumer groups."""

from engine.events.fact import Fact, fact


@fact
class GroupLoaded(Fact):
    """A coordinator took a partition of __consumer_offsets and replayed its records."""

    partition: int
    groups: tuple[str, ...]
    offsets: int


@fact
class GroupStateChanged(Fact):
    """A group moved from one state of Kafka's table to another."""

    group: str
    state: str
    was: str
    generation: int
    protocol_type: str
    protocol: str


@fact
class MemberJoined(Fact):
    """A member is known to the group. `subscribed`: topics it asks for."""

    group: str
    member: str
    client_id: str
    client_host: str
    instance: str | None
    subscribed: tuple[str, ...]
    session_timeout_ms: int


@fact
class MemberLeft(Fact):
    """A member is gone; `reason`: left, session expired, replaced, join expired, sync expired, removed by admin."""

    group: str
    member: str
    reason: str


@fact
class MemberSessionExpired(Fact):
    """A member sent no heartbeat for its session timeout."""

    group: str
    member: str
    silent_ms: int


@fact
class RebalanceBegan(Fact):
    """A group asks all its members to join again; `reason` in words."""

    group: str
    generation: int
    reason: str


@fact
class GroupRebalanced(Fact):
    """The group's leader has assigned: member -> topic -> partitions."""

    group: str
    generation: int
    leader: str
    protocol: str
    assignment: dict[str, dict[str, tuple[int, ...]]]


@fact
class GroupDeleted(Fact):
    """The group and its offsets are gone."""

    group: str
