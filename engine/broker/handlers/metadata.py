"""Metadata (3), versions 0 to 13: brokers, topics and leaders; unknown topics are created if that is configured.

As Kafka 4: a topic that is being created is UNKNOWN_TOPIC_OR_PARTITION meanwhile. Authorized operations are all of them, since
there is no authorizer yet.
"""

from typing import Any

from engine.broker.cluster_view import (
    NO_OPERATIONS_ASKED,
    alive_brokers,
    ALL_CLUSTER_OPERATIONS,
    ALL_TOPIC_OPERATIONS,
    controller_for_clients,
    is_internal,
    is_valid_topic_name,
    leader_of,
    offline_replicas,
)
from engine.broker.request_context import RequestContext
from engine.metadata.image import PartitionImage, TopicImage
from engine.protocol.codec import Message, build, zero_uuid
from engine.protocol.errors import ErrorCode, InvalidRequest, KafkaError

ASKS_BY_ID_SINCE = 12
FILTERS_REPLICAS_UNTIL = 0


def handle(context: RequestContext, request: Message) -> Message:
    node, version = context.node, context.api_version
    operations = ALL_TOPIC_OPERATIONS if request.include_topic_authorized_operations else NO_OPERATIONS_ASKED
    # Versions 8 to 10 only: DescribeCluster tells it since.
    cluster_operations = getattr(request, "include_cluster_authorized_operations", False)
    everything = request.topics is None or (version == 0 and not request.topics)
    if everything:
        topics = [_known(context, node.image.topics[name], operations) for name in sorted(node.image.topics)]
    else:
        topics = _asked_for(context, request, operations)
    return build(
        "Metadata",
        "response",
        version,
        brokers=[
            {"node_id": broker.id, "host": broker.host, "port": broker.port, "rack": broker.rack}
            for broker in alive_brokers(node.image)
        ],
        cluster_id=node.spec.cluster_id,
        controller_id=controller_for_clients(node),
        topics=topics,
        cluster_authorized_operations=ALL_CLUSTER_OPERATIONS if cluster_operations else NO_OPERATIONS_ASKED,
    )


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    # Versions 10 and 11 may ask without a name, but cannot answer so: Kafka says "" then.
    topics = [{"error_code": error.code, "name": topic.name or "", "topic_id": topic.topic_id} for topic in request.topics or ()]
    return build("Metadata", "response", context.api_version, topics=topics)


def _asked_for(context: RequestContext, request: Message, operations: int) -> list[dict[str, Any]]:
    image = context.node.image
    answers, missing = [], []
    by_id = [topic for topic in request.topics if not zero_uuid(topic.topic_id)]
    if by_id and context.api_version < ASKS_BY_ID_SINCE:
        raise InvalidRequest("topic ids are served from version 12 on")
    for topic in by_id:
        name = image.topic_names.get(topic.topic_id)
        if name is None:
            answers.append({"error_code": ErrorCode.unknown_topic_id, "name": None, "topic_id": topic.topic_id})
        else:
            answers.append(_known(context, image.topics[name], operations))
    names = dict.fromkeys(topic.name for topic in request.topics if zero_uuid(topic.topic_id))
    if None in names:
        raise InvalidRequest("a topic with neither name nor id")
    for name in names:
        if name in image.topics:
            answers.append(_known(context, image.topics[name], operations))
        elif not is_valid_topic_name(name):
            answers.append({"error_code": ErrorCode.invalid_topic_exception, "name": name})
        else:
            missing.append(name)
            answers.append(_unknown(name, operations))
    if request.allow_auto_topic_creation and context.node.config["auto.create.topics.enable"]:
        context.node.topic_creation.begin(missing)
    return answers


def _unknown(name: str, operations: int) -> dict[str, Any]:
    return {
        "error_code": ErrorCode.unknown_topic_or_partition,
        "name": name,
        "is_internal": is_internal(name),
        "topic_authorized_operations": operations,
    }


def _known(context: RequestContext, topic: TopicImage, operations: int) -> dict[str, Any]:
    return {
        "name": topic.name,
        "topic_id": topic.id,
        "is_internal": is_internal(topic.name),
        "partitions": [_partition(context, index, topic.partitions[index]) for index in sorted(topic.partitions)],
        "topic_authorized_operations": operations,
    }


def _partition(context: RequestContext, index: int, partition: PartitionImage) -> dict[str, Any]:
    image = context.node.image
    leader = leader_of(image, partition)
    replicas, isr, error = partition.replicas, partition.isr, ErrorCode.none
    if context.api_version <= FILTERS_REPLICAS_UNTIL:
        replicas = tuple(replica for replica in replicas if image.alive(replica))
        isr = tuple(replica for replica in isr if image.alive(replica))
        if replicas != partition.replicas:
            error = ErrorCode.replica_not_available
    return {
        "error_code": ErrorCode.leader_not_available if leader < 0 else error,
        "partition_index": index,
        "leader_id": leader,
        "leader_epoch": partition.leader_epoch,
        "replica_nodes": replicas,
        "isr_nodes": isr,
        "offline_replicas": offline_replicas(image, partition),
    }
