"""What a leader demands of a client's batch, and what it makes of it. Decides only.

Source: Kafka's LogValidator. Not as Kafka: a compressed batch is only unpacked where a rule needs its records (compacted
topics, a limit on how old records may be, recompression); its checksum and its header are trusted for the rest.
"""

from dataclasses import dataclass

from engine.protocol import compression as codecs
from engine.protocol.errors import InvalidRecord, InvalidTimestamp, KafkaError, MessageTooLarge
from engine.protocol.record_batch import (
    HEADER_BYTES,
    LOG_APPEND_TIME,
    LOG_APPEND_TIME_BIT,
    BatchHeader,
    Record,
    decode_records,
    encode_batch,
    stamp_create_time,
    stamp_log_append_time,
)
from engine.storage.log_config import LONG_MAX, LogConfig

SHORT_RUN = 16  # records of many sizes are walked one by one
ERRORS_SHOWN = 3  # as Kafka: enough to find the cause, and a short message


@dataclass(frozen=True, slots=True)
class RecordError:
    """Why one record of a batch was refused; `batch_index` counts from 0."""

    batch_index: int
    message: str


def record_errors(error: KafkaError) -> tuple[RecordError, ...]:
    """The single records that `error` is about, for a produce answer's `record_errors`."""
    return getattr(error, "record_errors", ())


def check_size(header: BatchHeader, max_message_bytes: int) -> None:
    """max.message.bytes counts the batch as it stands on disk. Raises MessageTooLarge."""
    if header.size > max_message_bytes:
        raise MessageTooLarge(
            f"The record batch size is {header.size} bytes which exceeds the maximum configured value of {max_message_bytes}."
        )


def check_header(header: BatchHeader) -> None:
    """What a client may not say. Raises InvalidRecord."""
    if header.base_offset:
        raise InvalidRecord(f"The baseOffset of the record batch should be 0, but it is {header.base_offset}")
    if header.last_offset_delta < 0:
        raise InvalidRecord(f"Batch has an invalid offset range: [{header.base_offset}, {header.last_offset}]")
    if header.record_count <= 0:
        raise InvalidRecord(f"Invalid reported count for record batch: {header.record_count}")
    if header.last_offset_delta + 1 != header.record_count:
        raise InvalidRecord(
            f"Inconsistent batch offset range [{header.base_offset}, {header.last_offset}] "
            f"and count of records {header.record_count}"
        )
    if header.is_control:
        raise InvalidRecord("Clients are not allowed to write control records")
    if header.producer_id >= 0 and header.base_sequence < 0:
        raise InvalidRecord(
            f"Invalid sequence number {header.base_sequence} in record batch with producerId {header.producer_id}"
        )
    if header.compression > codecs.ZSTD:
        raise InvalidRecord(f"Unknown compression type id: {header.compression}")


def count_by_lengths(batch: memoryview, size: int) -> int:
    """How many records fill the batch exactly, walked by their lengths; -1 when they do not end where the batch does."""
    position, count = _skip_equal_records(batch, HEADER_BYTES, size)
    try:
        while position < size:
            byte = batch[position]
            if byte < 0x80:  # one byte: a length up to 63, zig-zag
                position += (byte >> 1) + 1
            else:
                second = batch[position + 1]
                if second < 0x80:
                    position += ((second << 7 | byte & 0x7F) >> 1) + 2
                else:
                    position = _after_long_record(batch, position, byte & 0x7F | (second & 0x7F) << 7)
            count += 1
    except IndexError:
        return -1
    return count if position == size else -1


def _skip_equal_records(batch: memoryview, position: int, size: int) -> tuple[int, int]:
    """(position, count) behind the records that have the length of the one before them, as long as runs are long.

    Most producers send records of one size. A record is as long as its neighbour when its first two bytes (the length) are
    the same, and a strided slice compares them all at once, a tenth of the walk's price.
    """
    count = 0
    while position + 1 < size and batch[position] >= 0x80 and batch[position + 1] < 0x80:
        low, high = batch[position], batch[position + 1]
        stride = ((high << 7 | low & 0x7F) >> 1) + 2
        lows = bytes(batch[position : size - 1 : stride])
        highs = bytes(batch[position + 1 : size : stride])
        run = min(len(lows) - len(lows.lstrip(bytes((low,)))), len(highs) - len(highs.lstrip(bytes((high,)))))
        position += run * stride
        count += run
        if run < SHORT_RUN:
            break
    return position, count


