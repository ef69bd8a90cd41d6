"""Bytes to messages and back, by kio's schemas.

Messages are kio's frozen dataclasses, one class a version. `build` fills what a version needs and drops what it lacks, so that a
handler is written once for all versions; a decoded message answers every field of its API's newest version, with Kafka's
default where its own version lacks it. Field names are kio's: Kafka's in snake_case, times without their `_ms`.
"""

import io
import struct
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Literal
from uuid import UUID

from kio.index import load_entity_schema
from kio.schema.errors import ErrorCode
from kio.schema.index import api_key_map, schema_name_map
from kio.serial import entity_reader, entity_writer
from kio.static.constants import EntityType

from engine.protocol.api_keys import API_KEYS, BY_NAME
from engine.protocol.field_element import element
from engine.protocol.nulls import check_nulls
from engine.protocol.promises import check_promises
from engine.protocol.tolerance import tolerated
from engine.world.moments import duration, milliseconds, moment

__all__ = [
    "Malformed", "Message", "RequestHeader", "build", "decode_body", "decode_request", "decode_response", "encode_body",
    "encode_request", "encode_response", "message_class", "milliseconds", "read_header", "zero_uuid",
]

Message = Any
Kind = Literal["request", "response"]

check_names = False  # tests set it; it loads every version of an API, which would stall a broker

_HEADER = struct.Struct(">hhih")
_RESPONSE_HEAD = struct.Struct(">ii")


class Malformed(ValueError):
    """The bytes are not a message of this API and version."""


@dataclass(frozen=True, slots=True)
class RequestHeader:
    """The head of a request; `body_at` is where its body begins in the frame."""

    api_key: int
    api_version: int
    correlation_id: int
    client_id: str | None
    body_at: int


# ---- classes


@cache
def message_class(api: str, kind: Kind, version: int) -> type:
    """kio's class, taught the fields of the newest version. Raises KeyError for an unknown API or version."""
    name = api_key_map[BY_NAME[api].key]
    kind_of = EntityType.request if kind == "request" else EntityType.response
    versions = schema_name_map[name]
    if version not in versions:
        raise KeyError(f"{api} has no version {version}; it has {min(versions)} to {max(versions)}")
    own = load_entity_schema(name, version, kind_of)
    newest = load_entity_schema(name, max(versions), kind_of)
    if own is not newest:
        _teach(own, newest)
    return own


def _teach(own: type, newest: type) -> None:
    """Gives `own` class attributes for the newest version's fields that it lacks; slots make this safe for instances."""
    known = {part.name: part for part in fields(own)}
    for part in fields(newest):
        if part.name not in known:
            setattr(own, part.name, _default(part))
            continue
        ours, theirs = element(known[part.name])[0], element(part)[0]
        if is_dataclass(ours) and is_dataclass(theirs) and ours is not theirs:
            _teach(ours, theirs)


def _default(part: Field) -> Any:
    if part.default is not MISSING:
        return part.default
    kind, array, nullable = element(part)
    if array:
        return ()
    if nullable:
        return None
    if is_dataclass(kind):
        return kind(**{inner.name: _default(inner) for inner in fields(kind)})
    return _ZERO[part.metadata["kafka_type"]]


_ZERO: dict[str, Any] = {
    **dict.fromkeys(("int8", "int16", "int32", "int64", "uint16", "uint32"), 0),
    "float64": 0.0,
    "bool": False,
    "string": "",
    "bytes": b"",
    "records": None,
    "uuid": None,
    "error_code": ErrorCode.none,
    "timedelta_i32": duration(0),
    "timedelta_i64": duration(0),
    "datetime_i64": None,
}


# ---- building


def build(api: str, kind: Kind, version: int, **values: Any) -> Message:
    """A message of that version from plain values.

    Nested things are dicts and arrays any iterables of them; error codes are ints or ErrorCode; times are ms (-1: none where a
    time may be absent); uuids are UUID or None. A name that no version of the API knows is a bug; with `check_names` it raises
    TypeError.
    """
    own = message_class(api, kind, version)
    if check_names and (strange := tuple(name for name in values if not hasattr(own, name))):
        _check_names(api, kind, strange)
    return _builder(own)(values)


@cache
def _check_names(api: str, kind: Kind, strange: tuple[str, ...]) -> None:
    """Names that neither this version nor the newest has must belong to one between. Loads them all, so only asked then."""
    name = api_key_map[BY_NAME[api].key]
    kind_of = EntityType.request if kind == "request" else EntityType.response
    known = {part.name for version in schema_name_map[name] for part in fields(load_entity_schema(name, version, kind_of))}
    unknown = sorted(set(strange) - known)
    if unknown:
        raise TypeError(f"{api} {kind} has no field {unknown} in any version")


@cache
def _builder(own: type) -> Callable[[Any], Any]:
    parts = [(part.name, _converter(part), _default(part)) for part in fields(own)]

    def make(values: Any) -> Any:
        if isinstance(values, own):
            return values
        get = values.get
        filled = {}
        for name, convert, default in parts:
            value = get(name, MISSING)
            filled[name] = default if value is MISSING else convert(value) if convert else value
        return own(**filled)

    return make


