"""OffsetFetch (9), versions 1 to 10: what groups have committed; several groups from version 8 on, topic ids from 10 on.

Not done: member id and epoch (version 9) are for consumer groups of KIP-848, which are not served yet.
"""

from typing import Any
from uuid import UUID

from engine.broker.request_context import RequestContext
from engine.coordination.shard import Shard
from engine.protocol.codec import Message, build, zero_uuid
from engine.protocol.errors import ErrorCode, KafkaError

ERROR_OF_ITS_OWN_SINCE = 2
MANY_GROUPS_SINCE = 8
TOPIC_IDS_SINCE = 10
NO_OFFSET = -1

Rows = list[dict[str, Any]]


async def handle(context: RequestContext, request: Message) -> Message:
    if context.api_version < MANY_GROUPS_SINCE:
        topics = await _one(context, request.group_id, request.topics, request.require_stable)
        return build("OffsetFetch", "response", context.api_version, topics=topics)
    groups = []
    for group in request.groups:
        try:
            topics = await _one(context, group.group_id, group.topics, request.require_stable)
            groups.append({"group_id": group.group_id, "topics": topics})
        except KafkaError as error:
            groups.append({"group_id": group.group_id, "topics": [], "error_code": error.code})
    return build("OffsetFetch", "response", context.api_version, groups=groups)


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    version = context.api_version
    if version >= MANY_GROUPS_SINCE:
        groups = [{"group_id": group.group_id, "topics": [], "error_code": error.code} for group in request.groups]
        return build("OffsetFetch", "response", version, groups=groups)
    if version >= ERROR_OF_ITS_OWN_SINCE:
        return build("OffsetFetch", "response", version, topics=[], error_code=error.code)
    topics = [
        {"name": topic.name, "partitions": [_row(index, code=error.code) for index in topic.partition_indexes]}
        for topic in request.topics or ()
    ]
    return build("OffsetFetch", "response", version, topics=topics)


async def _one(context: RequestContext, group_id: str, topics: Any, require_stable: bool) -> Rows:
    shard = context.node.groups.shard_for(group_id)
    if require_stable:
        # As Kafka: what is being stored is waited for. Transactions, which KIP-447 means, are not served yet.
        await shard.settled()
    if topics is None:
        return _all(context, shard, group_id)
    return [_asked_for(context, shard, group_id, topic) for topic in topics]


def _all(context: RequestContext, shard: Shard, group_id: str) -> Rows:
    rows = []
    for name, partitions in sorted(shard.ledger.offsets.get(group_id, {}).items()):
        known = context.node.image.topics.get(name)
        if known is None and context.api_version >= TOPIC_IDS_SINCE:
            continue  # a topic that has no id any more cannot be told of
        told = [_stored(shard, group_id, name, index) for index in sorted(partitions)]
        rows.append({"name": name, "topic_id": known.id if known else None, "partitions": told})
    return rows


def _asked_for(context: RequestContext, shard: Shard, group_id: str, topic: Message) -> dict[str, Any]:
    if context.api_version < TOPIC_IDS_SINCE:
        told = [_stored(shard, group_id, topic.name, index) for index in topic.partition_indexes]
        return {"name": topic.name, "partitions": told}
    name = context.node.image.topic_names.get(topic.topic_id)
    if name is None:
        told = [_row(index, code=ErrorCode.unknown_topic_id) for index in topic.partition_indexes]
    else:
        told = [_stored(shard, group_id, name, index, topic_id=topic.topic_id) for index in topic.partition_indexes]
    return {"topic_id": topic.topic_id, "partitions": told}


def _stored(shard: Shard, group_id: str, topic: str, index: int, *, topic_id: UUID | None = None) -> dict[str, Any]:
    """Who asks by id is not told of an offset of a former topic with the same name."""
    value = shard.ledger.offset(group_id, topic, index)
    if value is None or (topic_id and not zero_uuid(value.topic_id) and value.topic_id != topic_id):
        return _row(index)
    return _row(index, offset=value.offset, leader_epoch=value.leader_epoch, metadata=value.metadata)


def _row(
    index: int, *, offset: int = NO_OFFSET, leader_epoch: int = -1, metadata: str = "", code: ErrorCode = ErrorCode.none
) -> dict[str, Any]:
    return {
        "partition_index": index,
        "committed_offset": offset,
        "committed_leader_epoch": leader_epoch,
        "metadata": metadata,
        "error_code": code,
    }
