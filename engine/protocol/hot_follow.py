"""Fetch requests written and Fetch responses read by struct, as a follower does. Version 18 only: all nodes are of one version."""

import struct
from typing import NamedTuple

from engine.protocol.codec import Malformed
from engine.protocol.hot_fields import INT32, read_count, read_tags, read_varint, skip_tags, string, varint

VERSION = 18
FETCH = 1
NO_EPOCH = -1

_REQUEST_HEAD = struct.Struct(">hhi")
_BODY_HEAD = struct.Struct(">iiibii")  # wait, bytes min, bytes max, isolation level, session id, session epoch
_WANTED = struct.Struct(">iiqiqiB")  # index, leader epoch, offset, last epoch, log start, bytes max, no tags
_REPLICA_STATE = struct.Struct(">BBBiqB")  # one tag, 1, of size 13: replica id, broker epoch, no tags inside
_RESPONSE_HEAD = struct.Struct(">ihi")
_FETCHED = struct.Struct(">ihqqq")
_EPOCH_OFFSET = struct.Struct(">iq")
_LEADER = struct.Struct(">ii")
_DIVERGING_TAG, _LEADER_TAG = 0, 1


class Answered(NamedTuple):
    """One partition of a response. The records are a view into the frame."""

    index: int
    error: int
    high_watermark: int
    log_start_offset: int
    diverging: tuple[int, int] | None  # (epoch, end offset)
    leader: tuple[int, int] | None  # (id, epoch)
    records: memoryview


class FollowerRequest:
    """Everything of a follower's request that does not change from one to the next."""

    def __init__(self, *, node_id: int, client_id: str, bytes_min: int, bytes_max: int) -> None:
        self._node_id = node_id
        self._client = string(client_id, flexible=False) + b"\0"
        self._limits = (bytes_min, bytes_max, 0)

    def write(
        self,
        correlation_id: int,
        *,
        wait_ms_max: int,
        session: tuple[int, int],
        broker_epoch: int,
        wanted: dict[bytes, list[tuple[int, int, int, int, int, int]]],
        forgotten: dict[bytes, list[int]],
    ) -> bytes:
        """With length prefix and header. `session`: (id, epoch); `wanted`: by topic id, tuples as hot_fetch.Wanted."""
        limits = _BODY_HEAD.pack(wait_ms_max, *self._limits, *session)
        out = [_REQUEST_HEAD.pack(FETCH, VERSION, correlation_id), self._client, limits]
        out.append(varint(len(wanted) + 1))
        for topic_id, partitions in wanted.items():
            out += (topic_id, varint(len(partitions) + 1))
            out += [_WANTED.pack(*one, 0) for one in partitions]
            out.append(b"\0")
        out.append(varint(len(forgotten) + 1))
        for topic_id, indexes in forgotten.items():
            out += (topic_id, varint(len(indexes) + 1), struct.pack(f">{len(indexes)}i", *indexes), b"\0")
        out.append(b"\1")  # no rack: a follower takes from the leader
        out.append(_REPLICA_STATE.pack(1, 1, 13, self._node_id, broker_epoch, 0))
        body = b"".join(out)
        return INT32.pack(len(body)) + body


def parse_response(frame: memoryview) -> tuple[int, int, int, list[tuple[bytes, list[Answered]]]]:
    """(correlation id, error, session id, [(topic id as on the wire, [Answered])]) of a frame without length prefix. Raises Malformed."""
    try:
        return _parse(frame)
    except (IndexError, struct.error, ValueError) as failure:
        raise Malformed(f"not a Fetch response version {VERSION}: {failure}") from failure


def _parse(frame: memoryview) -> tuple[int, int, int, list[tuple[bytes, list[Answered]]]]:
    (correlation_id,) = INT32.unpack_from(frame, 0)
    at = skip_tags(frame, 4)
    _throttle, error, session_id = _RESPONSE_HEAD.unpack_from(frame, at)
    topics, at = read_count(frame, at + 10, flexible=True)
    answered = []
    for _ in range(topics):
        topic_id = bytes(frame[at : at + 16])
        partitions, at = read_count(frame, at + 16, flexible=True)
        found = []
        for _ in range(partitions):
            one, at = _read_answered(frame, at)
            found.append(one)
        at = skip_tags(frame, at)
        answered.append((topic_id, found))
    return correlation_id, error, session_id, answered


def _read_answered(frame: memoryview, at: int) -> tuple[Answered, int]:
    index, error, high_watermark, _last_stable, log_start_offset = _FETCHED.unpack_from(frame, at)
    aborted, at = read_varint(frame, at + 30)
    for _ in range(aborted - 1):
        at = skip_tags(frame, at + 16)
    length, at = read_varint(frame, at + 4)  # past the preferred read replica
    end = at + max(length - 1, 0)
    if end > len(frame):
        raise Malformed(f"records of {length - 1} bytes reach past the frame")
    records, diverging, leader = frame[at:end], None, None
    if frame[end] == 0:
        return Answered(index, error, high_watermark, log_start_offset, None, None, records), end + 1
    tags, at = read_tags(frame, end)
    for tag, begin in tags:
        if tag == _DIVERGING_TAG:
            diverging = _EPOCH_OFFSET.unpack_from(frame, begin)
        elif tag == _LEADER_TAG:
            leader = _LEADER.unpack_from(frame, begin)
    return Answered(index, error, high_watermark, log_start_offset, diverging, leader, records), at
