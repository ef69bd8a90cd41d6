"""OffsetDelete (47), version 0: takes offsets away of topics that the group is not subscribed to."""

from typing import Any

from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message, build
from engine.protocol.errors import ErrorCode, InvalidGroupId


async def handle(context: RequestContext, request: Message) -> Message:
    if not request.group_id:
        raise InvalidGroupId
    answered: dict[str, list[dict[str, Any]]] = {}
    wanted = []
    for topic in request.topics:
        for partition in topic.partitions:
            index = partition.partition_index
            if context.node.image.partition(topic.name, index) is None:
                row = {"partition_index": index, "error_code": ErrorCode.unknown_topic_or_partition}
                answered.setdefault(topic.name, []).append(row)
            else:
                wanted.append((topic.name, index))
    # Even if nothing is left to delete: the group's own errors come before those of partitions.
    codes = await context.node.groups.shard_for(request.group_id).delete_offsets(request.group_id, wanted)
    for (name, index), code in codes.items():
        answered.setdefault(name, []).append({"partition_index": index, "error_code": code})
    topics = [{"name": name, "partitions": rows} for name, rows in answered.items()]
    return build("OffsetDelete", "response", context.api_version, topics=topics)
