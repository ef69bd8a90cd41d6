"""What Apache Kafka reads in a request and kio refuses, taken out: tags that nobody knows (KIP-482), times beyond all calendars.

Rule: only asked when kio has refused a request; what it makes is read once more.
"""

from collections.abc import Callable
from dataclasses import Field, fields, is_dataclass
from functools import cache
from typing import Any

from engine.protocol.field_element import element
from engine.protocol.promises import BrokenPromise, field_walk, read_length, read_varint

Copy = Callable[[Any, int, bytearray], int]  # (bytes, where the value begins, what is kept so far) -> where it ends

_DURATION_MS_MAX = 86_399_999_999_999  # of Python's timedelta
_NULL = b"\0"


def tolerated(message: type, body: Any, at: int) -> bytes:
    """The request in `body[at:]` as kio reads it. Raises BrokenPromise or IndexError when it is none."""
    kept = bytearray()
    _struct(message)(body, at, kept)
    return bytes(kept)


@cache
def _struct(message: type) -> Copy:
    flexible = message.__flexible__
    steps = [_field(part, flexible) for part in fields(message) if "tag" not in part.metadata]
    if flexible:
        steps.append(_tags({part.metadata["tag"]: part for part in fields(message) if "tag" in part.metadata}))

    def copy(body: Any, at: int, kept: bytearray) -> int:
        for step in steps:
            at = step(body, at, kept)
        return at

    return copy


def _field(part: Field, flexible: bool) -> Copy:
    kind, is_array, nullable = element(part)
    if is_dataclass(kind):
        one = _struct(kind)
        return _counted(one, 4, flexible) if is_array else _counted(one, 1, False) if nullable else one
    if part.metadata["kafka_type"] == "timedelta_i64" and not is_array:
        return _duration
    walk = field_walk(part, flexible)

    def copy(body: Any, at: int, kept: bytearray) -> int:
        end = walk(body, at)
        kept += body[at:end]
        return end

    return copy


def _counted(one: Copy, width: int, flexible: bool) -> Copy:
    """An array, or with a width of 1 what may be null."""

    def copy(body: Any, at: int, kept: bytearray) -> int:
        count, begin = read_length(body, at, width, flexible)
        kept += body[at:begin]
        at = begin
        for _ in range(count if at < len(body) else 0):
            at = one(body, at, kept)
        return at

    return copy


def _duration(body: Any, at: int, kept: bytearray) -> int:
    ms = int.from_bytes(body[at : at + 8], "big", signed=True)
    kept += max(-_DURATION_MS_MAX, min(ms, _DURATION_MS_MAX)).to_bytes(8, "big", signed=True)
    return at + 8


def _tags(known: dict[int, Field]) -> Copy:
    def copy(body: Any, at: int, kept: bytearray) -> int:
        found = []
        count, at = read_varint(body, at)
        for _ in range(count):
            tag, at = read_varint(body, at)
            size, at = read_varint(body, at)
            content = bytes(body[at : at + size])
            at += size
            if at > len(body):
                raise BrokenPromise(f"a tagged field of {size} bytes reaches past the request")
            # A null that kio does not expect in a tag says the same as no tag.
            if tag in known and not (element(known[tag])[2] and content == _NULL):
                value = bytearray()
                _field(known[tag], True)(content, 0, value)
                found.append(_varint(tag) + _varint(len(value)) + value)
        kept += _varint(len(found)) + b"".join(found)
        return at

    return copy


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
