"""What the cluster looks like: the sum of all committed records of the metadata log.

Rule: changed by `replay` only, and only with committed records, so that every node's image at one offset is the same.
Quotas, ACLs and SCRAM credentials are not kept yet: their records are read and have no effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from uuid import UUID

from engine.protocol.stored import metadata as stored

Replicas = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerImage:
    """A registered broker. `host` and `port` are those of its first listener."""

    id: int
    epoch: int
    incarnation_id: UUID
    host: str
    port: int
    rack: str | None
    fenced: bool
    in_controlled_shutdown: bool
    log_dirs: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerImage:
    """A registered controller; in this cluster every voter is a broker too."""

    id: int
    incarnation_id: UUID
    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionImage:
    """One partition. `leader` is -1 when there is none; `elr` are the eligible leader replicas (KIP-966)."""

    leader: int
    leader_epoch: int
    partition_epoch: int
    replicas: Replicas
    isr: Replicas
    elr: Replicas = ()
    last_known_elr: Replicas = ()
    adding_replicas: Replicas = ()
    removing_replicas: Replicas = ()
    leader_recovery_state: int = 0  # 1 after an unclean election, until the leader has recovered (KIP-704)
    directories: tuple[UUID, ...] = ()


@dataclass(slots=True)
class TopicImage:
    id: UUID
    name: str
    partitions: dict[int, PartitionImage] = field(default_factory=dict)


def new_partition(record: stored.PartitionRecord) -> PartitionImage:
    """The partition as its first record says."""
    return PartitionImage(
        leader=record.leader,
        leader_epoch=record.leader_epoch,
        partition_epoch=record.partition_epoch,
        replicas=tuple(record.replicas),
        isr=tuple(record.isr),
        elr=tuple(record.eligible_leader_replicas or ()),
        last_known_elr=tuple(record.last_known_elr or ()),
        adding_replicas=tuple(record.adding_replicas),
        removing_replicas=tuple(record.removing_replicas),
        leader_recovery_state=record.leader_recovery_state,
        directories=tuple(record.directories),
    )


def changed_partition(before: PartitionImage, record: stored.PartitionChangeRecord) -> PartitionImage:
    """The partition after the change: one partition epoch more, and one leader epoch more where the record names a leader."""

    def newer(value: tuple | None, old: tuple) -> tuple:
        return old if value is None else tuple(value)

    led_anew = record.leader != stored.NO_LEADER_CHANGE
    return PartitionImage(
        leader=record.leader if led_anew else before.leader,
        leader_epoch=before.leader_epoch + led_anew,
        partition_epoch=before.partition_epoch + 1,
        replicas=newer(record.replicas, before.replicas),
        isr=newer(record.isr, before.isr),
        elr=newer(record.eligible_leader_replicas, before.elr),
        last_known_elr=newer(record.last_known_elr, before.last_known_elr),
        adding_replicas=newer(record.adding_replicas, before.adding_replicas),
        removing_replicas=newer(record.removing_replicas, before.removing_replicas),
        leader_recovery_state=before.leader_recovery_state if record.leader_recovery_state < 0 else record.leader_recovery_state,
        directories=newer(record.directories, before.directories),
    )


class MetadataImage:
    """Brokers, topics, configs and features as of `offset` (the last replayed record's) in `epoch`; -1 when empty."""

    def __init__(self) -> None:
        self.offset = -1
        self.epoch = -1
        self.brokers: dict[int, BrokerImage] = {}
        self.controllers: dict[int, ControllerImage] = {}
        self.topics: dict[str, TopicImage] = {}
        self.topic_names: dict[UUID, str] = {}
        self.configs: dict[tuple[int, str], dict[str, str]] = {}  # (resource type, resource name) -> what was set
        self.features: dict[str, int] = {}
        self.next_producer_id = 0
        self._transaction: list[stored.MetadataRecord] | None = None

    def partition(self, topic: str, index: int) -> PartitionImage | None:
        known = self.topics.get(topic)
        return known.partitions.get(index) if known else None

    def alive(self, broker_id: int) -> bool:
        """Whether the broker is registered and not fenced."""
        broker = self.brokers.get(broker_id)
        return broker is not None and not broker.fenced

    def replay(self, record: stored.MetadataRecord) -> None:
        for counted in self.admit(record):
            self.apply(counted)

    def admit(self, record: stored.MetadataRecord) -> Iterator[stored.MetadataRecord]:
        """The records that count now: those between begin and end of a metadata transaction (KIP-868) all at its end."""
        if isinstance(record, stored.BeginTransactionRecord):
            self._transaction = []
        elif isinstance(record, stored.AbortTransactionRecord):
            self._transaction = None
        elif isinstance(record, stored.EndTransactionRecord):
            ended, self._transaction = self._transaction or [], None
            yield from ended
        elif self._transaction is not None:
            self._transaction.append(record)
        else:
            yield record

    def apply(self, record: stored.MetadataRecord) -> None:
        """Change the image by a record that `admit` let through."""
        if change := CHANGES.get(type(record)):
            change(self, record)

    def _register_broker(self, record: stored.RegisterBrokerRecord) -> None:
        listener = record.end_points[0] if record.end_points else None
        self.brokers[record.broker_id] = BrokerImage(
            id=record.broker_id,
            epoch=record.broker_epoch,
            incarnation_id=record.incarnation_id,
            host=listener.host if listener else "",
            port=listener.port if listener else -1,
            rack=record.rack,
            fenced=record.fenced,
            in_controlled_shutdown=record.in_controlled_shutdown,
            log_dirs=tuple(record.log_dirs),
        )

    def _unregister_broker(self, record: stored.UnregisterBrokerRecord) -> None:
        self.brokers.pop(record.broker_id, None)

    def _change_registration(self, record: stored.BrokerRegistrationChangeRecord) -> None:
        broker = self._registered(record.broker_id, record.broker_epoch)
        fenced = {stored.FENCE: True, stored.UNFENCE: False}.get(record.fenced, broker.fenced)
        leaving = record.in_controlled_shutdown == stored.ENTER_CONTROLLED_SHUTDOWN or broker.in_controlled_shutdown
        log_dirs = tuple(record.log_dirs) or broker.log_dirs
        self.brokers[broker.id] = replace(broker, fenced=fenced, in_controlled_shutdown=leaving, log_dirs=log_dirs)

    def _fence(self, record: stored.FenceBrokerRecord) -> None:
        self.brokers[record.id] = replace(self._registered(record.id, record.epoch), fenced=True)

    def _unfence(self, record: stored.UnfenceBrokerRecord) -> None:
        self.brokers[record.id] = replace(self._registered(record.id, record.epoch), fenced=False)

    def _registered(self, broker_id: int, epoch: int) -> BrokerImage:
        broker = self.brokers.get(broker_id)
        assert broker is not None and broker.epoch == epoch, f"a record for broker {broker_id} epoch {epoch}, but here it is {broker}"
        return broker

    def _register_controller(self, record: stored.RegisterControllerRecord) -> None:
        listener = record.end_points[0] if record.end_points else None
        self.controllers[record.controller_id] = ControllerImage(
            id=record.controller_id,
            incarnation_id=record.incarnation_id,
            host=listener.host if listener else "",
            port=listener.port if listener else -1,
        )

    def _create_topic(self, record: stored.TopicRecord) -> None:
        self.topics[record.name] = TopicImage(id=record.topic_id, name=record.name)
        self.topic_names[record.topic_id] = record.name

    def _remove_topic(self, record: stored.RemoveTopicRecord) -> None:
        name = self.topic_names.pop(record.topic_id)
        del self.topics[name]
        self.configs.pop((stored.RESOURCE_TOPIC, name), None)

    def _create_partition(self, record: stored.PartitionRecord) -> None:
        self._topic(record.topic_id).partitions[record.partition_id] = new_partition(record)

    def _change_partition(self, record: stored.PartitionChangeRecord) -> None:
        partitions = self._topic(record.topic_id).partitions
        partitions[record.partition_id] = changed_partition(partitions[record.partition_id], record)

    def _clear_elr(self, record: stored.ClearElrRecord) -> None:
        for topic in [self.topics[record.topic_name]] if record.topic_name else self.topics.values():
            for index, partition in topic.partitions.items():
                if partition.elr or partition.last_known_elr:
                    epoch = partition.partition_epoch + 1
                    topic.partitions[index] = replace(partition, elr=(), last_known_elr=(), partition_epoch=epoch)

    def _topic(self, topic_id: UUID) -> TopicImage:
        return self.topics[self.topic_names[topic_id]]

    def _configure(self, record: stored.ConfigRecord) -> None:
        resource = (record.resource_type, record.resource_name)
        values = self.configs.setdefault(resource, {})
        if record.value is None:
            values.pop(record.name, None)
        else:
            values[record.name] = record.value
        if not values:
            del self.configs[resource]

    def _finalize_feature(self, record: stored.FeatureLevelRecord) -> None:
        if record.feature_level == 0:
            self.features.pop(record.name, None)
        else:
            self.features[record.name] = record.feature_level

    def _allocate_producer_ids(self, record: stored.ProducerIdsRecord) -> None:
        self.next_producer_id = record.next_producer_id

    def __repr__(self) -> str:
        alive = sum(not broker.fenced for broker in self.brokers.values())
        return f"<MetadataImage offset={self.offset} epoch={self.epoch} brokers={alive}/{len(self.brokers)} topics={len(self.topics)}>"


CHANGES: dict[type, Callable[[MetadataImage, stored.MetadataRecord], None]] = {
    stored.RegisterBrokerRecord: MetadataImage._register_broker,
    stored.UnregisterBrokerRecord: MetadataImage._unregister_broker,
    stored.BrokerRegistrationChangeRecord: MetadataImage._change_registration,
    stored.FenceBrokerRecord: MetadataImage._fence,
    stored.UnfenceBrokerRecord: MetadataImage._unfence,
    stored.RegisterControllerRecord: MetadataImage._register_controller,
    stored.TopicRecord: MetadataImage._create_topic,
    stored.RemoveTopicRecord: MetadataImage._remove_topic,
    stored.PartitionRecord: MetadataImage._create_partition,
    stored.PartitionChangeRecord: MetadataImage._change_partition,
    stored.ClearElrRecord: MetadataImage._clear_elr,
    stored.ConfigRecord: MetadataImage._configure,
    stored.FeatureLevelRecord: MetadataImage._finalize_feature,
    stored.ProducerIdsRecord: MetadataImage._allocate_producer_ids,
}
