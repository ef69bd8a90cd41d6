"""Fetch requests read and Fetch responses written by struct, as a broker does for consumers and followers. Versions 4 to 18."""

import struct
from collections.abc import Sequence
from typing import NamedTuple

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
    read_tags,
    read_topic,
    skip_tags,
    varint,
)

_WAIT_MIN_MAX = struct.Struct(">iiib")
_SESSION = struct.Struct(">ii")
_REPLICA = struct.Struct(">iq")
_ERROR_SESSION = struct.Struct(">ihi")
_ABORTED = struct.Struct(">qq")
_NEW = struct.Struct(">ihqqq")  # index, error, high watermark, last stable offset, log start offset
_OLD = struct.Struct(">ihqq")  # the same without log start offset
_PLAIN = struct.Struct(">ihqqqBi")  # _NEW, then no aborted transactions, and the preferred read replica
_DIVERGING = struct.Struct(">BBiqB")  # tag, size 13, epoch, end offset, no tags inside

CONSUMER = -1
READ_COMMITTED = 1
SESSIONLESS = -1  # session epoch: no session wanted
NEW_SESSION = 0  # session epoch: begin one


class Wanted(NamedTuple):
    """What a request wants of one partition; absent fields have Kafka's defaults."""

    index: int
    current_leader_epoch: int
    fetch_offset: int
    last_fetched_epoch: int
    log_start_offset: int
    bytes_max: int


class FetchRequest:
    """topics: [(Topic, [Wanted])], forgotten: [(Topic, [partition])]. `replica_id` -1: a consumer."""

    __slots__ = (
        "bytes_max", "bytes_min", "forgotten", "isolation_level", "rack_id", "replica_epoch", "replica_id",
        "session_epoch", "session_id", "topics", "version", "wait_ms_max",
    )  # fmt: skip

    def __init__(self, version: int) -> None:
        self.version = version
        self.replica_id = CONSUMER
        self.replica_epoch = -1
        self.wait_ms_max = 0
        self.bytes_min = 0
        self.bytes_max = 0x7FFFFFFF
        self.isolation_level = 0
        self.session_id = 0
        self.session_epoch = SESSIONLESS
        self.topics: list[tuple[Topic, list[Wanted]]] = []
        self.forgotten: list[tuple[Topic, list[int]]] = []
        self.rack_id = ""


class Fetched:
    """What one partition is answered. `parts`: bytes and file slices, `size` bytes of them together."""

    __slots__ = (
        "aborted", "diverging", "error", "high_watermark", "index", "last_stable_offset", "leader", "log_start_offset",
        "next_offset", "parts", "preferred_read_replica", "size",
    )  # fmt: skip

    def __init__(self, index: int, error: int = 0) -> None:
        self.index = index
        self.error = error
        self.high_watermark = -1
        self.last_stable_offset = -1
        self.log_start_offset = -1
        self.diverging: tuple[int, int] | None = None  # (epoch, end offset)
        self.leader: tuple[int, int] | None = None  # (id, epoch)
        self.aborted: Sequence[tuple[int, int]] | None = None  # [(producer id, first offset)]; None for read_uncommitted
        self.preferred_read_replica = -1
        self.parts: Sequence = ()
        self.size = 0
        self.next_offset = -1  # behind the records; not on the wire


# ---- requests


def parse_request(body: memoryview, version: int) -> FetchRequest:
    """A request from its body on. Raises Malformed."""
    try:
        return _parse(body, version)
    except (IndexError, struct.error, ValueError) as error:
        raise Malformed(f"not a Fetch request version {version}: {error}") from error


def _parse(body: memoryview, version: int) -> FetchRequest:
    request, at = FetchRequest(version), 0
    flexible, by_ids = version >= 12, version >= 13
    if version < 15:
        (request.replica_id,) = INT32.unpack_from(body, 0)
        at = 4
    request.wait_ms_max, request.bytes_min, request.bytes_max, request.isolation_level = _WAIT_MIN_MAX.unpack_from(body, at)
    at += 13
    if version >= 7:
        request.session_id, request.session_epoch = _SESSION.unpack_from(body, at)
        at += 8
    topics, at = read_count(body, at, flexible=flexible)
    for _ in range(topics):
        topic, at = read_topic(body, at, flexible=flexible, by_ids=by_ids)
        partitions, at = read_count(body, at, flexible=flexible)
        wanted, at = _read_wanted(body, at, max(partitions, 0), version)
        if flexible:
            at = skip_tags(body, at)
        request.topics.append((topic, wanted))
    if version >= 7:
        at = _read_forgotten(body, at, request)
    if version >= 11:
        rack_id, at = read_string(body, at, flexible=flexible)
        request.rack_id = rack_id or ""
    if flexible:
        tags, _ = read_tags(body, at)
        for tag, begin in tags:
            if tag == 1 and version >= 15:
                request.replica_id, request.replica_epoch = _REPLICA.unpack_from(body, begin)
    return request


