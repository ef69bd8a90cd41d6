"""Array lengths of a request, checked before the native decoder trusts them.

It reserves memory for as many elements as a request promises; thirty bytes that promise billions would end the process.
"""

import re
from collections.abc import Callable
from dataclasses import Field, fields, is_dataclass
from functools import cache
from typing import Any

from engine.protocol.field_element import element

Walk = Callable[[Any, int], int]  # (bytes, where the value begins) -> where it ends

# In a flexible version no number of 2^21 or more is written without three such bytes in a row, and no text has them often.
_SUSPICIOUS = re.compile(rb"[\x80-\xff]{3}")

_BYTES_OF = {
    "bool": 1, "int8": 1, "int16": 2, "error_code": 2, "uint16": 2, "int32": 4, "uint32": 4, "timedelta_i32": 4, "int64": 8, "float64": 8,
    "timedelta_i64": 8, "datetime_i64": 8, "uuid": 16,
}  # fmt: skip


class BrokenPromise(ValueError):
    """More is promised than the bytes can hold."""


def check_promises(message: type, body: Any, at: int) -> None:
    """Raises BrokenPromise when an array of the request in `body[at:]` cannot be as long as it says."""
    if message.__flexible__ and not _SUSPICIOUS.search(body, at):
        return
    _struct(message)(body, at)


@cache
def _struct(message: type) -> Walk:
    flexible = message.__flexible__
    steps = [field_walk(part, flexible) for part in fields(message) if "tag" not in part.metadata]
    if flexible:
        steps.append(_tags({part.metadata["tag"]: field_walk(part, flexible) for part in fields(message) if "tag" in part.metadata}))

    def walk(body: Any, at: int) -> int:
        for step in steps:
            at = step(body, at)
        if at > len(body):
            raise BrokenPromise(f"the request ends {at - len(body)} bytes early")
        return at

    return walk


def field_walk(part: Field, flexible: bool) -> Walk:
    """From where a field's value begins to where it ends."""
    kind, is_array, nullable = element(part)
    if is_dataclass(kind):
        one = _struct(kind)
        return _array(one, flexible) if is_array else _maybe(one) if nullable else one
    name = part.metadata["kafka_type"]
    one = _sized(2, flexible) if name == "string" else _sized(4, flexible) if name in ("bytes", "records") else _fixed(_BYTES_OF[name])
    return _array(one, flexible) if is_array else one


def _fixed(size: int) -> Walk:
    return lambda body, at: at + size


def _sized(width: int, flexible: bool) -> Walk:
    def walk(body: Any, at: int) -> int:
        length, at = read_length(body, at, width, flexible)
        return at + max(length, 0)

    return walk


def _maybe(one: Walk) -> Walk:
    def walk(body: Any, at: int) -> int:
        present, at = read_length(body, at, 1, False)
        return at if present < 0 else one(body, at)

    return walk


def _array(one: Walk, flexible: bool) -> Walk:
    def walk(body: Any, at: int) -> int:
        count, at = read_length(body, at, 4, flexible)
        if count > len(body) - at:
            raise BrokenPromise(f"an array of {count} elements is promised in {len(body) - at} bytes")
        for _ in range(count):
            at = one(body, at)
        return at

    return walk


def _tags(known: dict[int, Walk]) -> Walk:
    def walk(body: Any, at: int) -> int:
        count, at = read_varint(body, at)
        for _ in range(min(count, len(body) - at)):
            tag, at = read_varint(body, at)
            size, at = read_varint(body, at)
            if tag in known:
                known[tag](body, at)
            at += size
        return at

    return walk


def read_length(body: Any, at: int, width: int, flexible: bool) -> tuple[int, int]:
    """(length or -1 for null, where what it counts begins)."""
    if flexible:
        value, at = read_varint(body, at)
        return value - 1, at
    if at + width > len(body):
        raise BrokenPromise("the request ends inside a length")
    return int.from_bytes(body[at : at + width], "big", signed=True), at + width


def read_varint(body: Any, at: int) -> tuple[int, int]:
    """An unsigned number of five bytes at most (a longer one would cost the square of its length), and where it ends."""
    value = shift = 0
    while at < len(body):
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 28:
            raise BrokenPromise("a number of more than five bytes")
    raise BrokenPromise("the request ends inside a number")
