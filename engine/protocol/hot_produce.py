"""Produce requests read and Produce responses written by struct: kio would copy the records and writes slowly.

Versions 3 to 13 (0 to 2 are advertised for old librdkafka and never answered with data, KAFKA-18659).
"""

import struct
from collections.abc import Sequence

from engine.protocol.codec import Malformed
from engine.protocol.hot_fields import (
    INT32,
    LEADER,
    RESPONSE_HEAD,
    Topic,
    count,
    node_endpoints,
    read_count,
    read_string,
    read_topic,
    skip_tags,
    string,
)

_ACKS_TIMEOUT = struct.Struct(">hi")
_OLD = struct.Struct(">ihqq")
_WITH_START = struct.Struct(">ihqqq")
_PLAIN = struct.Struct(">ihqqqBBB")  # no record errors, no message, no tags: the usual answer

Partitions = list[tuple[int, memoryview | None]]


class ProduceRequest:
    """topics: [(Topic, [(partition, records or None)])]; the records are views into the frame."""

    __slots__ = ("acks", "timeout_ms", "topics", "transactional_id", "version")

    def __init__(self, version: int, transactional_id: str | None, acks: int, timeout_ms: int) -> None:
        self.version = version
        self.transactional_id = transactional_id
        self.acks = acks
        self.timeout_ms = timeout_ms
        self.topics: list[tuple[Topic, Partitions]] = []


class Produced:
    """What one partition is answered. `leader`: (id, epoch) that the client should go to (KIP-951)."""

    __slots__ = ("base_offset", "error", "index", "leader", "log_append_time_ms", "log_start_offset", "message", "record_errors")

    def __init__(
        self, index: int, *, error: int = 0, base_offset: int = -1, log_append_time_ms: int = -1, log_start_offset: int = -1
    ) -> None:
        self.index = index
        self.error = error
        self.base_offset = base_offset
        self.log_append_time_ms = log_append_time_ms
        self.log_start_offset = log_start_offset
        self.record_errors: Sequence[tuple[int, str | None]] = ()
        self.message: str | None = None
        self.leader: tuple[int, int] | None = None


def parse_request(body: memoryview, version: int) -> ProduceRequest:
    """A request of version 3 or newer, from its body on. Raises Malformed."""
    try:
        return _parse(body, version)
    except (IndexError, struct.error, ValueError) as error:
        raise Malformed(f"not a Produce request version {version}: {error}") from error


def _parse(body: memoryview, version: int) -> ProduceRequest:
    flexible, by_ids = version >= 9, version >= 13
    transactional_id, at = read_string(body, 0, flexible=flexible)
    acks, timeout_ms = _ACKS_TIMEOUT.unpack_from(body, at)
    request = ProduceRequest(version, transactional_id, acks, timeout_ms)
    topics, at = read_count(body, at + 6, flexible=flexible)
    for _ in range(topics):
        topic, at = read_topic(body, at, flexible=flexible, by_ids=by_ids)
        found: Partitions = []
        partitions, at = read_count(body, at, flexible=flexible)
        for _ in range(partitions):
            (index,) = INT32.unpack_from(body, at)
            length, at = read_count(body, at + 4, flexible=flexible)
            if length < 0:
                found.append((index, None))
            else:
                found.append((index, body[at : at + length]))
                at += length
            if at > len(body):
                raise Malformed(f"records of {length} bytes reach past the frame")
            if flexible:
                at = skip_tags(body, at)
        if flexible:
            at = skip_tags(body, at)
        request.topics.append((topic, found))
    if flexible:
        skip_tags(body, at)  # a request that is cut before them is none
    return request


def write_response(
    version: int,
    correlation_id: int,
    topics: list[tuple[Topic, list[Produced]]],
    endpoints: list[tuple[int, str, int, str | None]],
) -> bytes:
    """The whole response with its length prefix. `endpoints`: [(node, host, port, rack)] of the leaders named."""
    flexible = version >= 9
    out = [b"\0" if flexible else b"", count(len(topics), flexible=flexible)]
    for topic, partitions in topics:
        out += (topic.field, count(len(partitions), flexible=flexible))
        for produced in partitions:
            out.append(_flexible_partition(produced, version) if flexible else _old_partition(produced, version))
        if flexible:
            out.append(b"\0")
    out.append(b"\0\0\0\0")  # never throttled
    if flexible:
        out.append(node_endpoints(endpoints) if version >= 10 else b"\0")
    body = b"".join(out)
    return RESPONSE_HEAD.pack(len(body) + 4, correlation_id) + body


def _flexible_partition(done: Produced, version: int) -> bytes:
    plain = not done.record_errors and done.message is None and (done.leader is None or version < 10)
    fixed = (done.index, done.error, done.base_offset, done.log_append_time_ms, done.log_start_offset)
    if plain:
        return _PLAIN.pack(*fixed, 1, 0, 0)
    out = [_WITH_START.pack(*fixed), count(len(done.record_errors), flexible=True)]
    out += (INT32.pack(batch) + string(words, flexible=True) + b"\0" for batch, words in done.record_errors)
    out.append(string(done.message, flexible=True))
    out.append(LEADER.pack(1, 0, 9, *done.leader, 0) if done.leader and version >= 10 else b"\0")
    return b"".join(out)


def _old_partition(done: Produced, version: int) -> bytes:
    if version < 5:
        return _OLD.pack(done.index, done.error, done.base_offset, done.log_append_time_ms)
    out = _WITH_START.pack(done.index, done.error, done.base_offset, done.log_append_time_ms, done.log_start_offset)
    if version < 8:
        return out
    errors = b"".join(INT32.pack(batch) + string(words, flexible=False) for batch, words in done.record_errors)
    return out + INT32.pack(len(done.record_errors)) + errors + string(done.message, flexible=False)