_WANTED = {  # by what the version has: (struct, positions of Wanted's fields in it)
    "v12": struct.Struct(">iiqiqi"),
    "v9": struct.Struct(">iiqqi"),
    "v5": struct.Struct(">iqqi"),
    "v4": struct.Struct(">iqi"),
}


def _read_wanted(body: memoryview, at: int, partitions: int, version: int) -> tuple[list[Wanted], int]:
    wanted = []
    if version >= 12:
        shape = _WANTED["v12"]
        for _ in range(partitions):
            wanted.append(Wanted._make(shape.unpack_from(body, at)))
            at += 32
            at = at + 1 if body[at] == 0 else skip_tags(body, at)
        return wanted, at
    shape = _WANTED["v9" if version >= 9 else "v5" if version >= 5 else "v4"]
    for _ in range(partitions):
        values = shape.unpack_from(body, at)
        at += shape.size
        if version >= 9:
            wanted.append(Wanted(values[0], values[1], values[2], -1, values[3], values[4]))
        elif version >= 5:
            wanted.append(Wanted(values[0], -1, values[1], -1, values[2], values[3]))
        else:
            wanted.append(Wanted(values[0], -1, values[1], -1, -1, values[2]))
    return wanted, at


def _read_forgotten(body: memoryview, at: int, request: FetchRequest) -> int:
    flexible, by_ids = request.version >= 12, request.version >= 13
    topics, at = read_count(body, at, flexible=flexible)
    for _ in range(topics):
        topic, at = read_topic(body, at, flexible=flexible, by_ids=by_ids)
        partitions, at = read_count(body, at, flexible=flexible)
        request.forgotten.append((topic, list(struct.unpack_from(f">{max(partitions, 0)}i", body, at))))
        at += 4 * max(partitions, 0)
        if flexible:
            at = skip_tags(body, at)
    return at


# ---- responses


def write_response(
    version: int,
    correlation_id: int,
    *,
    error: int,
    session_id: int,
    topics: list[tuple[Topic, list[Fetched]]],
    endpoints: list[tuple[int, str, int, str | None]],
) -> list:
    """The whole response as parts, the length prefix in the first. File slices stay slices; records that are bytes already are few."""
    flexible = version >= 12
    out = bytearray(RESPONSE_HEAD.pack(0, correlation_id))
    if flexible:
        out += b"\0"
    out += _ERROR_SESSION.pack(0, error, session_id) if version >= 7 else b"\0\0\0\0"
    out += count(len(topics), flexible=flexible)
    parts: list = []
    for topic, partitions in topics:
        out += topic.field
        out += count(len(partitions), flexible=flexible)
        for fetched in partitions:
            out += _new_head(fetched) if flexible else _old_head(fetched, version)
            for part in fetched.parts:
                if isinstance(part, bytes):
                    out += part
                else:
                    parts += (out, part)
                    out = bytearray()
            if flexible:
                out += _tags(fetched)
        if flexible:
            out += b"\0"
    if flexible:
        out += node_endpoints(endpoints) if version >= 16 else b"\0"
    if out:
        parts.append(out)
    INT32.pack_into(parts[0], 0, sum(map(len, parts)) - INT32.size)
    return parts


def _new_head(done: Fetched) -> bytes:
    fixed = (done.index, done.error, done.high_watermark, done.last_stable_offset, done.log_start_offset)
    if not done.aborted:
        return _PLAIN.pack(*fixed, 0 if done.aborted is None else 1, done.preferred_read_replica) + varint(done.size + 1)
    aborted = varint(len(done.aborted) + 1) + b"".join(_ABORTED.pack(*one) + b"\0" for one in done.aborted)
    return _NEW.pack(*fixed) + aborted + INT32.pack(done.preferred_read_replica) + varint(done.size + 1)


def _tags(done: Fetched) -> bytes:
    if done.diverging is None and done.leader is None:
        return b"\0"
    out = varint((done.diverging is not None) + (done.leader is not None))
    if done.diverging is not None:
        out += _DIVERGING.pack(0, 13, *done.diverging, 0)
    if done.leader is not None:
        out += LEADER.pack(1, 1, 9, *done.leader, 0)[1:]
    return out


def _old_head(done: Fetched, version: int) -> bytes:
    if version >= 5:
        head = _NEW.pack(done.index, done.error, done.high_watermark, done.last_stable_offset, done.log_start_offset)
    else:
        head = _OLD.pack(done.index, done.error, done.high_watermark, done.last_stable_offset)
    if done.aborted is None:
        head += b"\xff\xff\xff\xff"
    else:
        head += INT32.pack(len(done.aborted)) + b"".join(_ABORTED.pack(*one) for one in done.aborted)
    if version >= 11:
        head += INT32.pack(done.preferred_read_replica)
    return head + INT32.pack(done.size)
