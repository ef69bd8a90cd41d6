"""The producer window on disk: `<offset>.snapshot`, Kafka's version 1."""

import struct
from collections.abc import Iterable

from crc32c import crc32c

from engine.protocol.record_batch import SEQUENCE_MAX
from engine.storage.producer_window import AppendedBatch, Producer

VERSION = 1
_HEAD = struct.Struct(">hI")
_COUNT = struct.Struct(">i")
# id, epoch, last sequence, last offset, offset delta, timestamp, coordinator epoch, first offset of the open transaction
_ENTRY = struct.Struct(">qhiqiqiq")


class CorruptSnapshot(ValueError):
    """The file is not what Kafka would have written; the window is rebuilt from an older one, or from the log."""


def encode(producers: Iterable[Producer]) -> bytes:
    """Only the last batch of each producer is kept, as in Kafka."""
    entries = []
    for producer in producers:
        last = producer.batches[-1] if producer.batches else AppendedBatch(-1, -1, -1, 0, producer.last_timestamp)
        first_offset = producer.transaction_first_offset
        entries.append(
            _ENTRY.pack(
                producer.producer_id,
                producer.epoch,
                last.last_sequence,
                last.last_offset,
                last.offset_delta,
                producer.last_timestamp,
                producer.coordinator_epoch,
                -1 if first_offset is None else first_offset,
            )
        )
    body = _COUNT.pack(len(entries)) + b"".join(entries)
    return _HEAD.pack(VERSION, crc32c(body)) + body


def decode(data: bytes) -> list[Producer]:
    """Raises CorruptSnapshot."""
    try:
        version, crc = _HEAD.unpack_from(data)
        (count,) = _COUNT.unpack_from(data, _HEAD.size)
    except struct.error as error:
        raise CorruptSnapshot(f"{len(data)} bytes are too few") from error
    body = data[_HEAD.size :]
    if version != VERSION:
        raise CorruptSnapshot(f"version {version} is unknown")
    if crc != crc32c(body) or len(body) != _COUNT.size + count * _ENTRY.size:
        raise CorruptSnapshot("the checksum is wrong")
    return [_producer(entry) for entry in _ENTRY.iter_unpack(body[_COUNT.size :])]


def _producer(entry: tuple[int, ...]) -> Producer:
    producer_id, epoch, last_sequence, last_offset, delta, timestamp, coordinator_epoch, first = entry
    producer = Producer(producer_id, epoch)
    producer.last_timestamp = timestamp
    producer.coordinator_epoch = coordinator_epoch
    producer.transaction_first_offset = first if first >= 0 else None
    if last_offset >= 0:
        first_sequence = (last_sequence - delta) & SEQUENCE_MAX
        producer.batches.append(AppendedBatch(first_sequence, last_sequence, last_offset, delta, timestamp))
    return producer
