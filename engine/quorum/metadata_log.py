"""The metadata log on top of a partition's log: records in, batches down, synced; committed records out again.

The log is kept whole: there are no metadata snapshots yet, a node replays it from its start.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from engine.protocol import control_records
from engine.protocol.record_batch import Record, decode_records, encode_batch, walk
from engine.protocol.stored import metadata as stored
from engine.storage.partition_log import RAFT, PartitionLog

METADATA_TOPIC = "__cluster_metadata"
METADATA_TOPIC_ID = UUID(int=1)
FETCH_BYTES_MAX = 1 << 20  # controller.quorum.fetch.max.bytes; a batch that is larger is sent whole
APPLY_BYTES_MAX = 1 << 20  # read and replayed at once; so much is in memory


class MetadataLog:
    """What the raft node looks at, and the driver appends to. All that is in it is on disk."""

    def __init__(self, log: PartitionLog) -> None:
        self._log = log

    @property
    def end_offset(self) -> int:
        return self._log.log_end_offset

    @property
    def last_epoch(self) -> int:
        latest = self._log.latest_epoch
        return 0 if latest is None else latest

    @property
    def start_offset(self) -> int:
        return self._log.log_start_offset

    def end_of_epoch(self, epoch: int) -> tuple[int, int]:
        if self._log.latest_epoch is None:
            return epoch, 0
        return self._log.epoch_end(min(epoch, self.last_epoch))

    def append(self, records: Sequence[stored.MetadataRecord], *, epoch: int, now_ms: int) -> int:
        """One batch, so all or nothing. The last offset."""
        batch = encode_batch([Record(timestamp=now_ms, value=stored.encode(record)) for record in records])
        return self._append(batch, epoch=epoch, now_ms=now_ms)

    def append_leader_change(self, *, leader: int, voters: Sequence[int], granting: Sequence[int], epoch: int, now_ms: int) -> int:
        message = control_records.leader_change(leader=leader, voters=voters, granting=granting)
        return self._append(control_records.encode_control_batch([message], now_ms=now_ms), epoch=epoch, now_ms=now_ms)

    def _append(self, batch: bytearray, *, epoch: int, now_ms: int) -> int:
        appended = self._log.append_as_leader(memoryview(batch), leader_epoch=epoch, now_ms=now_ms, origin=RAFT)
        self._log.sync()
        return appended.last_offset

    def append_fetched(self, batches: bytes) -> None:
        self._log.append_as_follower(memoryview(batches))
        self._log.sync()

    def truncate(self, offset: int) -> None:
        self._log.truncate_to(offset)
        self._log.sync()

    def high_watermark_moved(self, offset: int) -> None:
        self._log.advance_high_watermark(offset)

    def read(self, offset: int) -> bytes:
        """Batches from `offset` on, for a follower; committed or not."""
        return self._log.read_records(offset, bytes_max=FETCH_BYTES_MAX, upper=self.end_offset)

    def committed(self, start: int, end: int) -> Iterator[tuple[int, int, list[tuple[int, Any]]]]:
        """(the offset behind it, epoch, [(offset, record)]) of each batch from `start` to below `end`; control batches are empty."""
        while start < end:
            data = self._log.read_records(start, bytes_max=APPLY_BYTES_MAX, upper=end)
            assert data, f"{self._log} has nothing at {start} below {end}"
            for position, header in walk(data):
                records = [] if header.is_control else decode_records(data, position, header)
                start = header.next_offset
                yield start, header.leader_epoch, [(record.offset, stored.decode(record.value)) for record in records]
