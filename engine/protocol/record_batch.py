"""Record batches, version 2: the 61-byte header, the walk from batch to batch, and records in and out.

Rule: nobody decodes records to move them. The header says all that a broker needs; `decode_records` is for those who read.
Source: Kafka's documentation, section "Message Format".
"""

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from crc32c import crc32c

from engine.protocol import compression as codecs
from engine.protocol.errors import CorruptMessage, MessageTooLarge, UnsupportedForMessageFormat

Buffer = bytes | bytearray | memoryview

MAGIC = 2
HEADER_BYTES = 61
LENGTH_AT = 8  # the length counts what follows it, that is from LEADER_EPOCH_AT on
LEADER_EPOCH_AT = 12
MAGIC_AT = 16
CRC_AT = 17
ATTRIBUTES_AT = 21  # the checksum covers everything from here on
MAX_TIMESTAMP_AT = 35
OVERHEAD_BYTES = 12  # base offset and length themselves

COMPRESSION_BITS = 0x07
LOG_APPEND_TIME_BIT = 0x08
TRANSACTIONAL_BIT = 0x10
CONTROL_BIT = 0x20
DELETE_HORIZON_BIT = 0x40

CREATE_TIME, LOG_APPEND_TIME = 0, 1
RECORDS_DECODED_MAX = 1 << 18  # of one batch: half a second's work and 60 MiB; clients close theirs at 10,000 or by size
SEQUENCE_MAX = 0x7FFF_FFFF
LONG_RANGE = 1 << 63  # a long is below it, and not below its negative

_HEADER = struct.Struct(">qiibIhiqqqhii")
_BEFORE_CRC = struct.Struct(">qiibI")
_AFTER_CRC = struct.Struct(">hiqqqhii")
_LENGTH_AND_MORE = struct.Struct(">qiib")


class BatchHeader(NamedTuple):
    """A batch's fields as they stand on the wire; `length` counts the bytes after itself."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @property
    def size(self) -> int:
        """Bytes of the whole batch."""
        return self.length + OVERHEAD_BYTES

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        return self.base_offset + self.last_offset_delta + 1

    @property
    def last_sequence(self) -> int:
        """The sequence of the last record; sequences go round after 2**31 - 1."""
        if self.base_sequence < 0:
            return -1
        return (self.base_sequence + self.last_offset_delta) & SEQUENCE_MAX

    @property
    def compression(self) -> int:
        return self.attributes & COMPRESSION_BITS

    @property
    def timestamp_type(self) -> int:
        return LOG_APPEND_TIME if self.attributes & LOG_APPEND_TIME_BIT else CREATE_TIME

    @property
    def is_control(self) -> bool:
        return bool(self.attributes & CONTROL_BIT)

    @property
    def is_transactional(self) -> bool:
        return bool(self.attributes & TRANSACTIONAL_BIT)


class Record(NamedTuple):
    """One record. Timestamp in ms; -1 for an offset or a timestamp that nobody has given yet."""

    offset: int = -1
    timestamp: int = -1
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()


def read_header(buffer: Buffer, position: int = 0) -> BatchHeader:
    """The header at `position`. Raises CorruptMessage when the buffer is too short; checks nothing else."""
    try:
        return BatchHeader._make(_HEADER.unpack_from(buffer, position))
    except struct.error:
        raise CorruptMessage(f"{len(buffer) - position} bytes are too few for a record batch") from None


def walk(buffer: Buffer, position: int = 0) -> Iterator[tuple[int, BatchHeader]]:
    """(position, header) of every batch that is whole in the buffer. Raises CorruptMessage on an impossible length."""
    end = len(buffer)
    while position + HEADER_BYTES <= end:
        header = BatchHeader._make(_HEADER.unpack_from(buffer, position))
        if header.length < HEADER_BYTES - OVERHEAD_BYTES:
            raise CorruptMessage(f"a record batch of {header.length} bytes at {position}")
        if position + header.length + OVERHEAD_BYTES > end:
            return
        yield position, header
        position += header.length + OVERHEAD_BYTES


def check(buffer: Buffer) -> list[BatchHeader]:
    """The headers of all batches; sizes, magic and checksums are good and nothing follows the last batch.

    Raises CorruptMessage, and UnsupportedForMessageFormat for the message sets of Kafka before 0.11.
    """
    view, position, found = memoryview(buffer), 0, []
    while position < len(view):
        header = check_one(view, position)
        found.append(header)
        position += header.length + OVERHEAD_BYTES
    return found


def check_one(view: memoryview, position: int = 0) -> BatchHeader:
    """The header of the batch at `position`, which is whole, of our magic and unharmed."""
    left = len(view) - position
    if left > MAGIC_AT and view[position + MAGIC_AT] != MAGIC:
        raise UnsupportedForMessageFormat(f"message format {view[position + MAGIC_AT]} is not supported; only {MAGIC} is")
    header = read_header(view, position)
    size = header.length + OVERHEAD_BYTES
    if not HEADER_BYTES <= size <= left:
        raise CorruptMessage(f"a record batch of {size} bytes where {left} are left")
    actual = crc32c(view[position + ATTRIBUTES_AT : position + size])
    if actual != header.crc:
        raise CorruptMessage(f"Record is corrupt (stored crc = {header.crc}, computed crc = {actual})")
    return header


def stamp(buffer: bytearray | memoryview, position: int, *, base_offset: int, leader_epoch: int) -> None:
    """Writes what the leader decides. Both stand before the checksum's reach, so that it stays good."""
    _STAMP_OFFSET.pack_into(buffer, position, base_offset)
    _STAMP_EPOCH.pack_into(buffer, position + LEADER_EPOCH_AT, leader_epoch)


