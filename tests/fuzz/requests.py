"""Requests of any API and version, drawn over kio's message classes and written as bytes, so that they can lie.

A request is valid unless `lies` is more than 0: then that share of its lengths, counts and tags is not what it should be.
"""

import random
import struct
from collections.abc import Callable
from dataclasses import Field, fields, is_dataclass
from functools import cache
from typing import Any

from engine.broker.handlers import TABLE
from engine.protocol.codec import message_class
from engine.protocol.field_element import element
from tests.fuzz import batches
from tests.fuzz.pool import Pool

ELEMENTS_MAX = 60  # of all arrays of an ordinary request together
DEEP = (300, 3_000)  # elements of a deep array
WRONG_LENGTHS = (-2, -1, 0, 1, 127, 128, 2**14, 2**31 - 1, -(2**31), 2**31, 2**32 - 1, 2**35)
SERVED = [(key, version) for key, route in sorted(TABLE.items()) for version in range(route.api.oldest, route.api.newest + 1) if route.serves(version)]
ENVELOPE = 58

Write = Callable[["Requests", bytearray], None]
_FIXED = {
    "int8": 1, "int16": 2, "error_code": 2, "uint16": 2, "int32": 4, "uint32": 4, "timedelta_i32": 4, "int64": 8, "timedelta_i64": 8,
    "datetime_i64": 8,
}  # fmt: skip


class Requests:
    """Draws request frames (without length prefix) from one seed."""

    def __init__(self, chance: random.Random, pool: Pool) -> None:
        self.chance = chance
        self.pool = pool
        self.lies = 0.0
        self.left = ELEMENTS_MAX
        self._nested = False

    def frame(self, key: int, version: int, *, correlation_id: int, lies: float = 0.0) -> bytes:
        """One request, header and all."""
        self.lies, self.left = lies, ELEMENTS_MAX
        if self.chance.random() < 0.002:
            self.left = self.chance.choice(DEEP)
        message = message_class(TABLE[key].api.name, "request", version)
        out = bytearray(struct.pack(">hhih", key, version, correlation_id, 4) + b"fuzz")
        if message.__flexible__:
            self.tags(out)
        _struct(message)(self, out)
        return bytes(out)

    # ---- what the writers below ask

    def count(self, nullable: bool) -> int:
        """Of an array; -1 is null."""
        luck = self.chance.random()
        if nullable and luck < 0.15:
            return -1
        if self.left > ELEMENTS_MAX:
            found, self.left = self.left, 0
            return found
        found = min(self.left, 0 if luck < 0.22 else 1 if luck < 0.75 else 2 if luck < 0.9 else 4)
        self.left -= found
        return found

    def length(self, out: bytearray, width: int, flexible: bool, value: int) -> None:
        """Of a string, bytes or an array; lies now and then."""
        if self.lies and self.chance.random() < self.lies:
            value = self.chance.choice((*WRONG_LENGTHS, value + 1, value - 1))
        if flexible:
            write_varint(out, value + 1)
        else:
            out += (value & (1 << 8 * width) - 1).to_bytes(width, "big")

    def tags(self, out: bytearray) -> None:
        """A section of tagged fields that nobody knows; mostly empty."""
        luck = self.chance.random()
        if luck > self.lies + 0.01:
            out.append(0)
            return
        number = self.chance.choice((1, 1, 2, 5))
        write_varint(out, number if luck > self.lies / 2 else self.chance.choice((2**31 - 1, 2**32 - 1, 2**35, number + 1)))
        for at in range(number):
            content = self.chance.randbytes(self.chance.choice((0, 1, 9)))
            write_varint(out, 100 + at)
            self.length(out, 4, True, len(content) - 1)
            out += content

    def content(self, field: str, kind: str) -> bytes:
        """Of a field of bytes or records."""
        chance = self.chance
        if kind == "records":
            return batches.batch(chance)
        if field == "request_data" and not self._nested:
            key, version = chance.choice(SERVED)
            self._nested, lies, left = True, self.lies, self.left
            try:
                return self.frame(key, version, correlation_id=1, lies=lies)
            finally:
                self._nested, self.lies, self.left = False, lies, left
        if field == "client_host_address":
            return chance.choice((b"\x7f\0\0\1", bytes(16), b"", b"x"))
        if field == "metadata" and chance.random() < 0.7:  # a consumer's subscription, version 0
            return b"\0\0" + b"\0\0\0\1" + b"\0\5plain" + b"\xff\xff\xff\xff"
        return chance.choice((b"", b"\0", b"\0\0\0\0\0\0", chance.randbytes(40)))


def write_varint(out: bytearray, value: int) -> None:
    """Unsigned; a negative number is written as its 32 bits."""
    value = value if value >= 0 else value & 0xFFFFFFFF
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


@cache
def _struct(message: type) -> Write:
    flexible = message.__flexible__
    plain = [_field(message, part, flexible) for part in fields(message) if "tag" not in part.metadata]
    tagged = [(part.metadata["tag"], _field(message, part, flexible)) for part in fields(message) if "tag" in part.metadata]

    def write(draw: Requests, out: bytearray) -> None:
        for step in plain:
            step(draw, out)
        if not flexible:
            return
        chosen = [(tag, step) for tag, step in tagged if draw.chance.random() < 0.4]
        if not chosen:
            return draw.tags(out)
        write_varint(out, len(chosen))
        for tag, step in chosen:
            content = bytearray()
            step(draw, content)
            write_varint(out, tag)
            draw.length(out, 4, True, len(content) - 1)
            out += content

    return write


def _field(message: type, part: Field, flexible: bool) -> Write:
    kind, is_array, nullable = element(part)
    one = _maybe(_struct(kind), nullable and not is_array) if is_dataclass(kind) else _value(message.__name__, part, flexible, nullable and not is_array)
    if not is_array:
        return one

    def write(draw: Requests, out: bytearray) -> None:
        number = draw.count(nullable)
        draw.length(out, 4, flexible, number)
        for _ in range(number):
            one(draw, out)

    return write


def _maybe(one: Write, nullable: bool) -> Write:
    if not nullable:
        return one

    def write(draw: Requests, out: bytearray) -> None:
        if draw.chance.random() < 0.5:
            out.append(0xFF)
        else:
            out.append(1)
            one(draw, out)

    return write


def _value(owner: str, part: Field, flexible: bool, nullable: bool) -> Write:
    kind, name = part.metadata["kafka_type"], part.name
    if kind in _FIXED:
        size = _FIXED[kind]
        return lambda draw, out: out.extend(draw.pool.number(name, size).to_bytes(size, "big", signed=True))
    if kind == "bool":
        return lambda draw, out: out.append(draw.chance.choice((0, 1, 1, 2)) if draw.lies else draw.chance.randrange(2))
    if kind == "uuid":
        return lambda draw, out: out.extend(draw.pool.uuid())
    if kind == "float64":
        return lambda draw, out: out.extend(struct.pack(">d", draw.chance.choice((0.0, -1.0, float("nan"), float("inf"), 1e308))))
    return _sized(owner, name, kind, flexible, nullable)


def _sized(owner: str, name: str, kind: str, flexible: bool, nullable: bool) -> Write:
    width = 2 if kind == "string" else 4

    def write(draw: Requests, out: bytearray) -> None:
        if nullable and draw.chance.random() < (0.9 if name == "transactional_id" else 0.05 if kind == "records" else 0.3):
            return draw.length(out, width, flexible, -1)
        content: Any = draw.pool.text(owner, name) if kind == "string" else draw.content(name, kind)
        draw.length(out, width, flexible, len(content))
        out += content

    return write