def _after_long_record(batch: memoryview, position: int, low: int) -> int:
    shift, at = 14, position + 2
    while shift < 35:
        byte = batch[at]
        at += 1
        low |= (byte & 0x7F) << shift
        if byte < 0x80:
            return at + (low >> 1)
        shift += 7
    raise IndexError("a length of more than five bytes")


def check_records(batch: memoryview, header: BatchHeader, config: LogConfig, now_ms: int) -> list[Record] | None:
    """Counts, timestamps and keys. The decoded records if a rule needed them.

    Raises InvalidRecord, InvalidTimestamp (with `record_errors`), CorruptMessage.
    """
    log_append_time = config.uses_log_append_time
    early = now_ms - config.message_timestamp_before_max_ms
    late = now_ms + config.message_timestamp_after_max_ms
    # The header has the latest timestamp but not the earliest one.
    untimely = header.max_timestamp > late or config.message_timestamp_before_max_ms != LONG_MAX
    claims_log_append_time = header.attributes & LOG_APPEND_TIME_BIT
    if not (config.is_compacted or claims_log_append_time or (untimely and not log_append_time)):
        if not header.compression and count_by_lengths(batch, header.size) != header.record_count:
            raise InvalidRecord(f"The records do not fill the batch: {header.record_count} were declared")
        return None
    records = decode_records(batch, 0, header)
    if len(records) != header.record_count or any(record.offset != number for number, record in enumerate(records)):
        raise InvalidRecord("The offsets of the records in the batch are not consecutive")
    _refuse_single_records(records, header, config, early, late)
    return records


def _refuse_single_records(records: list[Record], header: BatchHeader, config: LogConfig, early: int, late: int) -> None:
    found: list[RecordError] = []
    bad_time = False
    for number, record in enumerate(records):
        if config.is_compacted and record.key is None:
            found.append(RecordError(number, "Compacted topic cannot accept message without key"))
        elif config.uses_log_append_time:
            if header.timestamp_type == LOG_APPEND_TIME:
                bad_time = True
                found.append(RecordError(number, "Producer should not set timestamp type to LogAppendTime."))
        elif record.timestamp != -1 and not early <= record.timestamp <= late:
            bad_time = True
            text = f"Timestamp {record.timestamp} of message with offset {record.offset} is out of range. "
            found.append(RecordError(number, text + f"The timestamp should be within [{early}, {late}]"))
    if not found:
        return
    if bad_time:
        error: KafkaError = InvalidTimestamp("One or more records have been rejected due to invalid timestamp")
    else:
        shown = ", ".join(f"RecordError(batchIndex={one.batch_index}, message='{one.message}')" for one in found[:ERRORS_SHOWN])
        error = InvalidRecord(
            f"One or more records have been rejected due to {len(found)} record errors in total, "
            f"and only showing the first three errors at most: [{shown}]"
        )
    error.record_errors = tuple(found)  # type: ignore[attr-defined]  # read by record_errors()
    raise error


def needs_recompression(header: BatchHeader, config: LogConfig) -> bool:
    """compression.type other than `producer` is the topic's own codec; control batches stay as they are."""
    if config.compression_type == "producer" or header.is_control:
        return False
    return codecs.CODECS[config.compression_type] != header.compression


def recompress(batch: memoryview, header: BatchHeader, records: list[Record] | None, config: LogConfig) -> bytearray:
    """The same records, ids and sequences under the topic's codec."""
    return encode_batch(
        records if records is not None else decode_records(batch, 0, header),
        base_offset=header.base_offset,
        timestamp_type=header.timestamp_type,
        max_timestamp=header.max_timestamp,
        compression=codecs.CODECS[config.compression_type],
        producer_id=header.producer_id,
        producer_epoch=header.producer_epoch,
        base_sequence=header.base_sequence,
        transactional=header.is_transactional,
    )


def stamp_timestamp_type(batch: memoryview | bytearray, header: BatchHeader, config: LogConfig, now_ms: int) -> bool:
    """Makes the batch's timestamp type the topic's. True when the batch (and its checksum) changed."""
    if config.uses_log_append_time:
        stamp_log_append_time(batch, header, timestamp=now_ms)
        return True
    if header.attributes & LOG_APPEND_TIME_BIT:
        stamp_create_time(batch, header)
        return True
    return False