_STAMP_OFFSET = struct.Struct(">q")
_STAMP_EPOCH = struct.Struct(">i")


def stamp_log_append_time(buffer: bytearray | memoryview, header: BatchHeader, *, timestamp: int) -> None:
    """Makes LogAppendTime of a batch at position 0: attribute, max timestamp, checksum."""
    _restamp(buffer, header, attributes=header.attributes | LOG_APPEND_TIME_BIT, max_timestamp=timestamp)


def stamp_create_time(buffer: bytearray | memoryview, header: BatchHeader) -> None:
    """Takes the LogAppendTime attribute from a batch at position 0."""
    _restamp(buffer, header, attributes=header.attributes & ~LOG_APPEND_TIME_BIT, max_timestamp=header.max_timestamp)


def _restamp(buffer: bytearray | memoryview, header: BatchHeader, *, attributes: int, max_timestamp: int) -> None:
    struct.pack_into(">h", buffer, ATTRIBUTES_AT, attributes)
    struct.pack_into(">q", buffer, MAX_TIMESTAMP_AT, max_timestamp)
    struct.pack_into(">I", buffer, CRC_AT, crc32c(memoryview(buffer)[ATTRIBUTES_AT : header.size]))


def encode_batch(
    records: Sequence[Record],
    *,
    base_offset: int = 0,
    leader_epoch: int = -1,
    timestamp_type: int = CREATE_TIME,
    max_timestamp: int | None = None,
    compression: int = codecs.NONE,
    producer_id: int = -1,
    producer_epoch: int = -1,
    base_sequence: int = -1,
    control: bool = False,
    transactional: bool = False,
) -> bytearray:
    """A batch of `records`. Records without an offset follow one another; the others keep theirs, from `base_offset` on.

    `max_timestamp` is for LogAppendTime; CreateTime takes it from the records.
    """
    assert records, "a batch has at least one record"
    base_timestamp = records[0].timestamp
    body = bytearray()
    delta = -1
    for record in records:
        delta = delta + 1 if record.offset < 0 else record.offset - base_offset
        _write_record(body, record, delta, record.timestamp - base_timestamp)
    if max_timestamp is None:
        max_timestamp = max(record.timestamp for record in records)
    attributes = (
        compression
        | (LOG_APPEND_TIME_BIT if timestamp_type == LOG_APPEND_TIME else 0)
        | (TRANSACTIONAL_BIT if transactional else 0)
        | (CONTROL_BIT if control else 0)
    )
    covered = _AFTER_CRC.pack(
        attributes, delta, base_timestamp, max_timestamp, producer_id, producer_epoch, base_sequence, len(records)
    ) + (codecs.compress(compression, body) if compression else body)
    length = MAGIC_AT + 5 - OVERHEAD_BYTES + len(covered)
    return bytearray(_BEFORE_CRC.pack(base_offset, length, leader_epoch, MAGIC, crc32c(covered))) + covered


