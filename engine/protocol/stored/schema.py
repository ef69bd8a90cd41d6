"""A small language of field tables, from which Kafka's stored records are encoded and decoded.

A record is a frozen dataclass whose fields are columns:

    @stored(versions=range(0, 3), flexible_since=0)
    class TopicRecord:
        name: str = column(STRING)
        topic_id: UUID = column(UUID_)

The rules of the bytes are those of Kafka's generated messages: fixed-width big-endian numbers, and strings, bytes and arrays
with a length in front; from `flexible_since` on these lengths are unsigned varints (plus one, zero for null) and every
structure ends with its tagged fields (KIP-482).
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple, dataclass_transform
from uuid import UUID

STRING_LENGTH_MAX = 0x7FFF  # a classic string's length is an int16; Kafka refuses longer ones in compact form too
NULL_UUID = UUID(int=0)

Buffer = bytes | bytearray | memoryview
Write = Callable[[bytearray, Any], None]
Read = Callable[[Buffer, int], tuple[Any, int]]


class Malformed(ValueError):
    """The bytes are no such record: too short, a length out of range, an unknown version."""


class Unstorable(ValueError):
    """The record says something that the version to be written has no field for."""


class Form(NamedTuple):
    """Which form a column has in one version of its record."""

    version: int
    flexible: bool
    nullable: bool


class Codec(NamedTuple):
    write: Write
    read: Read


Kind = Callable[[Form], Codec]


def write_unsigned_varint(out: bytearray, value: int) -> None:
    """Seven bits a byte, the lowest first."""
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def read_unsigned_varint(buffer: Buffer, position: int) -> tuple[int, int]:
    """(value, the position behind it). Raises Malformed."""
    value = shift = 0
    while True:
        if position >= len(buffer) or shift > 28:
            raise Malformed(f"no unsigned varint at {position}")
        byte = buffer[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def _fixed(layout: str, name: str) -> Kind:
    packer = struct.Struct(">" + layout)

    def write(out: bytearray, value: Any) -> None:
        out += packer.pack(value)

    def read(buffer: Buffer, position: int) -> tuple[Any, int]:
        end = position + packer.size
        if end > len(buffer):
            raise Malformed(f"{name} at {position} ends behind the record")
        return packer.unpack_from(buffer, position)[0], end

    codec = Codec(write, read)
    return lambda form: codec


BOOL = _fixed("?", "bool")
INT8 = _fixed("b", "int8")
INT16 = _fixed("h", "int16")
UINT16 = _fixed("H", "uint16")
INT32 = _fixed("i", "int32")
UINT32 = _fixed("I", "uint32")
INT64 = _fixed("q", "int64")
FLOAT64 = _fixed("d", "float64")


def _write_uuid(out: bytearray, value: UUID) -> None:
    out += value.bytes


def _read_uuid(buffer: Buffer, position: int) -> tuple[UUID, int]:
    data = bytes(buffer[position : position + 16])
    if len(data) < 16:
        raise Malformed(f"uuid at {position} ends behind the record")
    return UUID(bytes=data), position + 16


def UUID_(form: Form) -> Codec:
    """Sixteen bytes; never null, NULL_UUID stands for none."""
    return Codec(_write_uuid, _read_uuid)


def _lengths(form: Form, classic: str) -> tuple[Callable[[bytearray, int], None], Read]:
    """How a length is written and read; -1 stands for null."""
    if form.flexible:

        def write_compact(out: bytearray, length: int) -> None:
            write_unsigned_varint(out, length + 1)

        def read_compact(buffer: Buffer, position: int) -> tuple[int, int]:
            length, position = read_unsigned_varint(buffer, position)
            return length - 1, position

        return write_compact, read_compact
    fixed = _fixed(classic, "length")(form)
    return fixed.write, fixed.read


def _counted(form: Form, classic: str, name: str, to_bytes: Callable, from_bytes: Callable) -> Codec:
    write_length, read_length = _lengths(form, classic)

    def write(out: bytearray, value: Any) -> None:
        if value is None:
            if not form.nullable:
                raise Unstorable(f"a {name} that may not be null is null")
            return write_length(out, -1)
        data = to_bytes(value)
        if name == "string" and len(data) > STRING_LENGTH_MAX:
            raise Unstorable(f"a string of {len(data)} bytes is longer than {STRING_LENGTH_MAX}")
        write_length(out, len(data))
        out += data

    def read(buffer: Buffer, position: int) -> tuple[Any, int]:
        length, position = read_length(buffer, position)
        if length < 0:
            if form.nullable:
                return None, position
            raise Malformed(f"a {name} that may not be null is null")
        end = position + length
        if end > len(buffer):
            raise Malformed(f"{name} of {length} bytes at {position} ends behind the record")
        return from_bytes(bytes(buffer[position:end])), end

    return Codec(write, read)


def _from_utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"a string is not UTF-8: {error}") from error


def STRING(form: Form) -> Codec:
    """UTF-8 with its length in front."""
    return _counted(form, "h", "string", str.encode, _from_utf8)


def BYTES(form: Form) -> Codec:
    """Bytes with their number in front."""
    return _counted(form, "i", "bytes", bytes, bytes)


def _bound(kind: Kind | type, form: Form) -> Codec:
    return _struct(kind, form) if isinstance(kind, type) else kind(form)


def array_of(kind: Kind | type) -> Kind:
    """An array of a kind or of another `stored` class; read as a tuple."""

    def bind(form: Form) -> Codec:
        item = _bound(kind, form._replace(nullable=False))
        write_length, read_length = _lengths(form, "i")

        def write(out: bytearray, values: Sequence | None) -> None:
            if values is None:
                if not form.nullable:
                    raise Unstorable("an array that may not be null is null")
                return write_length(out, -1)
            write_length(out, len(values))
            for value in values:
                item.write(out, value)

        def read(buffer: Buffer, position: int) -> tuple[tuple | None, int]:
            length, position = read_length(buffer, position)
            if length < 0:
                if form.nullable:
                    return None, position
                raise Malformed("an array that may not be null is null")
            if length > len(buffer) - position:  # no item is smaller than one byte
                raise Malformed(f"an array of {length} items ends behind the record")
            values = []
            for _ in range(length):
                value, position = item.read(buffer, position)
                values.append(value)
            return tuple(values), position

        return Codec(write, read)

    return bind


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What the bytes need to know about one field."""

    kind: Kind | type  # a type is another `stored` class
    since: int
    until: int | None
    tag: int | None
    tagged_since: int
    nullable_since: int | None
    ignorable: bool

    def is_in(self, version: int) -> bool:
        return self.since <= version and (self.until is None or version <= self.until)

    def is_tagged_in(self, version: int) -> bool:
        return self.tag is not None and version >= self.tagged_since

    def bind(self, version: int, *, flexible: bool) -> Codec:
        nullable = self.nullable_since is not None and version >= self.nullable_since
        return _bound(self.kind, Form(version, flexible, nullable))


