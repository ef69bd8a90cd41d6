"""Topics come, grow and go: CreateTopics, CreatePartitions, DeleteTopics."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from engine.controller.decision import Decision
from engine.controller.partitions import on_wire
from engine.controller.placement import Candidate, Placer
from engine.controller.topic_names import INTERNAL_TOPICS, METADATA_TOPIC, check_name, collision
from engine.controller.view import View
from engine.events.facts import PartitionsAdded, TopicCreated, TopicDeleted
from engine.metadata.config_entries import topic_entries
from engine.metadata.configs import validate_topic
from engine.metadata.image import Replicas, TopicImage, new_partition
from engine.protocol.codec import Message, build, zero_uuid
from engine.protocol.errors import (
    ErrorCode,
    InvalidConfig,
    InvalidPartitions,
    InvalidReplicaAssignment,
    InvalidReplicationFactor,
    InvalidRequest,
    InvalidTopic,
    KafkaError,
    PolicyViolation,
    TopicAlreadyExists,
    TopicDeletionDisabled,
    UnknownTopicId,
    UnknownTopicOrPartition,
)
from engine.protocol.stored.metadata import RESOURCE_TOPIC, ConfigRecord, PartitionRecord, RemoveTopicRecord, TopicRecord
from engine.world.chance import Chance

PARTITIONS_PER_REQUEST_MAX = 10_000  # Kafka's MAX_PARTITIONS_PER_BATCH; one batch of records
DUPLICATE = "Duplicate topic name."


# ---- CreateTopics


def create_topics(view: View, request: Message, version: int, chance: Chance) -> Decision:
    """Every topic for itself: one bad topic does not hinder the others."""
    decision = Decision()
    counts = Counter(topic.name for topic in request.topics)
    too_many = _partitions_asked(view, request) > PARTITIONS_PER_REQUEST_MAX
    rows = []
    for topic in request.topics:
        if counts[topic.name] > 1:
            continue
        try:
            if too_many:
                raise PolicyViolation("Excessively large number of partitions per request.")
            rows.append(_create(view, decision, topic, chance))
        except KafkaError as error:
            rows.append(_refused(topic.name, error))
    twice = sorted(name for name, count in counts.items() if count > 1)
    rows += [_refused(name, InvalidRequest(DUPLICATE)) for name in twice]
    if request.validate_only:
        decision.records, decision.tellings = [], []
    decision.answer = build("CreateTopics", "response", version, topics=rows)
    return decision


def _partitions_asked(view: View, request: Message) -> int:
    return sum(
        len(topic.assignments) or (view.config["num.partitions"] if topic.num_partitions == -1 else max(topic.num_partitions, 0))
        for topic in request.topics
    )


def _refused(name: str, error: KafkaError) -> dict[str, Any]:
    return {"name": name, "error_code": error.code, "error_message": error.message, "configs": ()}


def _create(view: View, decision: Decision, asked: Message, chance: Chance) -> dict[str, Any]:
    name = asked.name
    check_new_name(view, name)
    configs = _configs_of(view, asked)
    placements = _assigned(view, asked) if asked.assignments else _placed(view, asked, chance)
    topic_id = new_topic_id(view, chance)
    partitions = [_partition(view, topic_id, index, replicas) for index, replicas in enumerate(placements)]
    decision.records.append(TopicRecord(name=name, topic_id=topic_id))
    decision.records += [
        ConfigRecord(resource_type=RESOURCE_TOPIC, resource_name=name, name=key, value=value) for key, value in sorted(configs.items())
    ]
    decision.records += partitions
    decision.tell(
        TopicCreated(
            topic=name,
            topic_id=str(topic_id),
            partitions=tuple(on_wire(record.partition_id, new_partition(record)) for record in partitions),
            topic_configs=configs,
            internal=name in INTERNAL_TOPICS,
        )
    )
    entries = topic_entries(configs, view.config)
    return {
        "name": name,
        "topic_id": topic_id,
        "num_partitions": len(placements),
        "replication_factor": len(placements[0]),
        "configs": [{"name": each.name, "value": each.value, "config_source": each.source} for each in entries],
    }


def check_new_name(view: View, name: str) -> None:
    """Raises InvalidTopic, InvalidRequest, TopicAlreadyExists."""
    check_name(name)
    if name == METADATA_TOPIC:
        raise InvalidRequest(f"Creation of internal topic {name} is prohibited.")
    if name in view.image.topics:
        raise TopicAlreadyExists(f"Topic '{name}' already exists.")
    other = collision(name, view.image.topics)
    if other:
        raise InvalidTopic(f"Topic '{name}' collides with existing topic: {other}")


def _configs_of(view: View, asked: Message) -> dict[str, str]:
    missing = [each.name for each in asked.configs if each.value is None]
    if missing:
        raise InvalidConfig(f"Null value not supported for topic configs: {','.join(missing)}")
    configs = {each.name: each.value for each in asked.configs}
    validate_topic(configs, view.config)
    return configs


def _assigned(view: View, asked: Message) -> list[Replicas]:
    """The replicas that the request names, by partition."""
    if asked.replication_factor != -1:
        raise InvalidRequest("A manual partition assignment was specified, but replication factor was not set to -1.")
    if asked.num_partitions != -1:
        raise InvalidRequest("A manual partition assignment was specified, but numPartitions was not set to -1.")
    by_index: dict[int, Replicas] = {}
    replication_factor = None
    for each in asked.assignments:
        if each.partition_index in by_index:
            raise InvalidReplicaAssignment(f"Found multiple manual partition assignments for partition {each.partition_index}")
        check_assignment(view, each.broker_ids, replication_factor)
        replication_factor = len(each.broker_ids)
        if not any(view.is_active(broker) for broker in each.broker_ids):
            raise InvalidReplicaAssignment(
                f"All brokers specified in the manual partition assignment for partition {each.partition_index} are fenced "
                "or in controlled shutdown."
            )
        by_index[each.partition_index] = tuple(each.broker_ids)
    if sorted(by_index) != list(range(len(by_index))):
        raise InvalidReplicaAssignment("partitions should be a consecutive 0-based integer sequence")
    return [by_index[index] for index in sorted(by_index)]


def check_assignment(view: View, brokers: Replicas, replication_factor: int | None) -> None:
    """Raises InvalidReplicaAssignment."""
    if not brokers:
        raise InvalidReplicaAssignment("The manual partition assignment includes an empty replica list.")
    for broker in sorted({*brokers}):
        if broker not in view.image.brokers:
            raise InvalidReplicaAssignment(f"The manual partition assignment includes broker {broker}, but no such broker is registered.")
        if brokers.count(broker) > 1:
            raise InvalidReplicaAssignment(f"The manual partition assignment includes the broker {broker} more than once.")
    if replication_factor is not None and len(brokers) != replication_factor:
        raise InvalidReplicaAssignment(
            f"The manual partition assignment includes a partition with {len(brokers)} replica(s), but this is not consistent "
            f"with previous partitions, which have {replication_factor} replica(s)."
        )


def _placed(view: View, asked: Message, chance: Chance) -> list[Replicas]:
    """The replicas where we put them."""
    if asked.replication_factor < -1 or asked.replication_factor == 0:
        raise InvalidReplicationFactor("Replication factor must be larger than 0, or -1 to use the default value.")
    if asked.num_partitions < -1 or asked.num_partitions == 0:
        raise InvalidPartitions("Number of partitions was set to an invalid non-positive value.")
    partitions = view.config["num.partitions"] if asked.num_partitions == -1 else asked.num_partitions
    factor = view.config["default.replication.factor"] if asked.replication_factor == -1 else asked.replication_factor
    return place(view, partitions, factor, chance)


def place(view: View, partitions: int, replication_factor: int, chance: Chance) -> list[Replicas]:
    """Raises InvalidReplicationFactor."""
    brokers = [broker for broker in view.image.brokers.values() if not broker.in_controlled_shutdown]
    placer = Placer([Candidate(id=broker.id, rack=broker.rack, fenced=broker.fenced) for broker in brokers], chance)
    try:
        return [placer.place(replication_factor) for _ in range(partitions)]
    except InvalidReplicationFactor as error:
        raise InvalidReplicationFactor(f"Unable to replicate the partition {replication_factor} time(s): {error.message}") from None


def new_topic_id(view: View, chance: Chance) -> UUID:
    """One that is not taken, and none of Kafka's reserved ones: 0, 1, or any whose text begins with a dash."""
    while True:
        topic_id = chance.uuid()
        if topic_id.int > 1 and topic_id.bytes[0] >> 2 != 62 and topic_id not in view.image.topic_names:
            return topic_id