def _converter(part: Field) -> Callable[[Any], Any] | None:
    kind, array, _ = element(part)
    one = _builder(kind) if is_dataclass(kind) else _CONVERTERS.get(part.metadata["kafka_type"])
    if array and one:
        return lambda values: None if values is None else tuple(one(value) for value in values)
    if array:
        return lambda values: None if values is None else tuple(values)
    if one and is_dataclass(kind):
        return lambda value: None if value is None else one(value)
    return one


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "error_code": ErrorCode,
    "timedelta_i32": duration,
    "timedelta_i64": duration,
    "datetime_i64": moment,
}


# ---- encoding


def encode_body(message: Message) -> bytes:
    """The message alone, without header and length."""
    out = io.BytesIO()
    entity_writer(type(message))(out, message)
    return out.getvalue()


def encode_request(message: Message, *, correlation_id: int, client_id: str | None) -> bytes:
    """Length prefix, request header and body."""
    name = b"" if client_id is None else client_id.encode()
    head = _HEADER.pack(
        message.__api_key__, message.__version__, correlation_id, -1 if client_id is None else len(name)
    )
    tags = b"\0" if message.__flexible__ else b""
    body = encode_body(message)
    size = len(head) + len(name) + len(tags) + len(body)
    return b"".join((struct.pack(">i", size), head, name, tags, body))


def encode_response(message: Message, *, correlation_id: int) -> bytes:
    """Length prefix, response header and body."""
    body = encode_body(message)
    # KIP-511: the header of an ApiVersions response has no tags, so that any client can read it.
    tags = b"\0" if message.__header_schema__.__flexible__ else b""
    return _RESPONSE_HEAD.pack(4 + len(tags) + len(body), correlation_id) + tags + body


# ---- decoding


def read_header(frame: memoryview | bytes) -> RequestHeader:
    """The head of a request frame (without length prefix).

    Raises:
        Malformed: the frame ends before its header does, or its client id is not UTF-8.
    """
    try:
        api_key, api_version, correlation_id, length = _HEADER.unpack_from(frame)
    except struct.error as error:
        raise Malformed(f"a request header needs 10 bytes, the frame has {len(frame)}") from error
    at = 10 + max(length, 0)
    if length < -1 or at > len(frame):
        raise Malformed(f"client id of {length} bytes in a frame of {len(frame)}")
    try:
        client_id = None if length < 0 else str(frame[10:at], "utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"client id is not UTF-8: {error}") from error
    if api_key in API_KEYS and _is_flexible(api_key, api_version):
        at = _skip_tags(frame, at)
    return RequestHeader(api_key, api_version, correlation_id, client_id, at)


@cache
def _is_flexible(api_key: int, version: int) -> bool:
    versions = schema_name_map[api_key_map[api_key]]
    if version not in versions:
        return False
    return bool(message_class(API_KEYS[api_key].name, "request", version).__flexible__)


def _skip_tags(frame: memoryview | bytes, at: int) -> int:
    count, at = _varint(frame, at)
    for _ in range(count):
        _, at = _varint(frame, at)
        size, at = _varint(frame, at)
        at += size
    if at > len(frame):
        raise Malformed("tagged fields of the request header reach past the frame")
    return at


def _varint(frame: memoryview | bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 35:
        if at >= len(frame):
            raise Malformed("the frame ends inside a number")
        byte = frame[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise Malformed("a number of more than five bytes")


def decode_body(api: str, kind: Kind, version: int, frame: memoryview | bytes, at: int = 0) -> Message:
    """The message that begins at `at`; records and other bytes are copied out of the frame.

    Raises:
        Malformed: the bytes are no such message.
    """
    view = frame.toreadonly() if isinstance(frame, memoryview) else frame
    try:
        message = message_class(api, kind, version)
        if kind == "request":
            check_promises(message, view, at)
            return _read_request(message, view, at)
        return entity_reader(message)(view, at)[0]
    except Exception as error:
        raise Malformed(f"not a {api} {kind} version {version}: {error}") from error


def _read_request(message: type, view: memoryview | bytes, at: int) -> Message:
    try:
        decoded = entity_reader(message)(view, at)[0]
    except Exception as refused:
        plain = tolerated(message, view, at)
        if plain == view[at:]:
            raise refused
        decoded = entity_reader(message)(plain, 0)[0]
    check_nulls(decoded)
    return decoded


def decode_request(frame: memoryview | bytes) -> tuple[RequestHeader, Message]:
    """Header and body of a request frame. Raises Malformed; KeyError for an API or version that does not exist."""
    header = read_header(frame)
    return header, decode_body(API_KEYS[header.api_key].name, "request", header.api_version, frame, header.body_at)


def decode_response(api: str, version: int, frame: memoryview | bytes) -> tuple[int, Message]:
    """(correlation id, message) of a response frame (without length prefix). Raises Malformed."""
    if len(frame) < 4:
        raise Malformed(f"a response of {len(frame)} bytes")
    at = 4
    if message_class(api, "response", version).__header_schema__.__flexible__:
        at = _skip_tags(frame, at)
    return int.from_bytes(frame[:4], "big", signed=True), decode_body(api, "response", version, frame, at)


def zero_uuid(value: UUID | None) -> bool:
    """Does this stand for no id? (kio reads the zero uuid as None.)"""
    return value is None or value.int == 0
