"""Lengths, strings, ids and tags as Kafka writes them, by hand, for the APIs that carry records or describe a whole cluster.

Rule: only the hot_ modules use this; everything else goes through codec.
"""

import struct
from functools import lru_cache
from uuid import UUID

from engine.protocol.codec import Malformed

TOPIC_IDS_KEPT = 4096  # uuids are dear to make (1 us) and a node sees few

INT16 = struct.Struct(">h")
INT32 = struct.Struct(">i")
RESPONSE_HEAD = struct.Struct(">ii")  # length of what follows, correlation id
LEADER = struct.Struct(">BBBiiB")  # one tagged field: count 1, tag, size 9, leader id, epoch, no tags inside


class Topic:
    """A topic as a request names it: by name or by id. `field` is what it wrote, to be echoed."""

    __slots__ = ("field", "name", "topic_id")

    def __init__(self, field: bytes, name: str | None, topic_id: UUID | None) -> None:
        self.field = field
        self.name = name
        self.topic_id = topic_id


@lru_cache(TOPIC_IDS_KEPT)
def by_id(raw: bytes) -> Topic:
    """A topic named by its id."""
    return Topic(raw, None, UUID(bytes=raw))


@lru_cache(TOPIC_IDS_KEPT)
def by_name(raw: bytes, skip: int) -> Topic:
    """A topic named by its name, which begins `skip` bytes into the field. Raises Malformed."""
    try:
        return Topic(raw, str(raw[skip:], "utf-8"), None)
    except UnicodeDecodeError as error:
        raise Malformed(f"a topic's name is not UTF-8: {error}") from error


def read_topic(body: memoryview, at: int, *, flexible: bool, by_ids: bool) -> tuple[Topic, int]:
    """The topic at `at`, and where it ends."""
    if by_ids:
        return by_id(bytes(body[at : at + 16])), at + 16
    length, begin = read_length(body, at, flexible=flexible)
    end = begin + length
    if length < 0 or end > len(body):
        raise Malformed(f"a topic's name of {length} bytes")
    return by_name(bytes(body[at:end]), begin - at), end


def read_varint(body: memoryview, at: int) -> tuple[int, int]:
    """An unsigned varint, and where it ends."""
    value = body[at]
    at += 1
    if value < 0x80:
        return value, at
    value &= 0x7F
    shift = 7
    while shift < 35:
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise Malformed("a number of more than five bytes")


def read_length(body: memoryview, at: int, *, flexible: bool) -> tuple[int, int]:
    """The length of a string (-1: null), and where it begins."""
    if flexible:
        value, at = read_varint(body, at)
        return value - 1, at
    return INT16.unpack_from(body, at)[0], at + 2


def read_count(body: memoryview, at: int, *, flexible: bool) -> tuple[int, int]:
    """The count of an array or the length of records (-1: null), and where it begins."""
    if flexible:
        value, at = read_varint(body, at)
        return value - 1, at
    return INT32.unpack_from(body, at)[0], at + 4


def read_string(body: memoryview, at: int, *, flexible: bool) -> tuple[str | None, int]:
    """A string or None, and where it ends."""
    length, at = read_length(body, at, flexible=flexible)
    if length < 0:
        return None, at
    if at + length > len(body):
        raise Malformed(f"a string of {length} bytes reaches past the frame")
    return str(body[at : at + length], "utf-8"), at + length


def skip_tags(body: memoryview, at: int) -> int:
    """Past a section of tagged fields, of which there are hardly ever any."""
    if body[at] == 0:
        return at + 1
    count, at = read_varint(body, at)
    for _ in range(count):
        _, at = read_varint(body, at)
        size, at = read_varint(body, at)
        at += size
    return at


def read_tags(body: memoryview, at: int) -> tuple[list[tuple[int, int]], int]:
    """[(tag, where its value begins)] of a section of tagged fields, and where the section ends."""
    found = []
    count, at = read_varint(body, at)
    for _ in range(count):
        tag, at = read_varint(body, at)
        size, at = read_varint(body, at)
        found.append((tag, at))
        at += size
    return found, at


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_SMALL = tuple(_varint(value) for value in range(1024))


def varint(value: int) -> bytes:
    """An unsigned varint."""
    return _SMALL[value] if value < 1024 else _varint(value)


def count(value: int, *, flexible: bool) -> bytes:
    """The count of an array that is not null, or the length of records."""
    return varint(value + 1) if flexible else INT32.pack(value)


def string(value: str | None, *, flexible: bool) -> bytes:
    """A string or null."""
    if value is None:
        return b"\0" if flexible else b"\xff\xff"
    raw = value.encode()
    return (varint(len(raw) + 1) if flexible else INT16.pack(len(raw))) + raw


def node_endpoints(endpoints: list[tuple[int, str, int, str | None]]) -> bytes:
    """The closing tags of a response: none, or the addresses of new leaders (KIP-951): id, host, port, rack."""
    if not endpoints:
        return b"\0"
    body = varint(len(endpoints) + 1)
    for node_id, host, port, rack in endpoints:
        body += INT32.pack(node_id) + string(host, flexible=True) + INT32.pack(port) + string(rack, flexible=True) + b"\0"
    return b"\1\0" + varint(len(body)) + body