def _partition(view: View, topic_id: UUID, index: int, replicas: Replicas) -> PartitionRecord:
    isr = tuple(broker for broker in replicas if view.is_active(broker))
    return PartitionRecord(
        partition_id=index,
        topic_id=topic_id,
        replicas=replicas,
        isr=isr,
        leader=isr[0],
        leader_epoch=0,
        partition_epoch=0,
        directories=tuple(view.directory_of(broker) for broker in replicas),
    )


# ---- CreatePartitions


def create_partitions(view: View, request: Message, version: int, chance: Chance) -> Decision:
    """Topics grow; they never shrink."""
    decision = Decision()
    counts = Counter(topic.name for topic in request.topics)
    rows = []
    for asked in request.topics:
        if counts[asked.name] > 1:
            continue
        row: dict[str, Any] = {"name": asked.name}
        try:
            _grow(view, decision, asked, chance)
        except KafkaError as error:
            row |= {"error_code": error.code, "error_message": error.message}
        rows.append(row)
    twice = sorted(name for name, count in counts.items() if count > 1)
    rows += [{"name": name, "error_code": ErrorCode.invalid_request, "error_message": DUPLICATE} for name in twice]
    if request.validate_only:
        decision.records, decision.tellings = [], []
    decision.answer = build("CreatePartitions", "response", version, results=rows)
    return decision


