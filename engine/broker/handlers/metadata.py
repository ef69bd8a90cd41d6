"""Metadata (3), versions 0 to 13: brokers, topics and leaders; unknown topics are created if that is configured.

As Kafka 4: a topic that is being created is UNKNOWN_TOPIC_OR_PARTITION meanwhile. Authorized operations are all of them, since
there is no authorizer yet. In demos a broker that was fenced a moment ago is still named (`broker/lately_fenced`).
"""

from uuid import UUID

from engine.broker.cluster_view import (
    NO_OPERATIONS_ASKED,
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
from engine.protocol import hot_metadata
from engine.protocol.codec import Message, build, zero_uuid
from engine.protocol.errors import ErrorCode, InvalidRequest, KafkaError

ASKS_BY_ID_SINCE = 12
FILTERS_REPLICAS_UNTIL = 0


def handle(context: RequestContext, request: Message) -> bytes:
    node, version = context.node, context.api_version
    operations = ALL_TOPIC_OPERATIONS if request.include_topic_authorized_operations else NO_OPERATIONS_ASKED
    # Versions 8 to 10 only: DescribeCluster tells it since.
    cluster_operations = getattr(request, "include_cluster_authorized_operations", False)
    everything = request.topics is None or (version == 0 and not request.topics)
    if everything:
        topics = [_known(context, node.image.topics[name], operations) for name in sorted(node.image.topics)]
    else:
        topics = _asked_for(context, request, operations)
    return hot_metadata.write_response(
        version,
        context.correlation_id,
        brokers=[(broker.id, broker.host, broker.port, broker.rack) for broker in node.lately_fenced.named()],
        cluster_id=node.spec.cluster_id,
        controller_id=controller_for_clients(node),
        topics=topics,
        authorized_operations=ALL_CLUSTER_OPERATIONS if cluster_operations else NO_OPERATIONS_ASKED,
    )


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    # Versions 10 and 11 may ask without a name, but cannot answer so: Kafka says "" then.
    topics = [{"error_code": error.code, "name": topic.name or "", "topic_id": topic.topic_id} for topic in request.topics or ()]
    return build("Metadata", "response", context.api_version, topics=topics)


def _asked_for(context: RequestContext, request: Message, operations: int) -> list[bytes]:
    image = context.node.image
    answers, missing = [], []
    by_id = [topic for topic in request.topics if not zero_uuid(topic.topic_id)]
    if by_id and context.api_version < ASKS_BY_ID_SINCE:
        raise InvalidRequest("topic ids are served from version 12 on")
    for topic in by_id:
        name = image.topic_names.get(topic.topic_id)
        if name is None:
            answers.append(_untold(context, ErrorCode.unknown_topic_id, None, topic.topic_id))
        else:
            answers.append(_known(context, image.topics[name], operations))
    names = dict.fromkeys(topic.name for topic in request.topics if zero_uuid(topic.topic_id))
    if None in names:
        raise InvalidRequest("a topic with neither name nor id")
    for name in names:
        if name in image.topics:
            answers.append(_known(context, image.topics[name], operations))
        elif not is_valid_topic_name(name):
            answers.append(_untold(context, ErrorCode.invalid_topic_exception, name))
        else:
            missing.append(name)
            answers.append(_untold(context, ErrorCode.unknown_topic_or_partition, name, operations=operations))
    if request.allow_auto_topic_creation and context.node.config["auto.create.topics.enable"]:
        context.node.topic_creation.begin(missing)
    return answers


def _untold(
    context: RequestContext, error: ErrorCode, name: str | None, topic_id: UUID | None = None, *, operations: int = NO_OPERATIONS_ASKED
) -> bytes:
    return hot_metadata.topic(
        context.api_version, name, topic_id, error=error, is_internal=is_internal(name or ""), authorized_operations=operations
    )


def _known(context: RequestContext, topic: TopicImage, operations: int) -> bytes:
    return hot_metadata.topic(
        context.api_version,
        topic.name,
        topic.id,
        is_internal=is_internal(topic.name),
        partitions=[_partition(context, index, topic.partitions[index]) for index in sorted(topic.partitions)],
        authorized_operations=operations,
    )


def _partition(context: RequestContext, index: int, partition: PartitionImage) -> bytes:
    image = context.node.image
    leader = leader_of(image, partition)
    replicas, isr, error = partition.replicas, partition.isr, ErrorCode.none
    if context.api_version <= FILTERS_REPLICAS_UNTIL:
        replicas = tuple(replica for replica in replicas if image.alive(replica))
        isr = tuple(replica for replica in isr if image.alive(replica))
        if replicas != partition.replicas:
            error = ErrorCode.replica_not_available
    return hot_metadata.partition(
        context.api_version,
        index,
        error=ErrorCode.leader_not_available if leader < 0 else error,
        leader=leader,
        leader_epoch=partition.leader_epoch,
        replicas=replicas,
        isr=isr,
        offline=offline_replicas(image, partition),
    )