def column(
    kind: Kind | type, *, default: Any = dataclasses.MISSING, since: int = 0, until: int | None = None, tag: int | None = None,
    tagged_since: int | None = None, nullable_since: int | None = None, ignorable: bool = False,
) -> Any:  # fmt: skip
    """A field of a `stored` class. Versions count as Kafka's: `since` and `until` are inclusive.

    With a `tag` the field is a tagged one (from `tagged_since` on), written only where it differs from its default. A value
    in a field that the written version lacks raises Unstorable, unless it is the default or the field is `ignorable`.
    """
    tagged = since if tagged_since is None else tagged_since
    told = Column(kind=kind, since=since, until=until, tag=tag, tagged_since=tagged, nullable_since=nullable_since, ignorable=ignorable)
    return dataclasses.field(default=default, metadata={"column": told})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(column,))
def stored(*, versions: range = range(1), flexible_since: int | None = 0) -> Callable[[type], type]:
    """Make a class of columns a frozen dataclass that `encode_body` and `decode_body` take.

    A structure inside another one follows the outer one's version and flexibility.
    """

    def decorate(cls: type) -> type:
        made = dataclasses.dataclass(frozen=True, slots=True, kw_only=True)(cls)
        made.VERSIONS = versions
        made.FLEXIBLE_SINCE = flexible_since
        return made

    return decorate


