"""DescribeLogDirs (35), versions 1 to 5: the one folder of this node, and how large each replica in it is.

Not told: size and free space of the volume.
"""

from typing import Any

from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message, build
from engine.protocol.errors import KafkaError

ERROR_SINCE = 3


def handle(context: RequestContext, request: Message) -> Message:
    node = context.node
    asked = None if request.topics is None else {topic.topic: set(topic.partitions) for topic in request.topics}
    topics: dict[str, list[dict[str, Any]]] = {}
    for partition in node.replicas.all():
        if asked is not None and partition.index not in asked.get(partition.topic, ()):
            continue
        log = partition.log
        topics.setdefault(partition.topic, []).append(
            {
                "partition_index": partition.index,
                "partition_size": log.size,
                "offset_lag": max(0, log.high_watermark - log.log_end_offset),
                "is_future_key": False,
            }
        )
    result = {
        "log_dir": node.spec.folder,
        "topics": [{"name": name, "partitions": partitions} for name, partitions in sorted(topics.items())],
    }
    return build("DescribeLogDirs", "response", context.api_version, results=[result])


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    """In the folder's row: the answer itself has a place for it only from version 3 on."""
    whole = {"error_code": error.code} if context.api_version >= ERROR_SINCE else {}
    row = {"log_dir": context.node.spec.folder, "error_code": error.code, "topics": []}
    return build("DescribeLogDirs", "response", context.api_version, results=[row], **whole)
