"""Every fact that the engine can tell: what changed, from what to what, and why.

A fact is frozen. Its journal stamps `id` ("node.incarnation.sequence") and `at_ms`; `causes` are the ids of the facts it
follows from, recorded where the decision is made. `configs` holds the names and values that decided it. Facts are never
dropped; what happens thousands of times a second is traffic (traffic.py).
"""

from dataclasses import dataclass, field, fields
from typing import Any

FACTS: dict[str, type["Fact"]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What every fact has. `node` 0 is the host, which sees processes and hears commands."""

    id: str = ""
    node: int = 0
    incarnation: int = 0
    at_ms: int = 0
    causes: tuple[str, ...] = ()
    configs: dict[str, Any] = field(default_factory=dict)


def to_wire(fact: Fact) -> dict[str, Any]:
    """The fact as plain JSON values, with its `kind`."""
    return {"kind": type(fact).__name__} | {part.name: getattr(fact, part.name) for part in fields(fact)}


def _fact(cls: type) -> type:
    made = dataclass(frozen=True, slots=True, kw_only=True)(cls)
    FACTS[cls.__name__] = made
    return made


# ---- the host: commands, processes, time


@_fact
class CommandGiven(Fact):
    """Somebody gave a command: the line, by whom, through which door (button, line, api, scenario, start)."""

    line: str
    verb: str
    by: str
    door: str


@_fact
class CommandRefused(Fact):
    """A command could not be done; `message` names what was wrong and what would be right."""

    line: str
    message: str


@_fact
class BrokerAdded(Fact):
    """A node belongs to the cluster now; its process may not run yet."""

    broker: int
    rack: str | None
    host: str
    port: int
    voter: bool


@_fact
class BrokerRemoved(Fact):
    """A node has left the cluster for good."""

    broker: int


@_fact
class BrokerStarted(Fact):
    """The broker's process runs and listens."""

    broker: int
    pid: int
    started_as: int  # incarnation: how often it has been started, from 1


@_fact
class BrokerFailed(Fact):
    """The broker's process could not start or ended by itself; `reason` in words."""

    broker: int
    reason: str


@_fact
class BrokerKilled(Fact):
    """SIGKILL: no goodbye to anyone."""

    broker: int
    pid: int


@_fact
class BrokerStopping(Fact):
    """Controlled shutdown was asked for; leaders move first."""

    broker: int
    pid: int


@_fact
class BrokerStopped(Fact):
    """The process has ended after its controlled shutdown."""

    broker: int
    pid: int


@_fact
class BrokerFrozen(Fact):
    """SIGSTOP: the process stands still, its connections stay open."""

    broker: int
    pid: int


@_fact
class BrokerThawed(Fact):
    """SIGCONT: the frozen process goes on."""

    broker: int
    pid: int


@_fact
class ClusterPaused(Fact):
    """All brokers' clocks stand still."""


@_fact
class ClusterResumed(Fact):
    """The clocks go on from where they stood."""


@_fact
class ClusterSlowed(Fact):
    """The brokers' clocks run `factor` times slower (1 = normal)."""

    factor: float


# ---- the quorum


@_fact
class VoteRequested(Fact):
    """A voter asks for the lead of the metadata log in `epoch`."""

    candidate: int
    epoch: int
    pre_vote: bool
    reason: str


@_fact
class ControllerElected(Fact):
    """A voter won the metadata log, its high watermark reached its epoch, it is the active controller."""

    leader: int
    epoch: int
    voters: tuple[int, ...]


@_fact
class ControllerLost(Fact):
    """A node no longer follows or is the controller; `reason`: fetch timeout, resigned, higher epoch."""

    leader: int
    epoch: int
    reason: str


# ---- brokers as the controller sees them


@_fact
class BrokerRegistered(Fact):
    """The controller knows the broker; it is fenced until it has caught up."""

    broker: int
    broker_epoch: int
    rack: str | None
    host: str
    port: int


@_fact
class BrokerUnfenced(Fact):
    """The broker has caught up with the metadata log and may lead."""

    broker: int
    broker_epoch: int


@_fact
class SessionExpired(Fact):
    """The controller heard nothing from the broker for broker.session.timeout.ms."""

    broker: int
    silent_ms: int


@_fact
class BrokerFenced(Fact):
    """The broker leaves all ISRs and leads nothing; `reason`: session, shutdown, registration."""

    broker: int
    broker_epoch: int
    partitions: int
    reason: str


@_fact
class ControlledShutdownBegan(Fact):
    """The broker asked to go; the controller moves its leaders away."""

    broker: int
    leaders: int


@_fact
class BrokerUnregistered(Fact):
    """The controller forgot the broker."""

    broker: int


# ---- topics and partitions. A partition on the wire: {partition, leader, leader_epoch, partition_epoch, replicas, isr, elr}


@_fact
class TopicCreated(Fact):
    """A topic with its partitions and its own configs (not defaults)."""

    topic: str
    topic_id: str
    partitions: tuple[dict[str, Any], ...]
    topic_configs: dict[str, str]
    internal: bool = False


@_fact
class TopicDeleted(Fact):
    """The topic is gone; its folders are removed."""

    topic: str
    topic_id: str


@_fact
class PartitionsAdded(Fact):
    """The topic has grown."""

    topic: str
    partitions: tuple[dict[str, Any], ...]


@_fact
class LeaderElected(Fact):
    """The leader or its epoch changed. `leader` -1: nobody may lead. `how`: in-sync, preferred, unclean, eligible, none."""

    topic: str
    partition: int
    leader: int
    was_leader: int
    leader_epoch: int
    was_leader_epoch: int
    partition_epoch: int
    isr: tuple[int, ...]
    elr: tuple[int, ...] = ()
    how: str = "in-sync"


@_fact
class IsrShrunk(Fact):
    """Replicas left the ISR; committed in the metadata log."""

    topic: str
    partition: int
    isr: tuple[int, ...]
    was: tuple[int, ...]
    partition_epoch: int
    elr: tuple[int, ...] = ()
    reason: str = ""  # fenced, lag, shutdown


@_fact
class IsrExpanded(Fact):
    """Replicas came back into the ISR."""

    topic: str
    partition: int
    isr: tuple[int, ...]
    was: tuple[int, ...]
    partition_epoch: int
    elr: tuple[int, ...] = ()


@_fact
class FollowerLagged(Fact):
    """A leader saw a follower behind for replica.lag.time.max.ms and asks for it to leave the ISR."""

    topic: str
    partition: int
    follower: int
    behind_ms: int
    behind_records: int


@_fact
class ConfigChanged(Fact):
    """Dynamic configs were set (value) or deleted (None). `resource`: topic, broker, group, client-metrics."""

    resource: str
    name: str
    changes: dict[str, str | None]


# ---- logs


@_fact
class LogRecovered(Fact):
    """After an unclean stop a log was checked; `cut_bytes` of a torn tail were dropped."""

    topic: str
    partition: int
    log_end_offset: int
    cut_bytes: int
    took_ms: int


@_fact
class LogTruncated(Fact):
    """A replica dropped records that its leader does not have."""

    topic: str
    partition: int
    to_offset: int
    was_log_end_offset: int
    leader_epoch: int


@_fact
class SegmentRolled(Fact):
    """A segment was closed and a new one begun at `base_offset`; `reason`: size, time, index."""

    topic: str
    partition: int
    base_offset: int
    reason: str


@_fact
class RecordsDeleted(Fact):
    """The log start offset moved."""

    topic: str
    partition: int
    log_start_offset: int


@_fact
class WritesRefused(Fact):
    """The first NOT_ENOUGH_REPLICAS of a partition since it had enough (not one per request)."""

    topic: str
    partition: int
    isr: tuple[int, ...]


@_fact
class StorageFailed(Fact):
    """The disk refused (full, failing); `reason` in the system's words."""

    topic: str
    partition: int
    reason: str


# ---- groups


@_fact
class GroupLoaded(Fact):
    """A coordinator took a partition of __consumer_offsets and replayed its records."""

    partition: int
    groups: tuple[str, ...]
    offsets: int


@_fact
class GroupStateChanged(Fact):
    """A group moved from one state of Kafka's table to another."""

    group: str
    state: str
    was: str
    generation: int
    protocol_type: str
    protocol: str


@_fact
class MemberJoined(Fact):
    """A member is known to the group. `subscribed`: topics it asks for."""

    group: str
    member: str
    client_id: str
    client_host: str
    instance: str | None
    subscribed: tuple[str, ...]
    session_timeout_ms: int


@_fact
class MemberLeft(Fact):
    """A member is gone; `reason`: left, session expired, replaced, join expired, sync expired, removed by admin."""

    group: str
    member: str
    reason: str


@_fact
class MemberSessionExpired(Fact):
    """A member sent no heartbeat for its session timeout."""

    group: str
    member: str
    silent_ms: int


@_fact
class RebalanceBegan(Fact):
    """A group asks all its members to join again; `reason` in words."""

    group: str
    generation: int
    reason: str


@_fact
class GroupRebalanced(Fact):
    """The group's leader has assigned: member -> topic -> partitions."""

    group: str
    generation: int
    leader: str
    protocol: str
    assignment: dict[str, dict[str, tuple[int, ...]]]


@_fact
class GroupDeleted(Fact):
    """The group and its offsets are gone."""

    group: str


# ---- clients


@_fact
class ClientConnected(Fact):
    """A connection said who it is. `connection` is unique in the node's incarnation."""

    connection: int
    client_id: str
    software: str
    software_version: str
    address: str


@_fact
class ClientDisconnected(Fact):
    """A client's connection has closed."""

    connection: int
    client_id: str
    address: str
    reason: str


@_fact
class AppStarted(Fact):
    """The playground started a client of its own. `app`: producer or consumer; `settings` as asked for."""

    client: str
    app: str
    topic: str
    group: str | None
    settings: dict[str, Any]


@_fact
class AppChanged(Fact):
    """Settings of a running client changed."""

    client: str
    changes: dict[str, Any]


@_fact
class AppPaused(Fact):
    """The client stops sending or polling for records; a consumer stays in its group."""

    client: str


@_fact
class AppResumed(Fact):
    """The client goes on."""

    client: str


@_fact
class AppCrashed(Fact):
    """The client is gone without a goodbye; its group learns it by the session timeout."""

    client: str


@_fact
class AppClosed(Fact):
    """The client closed itself: flushed, and left its group."""

    client: str


@_fact
class AppFailed(Fact):
    """The client met an error that it reports to its user."""

    client: str
    error: str
