"""OffsetCommit (8), versions 2 to 10: offsets of topics that exist, by name or (from version 10 on) by id."""

from typing import Any
from uuid import UUID

from engine.broker.request_context import RequestContext
from engine.coordination.groups.offsets import CommitAsked, OffsetAsked
from engine.protocol.codec import Message, build, milliseconds
from engine.protocol.errors import ErrorCode, KafkaError

HEARS_OF_MISSING_GROUP_SINCE = 9  # KIP-848
TOPIC_IDS_SINCE = 10

Codes = dict[tuple[str, UUID | None], list[dict[str, Any]]]  # (topic, id) -> partitions with their codes, as answered


async def handle(context: RequestContext, request: Message) -> Message:
    answered: Codes = {}
    wanted = _existing(context, request, answered)
    if not wanted:
        return _answer(context, answered)
    asked = CommitAsked(
        group=request.group_id,
        generation=request.generation_id_or_member_epoch,
        member_id=request.member_id,
        instance=request.group_instance_id,
        offsets=tuple(wanted),
        retention_ms=milliseconds(getattr(request, "retention_time", None)),  # versions 2 to 4
        hears_of_missing_group=context.api_version >= HEARS_OF_MISSING_GROUP_SINCE,
    )
    codes = await context.node.groups.shard_for(request.group_id).commit(asked)
    for one in wanted:
        topic_id = one.topic_id if context.api_version >= TOPIC_IDS_SINCE else None
        _put(answered, (one.topic, topic_id), one.partition, codes[one.topic, one.partition])
    return _answer(context, answered)


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    answered: Codes = {}
    for topic in request.topics:
        for partition in topic.partitions:
            _put(answered, (getattr(topic, "name", ""), topic.topic_id), partition.partition_index, error.code)  # no names in 10
    return _answer(context, answered)


def _existing(context: RequestContext, request: Message, answered: Codes) -> list[OffsetAsked]:
    """What can be committed; the rest is answered at once."""
    image, by_id = context.node.image, context.api_version >= TOPIC_IDS_SINCE
    wanted = []
    for topic in request.topics:
        name = image.topic_names.get(topic.topic_id) if by_id else topic.name
        missing = ErrorCode.unknown_topic_id if name is None else ErrorCode.unknown_topic_or_partition
        for partition in topic.partitions:
            index = partition.partition_index
            if name is None or image.partition(name, index) is None:
                _put(answered, (name or "", topic.topic_id), index, missing)
                continue
            one = OffsetAsked(
                topic=name,
                partition=index,
                offset=partition.committed_offset,
                leader_epoch=partition.committed_leader_epoch,
                metadata=partition.committed_metadata,
                topic_id=image.topics[name].id,  # stored even when the client names the topic
            )
            wanted.append(one)
    return wanted


def _put(answered: Codes, topic: tuple[str, UUID | None], index: int, code: ErrorCode) -> None:
    answered.setdefault(topic, []).append({"partition_index": index, "error_code": code})


def _answer(context: RequestContext, answered: Codes) -> Message:
    topics = [{"name": name, "topic_id": topic_id, "partitions": rows} for (name, topic_id), rows in answered.items()]
    return build("OffsetCommit", "response", context.api_version, topics=topics)