def _grow(view: View, decision: Decision, asked: Message, chance: Chance) -> None:
    topic = view.image.topics.get(asked.name)
    if topic is None:
        raise UnknownTopicOrPartition
    have = len(topic.partitions)
    if asked.count == have:
        raise InvalidPartitions(f"Topic already has {have} partition(s).")
    if asked.count < have:
        raise InvalidPartitions(f"The topic {topic.name} currently has {have} partition(s); {asked.count} would not be an increase.")
    more = asked.count - have
    if more > PARTITIONS_PER_REQUEST_MAX:
        raise PolicyViolation("Excessively large number of partitions per request.")
    factor = len(topic.partitions[0].replicas)
    if asked.assignments is not None:
        placements = _more_assigned(view, asked, more, factor, have)
    else:
        placements = place(view, more, factor, chance)
    records = [_partition(view, topic.id, have + step, replicas) for step, replicas in enumerate(placements)]
    decision.records += records
    added = tuple(on_wire(record.partition_id, new_partition(record)) for record in records)
    decision.tell(PartitionsAdded(topic=topic.name, partitions=added))


def _more_assigned(view: View, asked: Message, more: int, factor: int, have: int) -> list[Replicas]:
    if len(asked.assignments) != more:
        raise InvalidReplicaAssignment(
            f"Attempted to add {more} additional partition(s), but only {len(asked.assignments)} assignment(s) were specified."
        )
    placements = []
    for step, each in enumerate(asked.assignments):
        check_assignment(view, each.broker_ids, factor)
        if not any(view.is_active(broker) for broker in each.broker_ids):
            raise InvalidReplicaAssignment(
                f"All brokers specified in the manual partition assignment for partition {have + step} are fenced or in controlled shutdown."
            )
        placements.append(tuple(each.broker_ids))
    return placements


# ---- DeleteTopics


def delete_topics(view: View, request: Message, version: int) -> Decision:
    """By name, or from version 6 by id."""
    if not view.config["delete.topic.enable"]:
        # Clients before version 3 do not know the newer error.
        raise TopicDeletionDisabled("Topic deletion is disabled.") if version >= 3 else InvalidRequest("Topic deletion is disabled.")
    asked = [(state.name, state.topic_id) for state in request.topics] if version >= 6 else [(name, None) for name in request.topic_names]
    names = Counter(name for name, _ in asked if name is not None)
    ids = Counter(topic_id for _, topic_id in asked if not zero_uuid(topic_id))
    named = {view.image.topics[name].id for name, topic_id in asked if name in view.image.topics and zero_uuid(topic_id)}
    decision = Decision()
    rows, seen = [], set()
    for name, topic_id in asked:
        if (name, topic_id) in seen or (name is None and topic_id in named):
            continue
        seen.add((name, topic_id))
        row: dict[str, Any] = {"name": name, "topic_id": topic_id}
        try:
            topic = _to_delete(view, name, topic_id, twice=names[name] > 1 or ids[topic_id] > 1)
            if name is not None and ids[topic.id]:
                row["topic_id"] = topic.id
                raise InvalidRequest("The provided topic name maps to an ID that was already supplied.")
        except KafkaError as error:
            rows.append(row | {"error_code": error.code, "error_message": error.message})
            continue
        decision.records.append(RemoveTopicRecord(topic_id=topic.id))
        decision.tell(TopicDeleted(topic=topic.name, topic_id=str(topic.id)))
        rows.append({"name": topic.name, "topic_id": topic.id})
    decision.answer = build("DeleteTopics", "response", version, responses=rows)
    return decision


def _to_delete(view: View, name: str | None, topic_id: UUID | None, *, twice: bool) -> TopicImage:
    if name is None and zero_uuid(topic_id):
        raise InvalidRequest("Neither topic name nor id were specified.")
    if name is not None and not zero_uuid(topic_id):
        raise InvalidRequest("You may not specify both topic name and topic id.")
    if twice:
        raise InvalidRequest(DUPLICATE if name is not None else "Duplicate topic id.")
    if name is None:
        found = view.image.topic_names.get(topic_id)
        if found is None:
            raise UnknownTopicId("This server does not host this topic ID.")
        return view.image.topics[found]
    topic = view.image.topics.get(name)
    if topic is None:
        raise UnknownTopicOrPartition("This server does not host this topic-partition.")
    return topic