def decode_records(buffer: Buffer, position: int = 0, header: BatchHeader | None = None) -> list[Record]:
    """The records of the batch at `position`, with their real offsets and timestamps.

    Raises CorruptMessage, and MessageTooLarge for a batch that is small on the wire only; producers split theirs when they hear it.
    """
    header = header or read_header(buffer, position)
    if header.record_count > RECORDS_DECODED_MAX:
        raise MessageTooLarge(f"{header.record_count} records in one batch are more than {RECORDS_DECODED_MAX}")
    body: Buffer = memoryview(buffer)[position + HEADER_BYTES : position + header.size]
    try:
        plain = codecs.decompress(header.compression, body)
    except codecs.PlainTooLarge as error:
        raise MessageTooLarge(str(error)) from error
    except codecs.CompressionFailed as error:
        raise CorruptMessage(str(error)) from error
    # With LogAppendTime all records of a batch have the batch's one timestamp.
    fixed = header.max_timestamp if header.attributes & LOG_APPEND_TIME_BIT else None
    found, at = [], 0
    try:
        for _ in range(header.record_count):
            at, record = _read_record(plain, at, header, fixed)
            found.append(record)
    except (IndexError, UnicodeDecodeError) as error:
        raise CorruptMessage(f"record {len(found)} of the batch at offset {header.base_offset} is malformed") from error
    if at != len(plain):
        raise CorruptMessage(f"{len(plain) - at} bytes follow the last record of the batch at offset {header.base_offset}")
    return found


def _write_record(body: bytearray, record: Record, offset_delta: int, timestamp_delta: int) -> None:
    one = bytearray(b"\0")  # attributes: none are defined for records
    write_varint(one, timestamp_delta)
    write_varint(one, offset_delta)
    _write_bytes(one, record.key)
    _write_bytes(one, record.value)
    write_varint(one, len(record.headers))
    for name, value in record.headers:
        _write_bytes(one, name.encode())
        _write_bytes(one, value)
    write_varint(body, len(one))
    body += one


def _write_bytes(out: bytearray, value: bytes | None) -> None:
    if value is None:
        out.append(1)  # -1
    else:
        write_varint(out, len(value))
        out += value


def _read_record(plain: bytes, at: int, header: BatchHeader, fixed_timestamp: int | None) -> tuple[int, Record]:
    length, at = read_varint(plain, at)
    end = at + length
    if length < 0 or end > len(plain):
        raise IndexError("the record's length reaches beyond the batch")
    timestamp_delta, at = read_varint(plain, at + 1)
    offset_delta, at = read_varint(plain, at)
    key, at = _read_bytes(plain, at)
    value, at = _read_bytes(plain, at)
    count, at = read_varint(plain, at)
    headers = []
    if count < 0:
        raise IndexError("a negative count of headers")
    for _ in range(count):
        name, at = _read_bytes(plain, at)
        if name is None:
            raise IndexError("a header without a name")
        content, at = _read_bytes(plain, at)
        headers.append((name.decode(), content))
    if at != end:
        raise IndexError("the record's length and its fields differ")
    timestamp = header.base_timestamp + timestamp_delta if fixed_timestamp is None else fixed_timestamp
    if not -LONG_RANGE <= timestamp < LONG_RANGE:
        timestamp = (timestamp + LONG_RANGE) % (2 * LONG_RANGE) - LONG_RANGE  # as Java's sum
    return end, Record(header.base_offset + offset_delta, timestamp, key, value, tuple(headers))


def _read_bytes(plain: bytes, at: int) -> tuple[bytes | None, int]:
    length, at = read_varint(plain, at)
    if length < 0:
        return None, at
    end = at + length
    if end > len(plain):
        raise IndexError("a field reaches beyond the batch")
    return plain[at:end], end


def write_varint(out: bytearray, value: int) -> None:
    """A signed number, zig-zag, seven bits a byte, as records have it."""
    rest = (value << 1) ^ (value >> 63)
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)


def read_varint(plain: Buffer, at: int) -> tuple[int, int]:
    """(value, the position after it). Raises IndexError at the end of the buffer."""
    byte = plain[at]
    at += 1
    if byte < 0x80:
        return (byte >> 1) ^ -(byte & 1), at
    rest, shift = byte & 0x7F, 7
    while True:
        byte = plain[at]
        at += 1
        rest |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (rest >> 1) ^ -(rest & 1), at
        shift += 7
        if shift > 63:
            raise IndexError("a number of more than ten bytes")
