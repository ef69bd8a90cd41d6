"""ListOffsets (key 2, versions 1 to 11): first, last, youngest, and by time.

There is no tiered storage here: the last tiered and the earliest pending offset are -1, and the timeout of version 10 has
nothing to limit.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from engine.protocol.codec import Message, build
from engine.protocol.errors import InvalidRequest, KafkaError, OffsetNotAvailable, UnsupportedVersion

if TYPE_CHECKING:
    from engine.broker.request_context import RequestContext
    from engine.replication.partition import Partition

LATEST, EARLIEST, MAX_TIMESTAMP, EARLIEST_LOCAL, LATEST_TIERED, EARLIEST_PENDING_UPLOAD = -1, -2, -3, -4, -5, -6
SINCE_VERSION = {LATEST: 1, EARLIEST: 1, MAX_TIMESTAMP: 7, EARLIEST_LOCAL: 8, LATEST_TIERED: 9, EARLIEST_PENDING_UPLOAD: 11}
CONSUMER, DEBUGGER = -1, -2  # replica ids; a debugger may ask followers
READ_COMMITTED = 1
NOT_FOUND = {"offset": -1, "timestamp": -1}


def handle(context: RequestContext, request: Message) -> Message:
    """Each partition by itself."""
    asked = Counter((topic.name, one.partition_index) for topic in request.topics for one in topic.partitions)
    topics = []
    for topic in request.topics:
        once = {one.partition_index: one for one in topic.partitions}
        found = [_answer(context, request, topic.name, one, asked) for one in once.values()]
        topics.append({"name": topic.name, "partitions": found})
    return build("ListOffsets", "response", context.api_version, topics=topics)


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    told = NOT_FOUND | {"error_code": error.code}
    rows = [
        {"name": topic.name, "partitions": [{"partition_index": one.partition_index} | told for one in topic.partitions]}
        for topic in request.topics
    ]
    return build("ListOffsets", "response", context.api_version, topics=rows)


def _answer(context: RequestContext, request: Message, topic: str, asked: Any, count: Counter) -> dict[str, Any]:
    try:
        if count[topic, asked.partition_index] > 1:
            raise InvalidRequest()
        if asked.timestamp < 0 and context.api_version < SINCE_VERSION.get(asked.timestamp, 99):
            raise UnsupportedVersion()
        found = _find(context, request, topic, asked)
    except KafkaError as error:
        found = NOT_FOUND | {"error_code": error.code}
    return {"partition_index": asked.partition_index} | found


def _find(context: RequestContext, request: Message, topic: str, asked: Any) -> dict[str, Any]:
    partition = context.node.replicas.find(topic, asked.partition_index)
    partition.check_epoch(asked.current_leader_epoch)
    if request.replica_id != DEBUGGER:
        partition.lead_or_refuse()
    log, timestamp = partition.log, asked.timestamp
    if timestamp in (EARLIEST, EARLIEST_LOCAL):
        start = log.log_start_offset
        earliest = log.epochs.earliest
        known = earliest is not None and earliest.start_offset <= start
        return {"offset": start, "timestamp": -1, "leader_epoch": earliest.epoch if known else -1}
    if timestamp in (LATEST_TIERED, EARLIEST_PENDING_UPLOAD):
        return NOT_FOUND
    upper = _last_fetchable(partition, request)
    if timestamp == LATEST:
        _check_committed_of_epoch(partition, request)
        return {"offset": upper, "timestamp": -1, "leader_epoch": partition.leader_epoch}
    found = log.offset_of_max_timestamp() if timestamp == MAX_TIMESTAMP else log.offset_for_timestamp(timestamp)
    if found is not None and found.offset < upper:
        epoch = -1 if found.leader_epoch is None else found.leader_epoch
        return {"offset": found.offset, "timestamp": found.timestamp, "leader_epoch": epoch}
    _check_committed_of_epoch(partition, request)
    return NOT_FOUND


def _last_fetchable(partition: Partition, request: Message) -> int:
    log = partition.log
    if request.replica_id >= 0:
        return log.log_end_offset
    return log.last_stable_offset if request.isolation_level == READ_COMMITTED else log.high_watermark


def _check_committed_of_epoch(partition: Partition, request: Message) -> None:
    """A fresh leader whose high watermark is behind its epoch's start would send readers back: they ask again (KIP-207)."""
    leading = partition.leading
    if request.replica_id < 0 and leading is not None and leading.epoch_start > partition.log.high_watermark:
        raise OffsetNotAvailable()
