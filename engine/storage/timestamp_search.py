"""Finding records by time, exactly: the first record at or after a timestamp, and the youngest record of all."""

from typing import NamedTuple

from engine.protocol.record_batch import Record, decode_records
from engine.storage.segment import Located, Segment


class Found(NamedTuple):
    """A record's offset and timestamp, and the leader epoch of its batch (None: unknown)."""

    offset: int
    timestamp: int
    leader_epoch: int | None


def first_at_or_after(segments: list[Segment], timestamp: int, log_start_offset: int) -> Found | None:
    """The first record, from the log's start on, whose timestamp is `timestamp` or later."""
    for segment in segments:
        if segment.largest_timestamp[0] < timestamp:
            continue
        start = max(segment.time_index.offset_for(timestamp), log_start_offset)
        for located in segment.headers(segment.offset_index.position_for(start)):
            if located.header.max_timestamp < timestamp or located.header.last_offset < log_start_offset:
                continue
            for record in _records(segment, located):
                if record.timestamp >= timestamp and record.offset >= log_start_offset:
                    return _found(record, located)
    return None


def youngest(segments: list[Segment], log_start_offset: int) -> Found | None:
    """The first record that has the largest timestamp of the log."""
    candidates = [segment for segment in segments if segment.size]
    if not candidates:
        return None
    timestamp = max(segment.largest_timestamp[0] for segment in candidates)
    return first_at_or_after(candidates, timestamp, log_start_offset) if timestamp >= 0 else None


def _records(segment: Segment, located: Located) -> list[Record]:
    data = segment.file.read(located.position, located.header.size)
    return decode_records(data, 0, located.header)


def _found(record: Record, located: Located) -> Found:
    epoch = located.header.leader_epoch
    return Found(record.offset, record.timestamp, epoch if epoch >= 0 else None)