@cache  # one entry a class and version: both are few and fixed
def _struct(cls: type, form: Form) -> Codec:
    version, flexible = form.version, form.flexible
    plain, tagged, absent = [], [], []
    for field in dataclasses.fields(cls):
        told: Column = field.metadata["column"]
        if not told.is_in(version):
            absent.append((field.name, field.default, told.ignorable))
        elif told.is_tagged_in(version):
            tagged.append((told.tag, field.name, field.default, told.bind(version, flexible=flexible)))
        else:
            plain.append((field.name, told.bind(version, flexible=flexible)))
    tagged.sort(key=lambda row: row[0])

    def write(out: bytearray, record: Any) -> None:
        for name, default, ignorable in absent:
            if not ignorable and _differs(getattr(record, name), default):
                raise Unstorable(f"{cls.__name__} version {version} has no {name}")
        for name, codec in plain:
            try:
                codec.write(out, getattr(record, name))
            except (struct.error, TypeError, AttributeError) as error:
                raise Unstorable(f"{cls.__name__}.{name} = {getattr(record, name)!r}: {error}") from error
        if flexible:
            _write_tagged(out, record, tagged)

    known = {tag: (name, codec) for tag, name, _, codec in tagged}

    def read(buffer: Buffer, position: int) -> tuple[Any, int]:
        values = {}
        for name, codec in plain:
            values[name], position = codec.read(buffer, position)
        if flexible:
            position = _read_tagged(buffer, position, known, values)
        return cls(**values), position

    return Codec(write, read)


def _differs(value: Any, default: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return default is None or tuple(value) != tuple(default)
    return value != default


def _write_tagged(out: bytearray, record: Any, tagged: list) -> None:
    present = [(tag, getattr(record, name), codec) for tag, name, default, codec in tagged if _differs(getattr(record, name), default)]
    write_unsigned_varint(out, len(present))
    for tag, value, codec in present:
        body = bytearray()
        codec.write(body, value)
        write_unsigned_varint(out, tag)
        write_unsigned_varint(out, len(body))
        out += body


def _read_tagged(buffer: Buffer, position: int, known: dict, values: dict) -> int:
    """Read the known tagged fields into `values`; those of a newer Kafka are stepped over."""
    count, position = read_unsigned_varint(buffer, position)
    for _ in range(count):
        tag, position = read_unsigned_varint(buffer, position)
        size, position = read_unsigned_varint(buffer, position)
        if position + size > len(buffer):
            raise Malformed(f"tagged field {tag} of {size} bytes ends behind the record")
        if tag in known:
            name, codec = known[tag]
            values[name], _ = codec.read(buffer, position)
        position += size
    return position


def _top(cls: type, version: int) -> Codec:
    if version not in cls.VERSIONS:
        raise Malformed(f"{cls.__name__} has no version {version}, only {cls.VERSIONS.start} to {cls.VERSIONS.stop - 1}")
    flexible = cls.FLEXIBLE_SINCE is not None and version >= cls.FLEXIBLE_SINCE
    return _struct(cls, Form(version, flexible, False))


def encode_body(record: Any, version: int, out: bytearray | None = None) -> bytearray:
    """The record's fields in that version, appended to `out`. Raises Unstorable."""
    out = bytearray() if out is None else out
    _top(type(record), version).write(out, record)
    return out


def decode_body(cls: type, version: int, buffer: Buffer, position: int = 0) -> Any:
    """The record whose fields stand at `position`. What follows it is not looked at, as in Kafka. Raises Malformed."""
    return _top(cls, version).read(buffer, position)[0]


METADATA_FRAME_VERSION = 1


def encode_framed(record: Any, *, api_key: int, version: int) -> bytes:
    """A record of the metadata log: frame version, api key and version as unsigned varints, then the body."""
    out = bytearray()
    for number in (METADATA_FRAME_VERSION, api_key, version):
        write_unsigned_varint(out, number)
    return bytes(encode_body(record, version, out))


def read_frame(buffer: Buffer) -> tuple[int, int, int]:
    """(api key, version, where the body starts) of a record of the metadata log."""
    frame_version, position = read_unsigned_varint(buffer, 0)
    if frame_version != METADATA_FRAME_VERSION:
        raise Malformed(f"metadata frame version {frame_version} is not {METADATA_FRAME_VERSION}")
    api_key, position = read_unsigned_varint(buffer, position)
    version, position = read_unsigned_varint(buffer, position)
    return api_key, version, position


def encode_prefixed(record: Any, *, version: int, prefix: int | None = None) -> bytes:
    """A coordinator's key or value: an int16, then the body. The int16 is the version, or for keys the record type (`prefix`)."""
    out = bytearray(struct.pack(">h", version if prefix is None else prefix))
    return bytes(encode_body(record, version, out))


PREFIX_BYTES = 2


def read_prefix(buffer: Buffer) -> int:
    """The int16 in front of a coordinator's key or value; its body starts at PREFIX_BYTES."""
    if len(buffer) < PREFIX_BYTES:
        raise Malformed("a coordinator record is shorter than its version")
    return struct.unpack_from(">h", buffer)[0]
