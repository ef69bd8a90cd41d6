"""DescribeTopicPartitions (75), version 0: partitions with their eligible leader replicas, page by page (KIP-966)."""

from typing import Any

from engine.broker.cluster_view import ALL_TOPIC_OPERATIONS, is_internal, is_valid_topic_name, leader_of, offline_replicas
from engine.broker.request_context import RequestContext
from engine.metadata.image import PartitionImage, TopicImage
from engine.protocol.codec import Message, build
from engine.protocol.errors import ErrorCode, InvalidRequest, KafkaError


def handle(context: RequestContext, request: Message) -> Message:
    image, cursor = context.node.image, request.cursor
    left = min(request.response_partition_limit, context.node.config["max.request.partition.size.limit"])
    if left < 1 or (cursor and cursor.partition_index < 0):
        raise InvalidRequest
    asked = {topic.name for topic in request.topics}
    begin = (cursor.topic_name, cursor.partition_index) if cursor else ("", 0)
    topics: list[dict[str, Any]] = []
    next_cursor = None
    for name in sorted(asked or image.topics):
        if name < begin[0]:
            continue
        if left == 0:
            next_cursor = {"topic_name": name, "partition_index": 0}
            break
        if name not in image.topics:
            topics.append(_unknown(name))
            continue
        first = begin[1] if name == begin[0] else 0
        indexes = [index for index in sorted(image.topics[name].partitions) if index >= first]
        topics.append(_known(context, image.topics[name], indexes[:left]))
        if len(indexes) > left:
            next_cursor = {"topic_name": name, "partition_index": indexes[left]}
            break
        left -= len(indexes)
    return build("DescribeTopicPartitions", "response", 0, topics=topics, next_cursor=next_cursor)


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    topics = [{"error_code": error.code, "name": topic.name} for topic in request.topics]
    return build("DescribeTopicPartitions", "response", 0, topics=topics)


def _unknown(name: str) -> dict[str, Any]:
    error = ErrorCode.unknown_topic_or_partition if is_valid_topic_name(name) else ErrorCode.invalid_topic_exception
    return {"error_code": error, "name": name, "topic_authorized_operations": ALL_TOPIC_OPERATIONS}


def _known(context: RequestContext, topic: TopicImage, indexes: list[int]) -> dict[str, Any]:
    return {
        "name": topic.name,
        "topic_id": topic.id,
        "is_internal": is_internal(topic.name),
        "partitions": [_partition(context, index, topic.partitions[index]) for index in indexes],
        "topic_authorized_operations": ALL_TOPIC_OPERATIONS,
    }


def _partition(context: RequestContext, index: int, partition: PartitionImage) -> dict[str, Any]:
    image = context.node.image
    leader = leader_of(image, partition)
    return {
        "error_code": ErrorCode.none if leader >= 0 else ErrorCode.leader_not_available,
        "partition_index": index,
        "leader_id": leader,
        "leader_epoch": partition.leader_epoch,
        "replica_nodes": partition.replicas,
        "isr_nodes": partition.isr,
        "eligible_leader_replicas": partition.elr,
        "last_known_elr": partition.last_known_elr,
        "offline_replicas": offline_replicas(image, partition),
    }
