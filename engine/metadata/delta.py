"""What a run of committed records changed in the image, so that each room looks only at what concerns it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.metadata.image import BrokerImage, MetadataImage, PartitionImage, TopicImage
from engine.protocol.stored import metadata as stored

OF_ONE_BROKER = {
    stored.RegisterBrokerRecord: "broker_id",
    stored.UnregisterBrokerRecord: "broker_id",
    stored.BrokerRegistrationChangeRecord: "broker_id",
    stored.FenceBrokerRecord: "id",
    stored.UnfenceBrokerRecord: "id",
}


@dataclass(slots=True)
class Delta:
    """The changes, with what was there before; what is there now stands in the image.

    A topic that was re-created under its name is both in `topics_deleted` (the old one) and in `topics_created`; one that came
    and went again is in neither. The partitions of a deleted topic are not in `partitions_changed`.
    """

    topics_created: set[str] = field(default_factory=set)
    topics_deleted: dict[str, TopicImage] = field(default_factory=dict)
    partitions_changed: dict[tuple[str, int], PartitionImage | None] = field(default_factory=dict)  # before; None: it is new
    brokers_changed: set[int] = field(default_factory=set)
    brokers_before: dict[int, BrokerImage | None] = field(default_factory=dict)
    controllers_changed: set[int] = field(default_factory=set)
    configs_changed: dict[tuple[int, str], dict[str, str]] = field(default_factory=dict)  # before
    features_changed: set[str] = field(default_factory=set)

    def note(self, image: MetadataImage, record: stored.MetadataRecord) -> None:
        """Look at the image just before `record` changes it."""
        kind = type(record)
        if kind in OF_ONE_BROKER:
            broker = getattr(record, OF_ONE_BROKER[kind])
            self.brokers_changed.add(broker)
            self.brokers_before.setdefault(broker, image.brokers.get(broker))
        elif kind is stored.TopicRecord:
            self.topics_created.add(record.name)
        elif kind is stored.RemoveTopicRecord:
            self._note_removal(image, image.topic_names[record.topic_id])
        elif kind in (stored.PartitionRecord, stored.PartitionChangeRecord):
            self._note_partition(image, image.topic_names[record.topic_id], record.partition_id)
        elif kind is stored.ClearElrRecord:
            for name in [record.topic_name] if record.topic_name else sorted(image.topics):
                for index in image.topics[name].partitions:
                    self._note_partition(image, name, index)
        elif kind is stored.ConfigRecord:
            self._note_configs(image, (record.resource_type, record.resource_name))
        elif kind is stored.FeatureLevelRecord:
            self.features_changed.add(record.name)
        elif kind is stored.RegisterControllerRecord:
            self.controllers_changed.add(record.controller_id)

    def _note_partition(self, image: MetadataImage, topic: str, index: int) -> None:
        self.partitions_changed.setdefault((topic, index), image.partition(topic, index))

    def _note_configs(self, image: MetadataImage, resource: tuple[int, str]) -> None:
        self.configs_changed.setdefault(resource, dict(image.configs.get(resource, {})))

    def _note_removal(self, image: MetadataImage, name: str) -> None:
        if name in self.topics_created:
            self.topics_created.discard(name)
        else:
            self.topics_deleted[name] = image.topics[name]
        if (stored.RESOURCE_TOPIC, name) in image.configs:
            self._note_configs(image, (stored.RESOURCE_TOPIC, name))
        self.partitions_changed = {key: before for key, before in self.partitions_changed.items() if key[0] != name}


def replay_all(image: MetadataImage, records: Iterable[tuple[int, stored.MetadataRecord]], *, epoch: int | None = None) -> Delta:
    """Replay committed records, given as (offset, record), into the image; tell what they changed."""
    delta = Delta()
    for offset, record in records:
        for counted in image.admit(record):
            delta.note(image, counted)
            image.apply(counted)
        image.offset = offset
    if epoch is not None:
        image.epoch = epoch
    return delta
