"""OffsetForLeaderEpoch (key 23, versions 2 to 4): where a leader epoch ended, so that a reader finds where logs part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.protocol.codec import Message, build
from engine.protocol.errors import KafkaError

if TYPE_CHECKING:
    from engine.broker.request_context import RequestContext


def handle(context: RequestContext, request: Message) -> Message:
    """Each partition by itself; (-1, -1) when the epoch is unknown."""
    topics = [
        {"topic": topic.topic, "partitions": [_end_of_epoch(context, topic.topic, one) for one in topic.partitions]}
        for topic in request.topics
    ]
    return build("OffsetForLeaderEpoch", "response", context.api_version, topics=topics)


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    topics = [
        {"topic": topic.topic, "partitions": [{"partition": one.partition, "error_code": error.code} for one in topic.partitions]}
        for topic in request.topics
    ]
    return build("OffsetForLeaderEpoch", "response", context.api_version, topics=topics)


def _end_of_epoch(context: RequestContext, topic: str, asked: Any) -> dict[str, Any]:
    try:
        partition = context.node.replicas.leader(topic, asked.partition, asked.current_leader_epoch)
    except KafkaError as error:
        return {"partition": asked.partition, "error_code": error.code}
    epoch, end_offset = partition.log.epoch_end(asked.leader_epoch)
    return {"partition": asked.partition, "leader_epoch": epoch, "end_offset": end_offset}
