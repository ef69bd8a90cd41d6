"""What the quorum and the controller decide: controllers, brokers, topics, partitions, configs."""

from typing import Any

from engine.events.fact import Fact, fact


# ---- the quorum


@fact
class VoteRequested(Fact):
    """A voter asks for the lead of the metadata log in `epoch`."""

    candidate: int
    epoch: int
    pre_vote: bool
    reason: str


@fact
class ControllerElected(Fact):
    """A voter won the metadata log, its high watermark reached its epoch, it is the active controller."""

    leader: int
    epoch: int
    voters: tuple[int, ...]


@fact
class ControllerLost(Fact):
    """A node no longer follows or is the controller; `reason`: fetch timeout, resigned, higher epoch."""

    leader: int
    epoch: int
    reason: str


# ---- brokers as the controller sees them


@fact
class BrokerRegistered(Fact):
    """The controller knows the broker; it is fenced until it has caught up."""

    broker: int
    broker_epoch: int
    rack: str | None
    host: str
    port: int


@fact
class BrokerUnfenced(Fact):
    """The broker has caught up with the metadata log and may lead."""

    broker: int
    broker_epoch: int


@fact
class SessionExpired(Fact):
    """The controller heard nothing from the broker for broker.session.timeout.ms."""

    broker: int
    silent_ms: int


@fact
class BrokerFenced(Fact):
    """The broker leaves all ISRs and leads nothing; `reason`: session, shutdown, registration."""

    broker: int
    broker_epoch: int
    partitions: int
    reason: str


@fact
class ControlledShutdownBegan(Fact):
    """The broker asked to go; the controller moves its leaders away."""

    broker: int
    leaders: int


@fact
class BrokerUnregistered(Fact):
    """The controller forgot the broker."""

    broker: int


# ---- topics and partitions. A partition on the wire: {partition, leader, leader_epoch, partition_epoch, replicas, isr, elr}


@fact
class TopicCreated(Fact):
    """A topic with its partitions and its own configs (not defaults)."""

    topic: str
    topic_id: str
    partitions: tuple[dict[str, Any], ...]
    topic_configs: dict[str, str]
    internal: bool = False


@fact
class TopicDeleted(Fact):
    """The topic is gone; its folders are removed."""

    topic: str
    topic_id: str


@fact
class PartitionsAdded(Fact):
    """The topic has grown."""

    topic: str
    partitions: tuple[dict[str, Any], ...]


@fact
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


@fact
class IsrShrunk(Fact):
    """Replicas left the ISR; committed in the metadata log."""

    topic: str
    partition: int
    isr: tuple[int, ...]
    was: tuple[int, ...]
    partition_epoch: int
    elr: tuple[int, ...] = ()
    reason: str = ""  # fenced, lag, shutdown


@fact
class IsrExpanded(Fact):
    """Replicas came back into the ISR."""

    topic: str
    partition: int
    isr: tuple[int, ...]
    was: tuple[int, ...]
    partition_epoch: int
    elr: tuple[int, ...] = ()


@fact
class FollowerLagged(Fact):
    """A leader saw a follower behind for replica.lag.time.max.ms and asks for it to leave the ISR."""

    topic: str
    partition: int
    follower: int
    behind_ms: int
    behind_records: int


@fact
class ConfigChanged(Fact):
    """Dynamic configs were set (value) or deleted (None). `resource`: topic, broker, group, client-metrics."""

    resource: str
    name: str
    changes: dict[str, str | None]
