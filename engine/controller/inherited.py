"""Facts about records that a controller before us committed and did not live to tell.

A controller tells what it decided once that is committed. If it dies between, its records may still be committed, by the next
controller; then nobody knows why, but everybody must know what. What was told already is told again, with the same epochs.
"""

from __future__ import annotations

from engine.controller.config_changes import NAMES
from engine.controller.decision import Decision, tell_all
from engine.controller.leader_election import RECOVERING
from engine.controller.partitions import on_wire, tell_change
from engine.controller.topic_names import INTERNAL_TOPICS
from engine.events.facts import BrokerFenced, BrokerRegistered, BrokerUnfenced, BrokerUnregistered, ConfigChanged, PartitionsAdded, TopicCreated, TopicDeleted
from engine.events.journal import Journal
from engine.metadata.delta import Delta
from engine.metadata.image import MetadataImage, PartitionImage
from engine.protocol.stored.metadata import RESOURCE_TOPIC


def tell_inherited(journal: Journal, image: MetadataImage, delta: Delta) -> None:
    """Tell the delta."""
    decision = Decision()
    for broker in sorted(delta.brokers_changed):
        _broker(decision, image, delta, broker)
    for name, topic in sorted(delta.topics_deleted.items()):
        decision.tell(TopicDeleted(topic=name, topic_id=str(topic.id)))
    for name in sorted(delta.topics_created):
        topic = image.topics[name]
        rows = tuple(on_wire(index, partition) for index, partition in sorted(topic.partitions.items()))
        own = dict(image.configs.get((RESOURCE_TOPIC, name), {}))
        decision.tell(TopicCreated(topic=name, topic_id=str(topic.id), partitions=rows, topic_configs=own, internal=name in INTERNAL_TOPICS))
    for (name, index), before in sorted(delta.partitions_changed.items(), key=lambda item: item[0]):
        if name in delta.topics_created:
            continue
        after = image.topics[name].partitions[index]
        if before is None:
            decision.tell(PartitionsAdded(topic=name, partitions=(on_wire(index, after),)))
        else:
            tell_change(decision, (name, index, before), after, how=_how(before, after), reason="inherited")
    for (kind, name), were in sorted(delta.configs_changed.items()):
        if kind in NAMES and not (kind == RESOURCE_TOPIC and name in {*delta.topics_created, *delta.topics_deleted}):
            now = image.configs.get((kind, name), {})
            decision.tell(ConfigChanged(resource=NAMES[kind], name=name, changes=dict.fromkeys(were) | now))
    tell_all(journal, decision.tellings)


def _how(before: PartitionImage, after: PartitionImage) -> str:
    """A leader was elected, if it was, as far as can be seen of it: one that must recover was not in sync."""
    if after.leader >= 0 and after.leader_recovery_state == RECOVERING:
        return "unclean"
    return "eligible" if after.leader in before.elr else ""


def _broker(decision: Decision, image: MetadataImage, delta: Delta, broker: int) -> None:
    before, after = delta.brokers_before.get(broker), image.brokers.get(broker)
    if after is None:
        if before is not None:
            decision.tell(BrokerUnregistered(broker=broker))
        return
    if before is None or before.epoch != after.epoch:
        decision.tell(BrokerRegistered(broker=broker, broker_epoch=after.epoch, rack=after.rack, host=after.host, port=after.port))
    was_fenced = before is None or before.fenced or before.epoch != after.epoch
    if was_fenced and not after.fenced:
        decision.tell(BrokerUnfenced(broker=broker, broker_epoch=after.epoch))
    elif after.fenced and not was_fenced:
        decision.tell(BrokerFenced(broker=broker, broker_epoch=after.epoch, partitions=0, reason="inherited"))
