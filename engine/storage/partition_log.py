"""One partition's log: appended to at the end, read anywhere, cut back when a leader says so.

Rules: nothing here awaits, so that an append is whole or not at all. An error leaves the log as it was.
"""

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from engine.events.facts import LogRecovered
from engine.events.journal import Journal
from engine.protocol.errors import InconsistentTopicId, InvalidRecord, KafkaError, KafkaStorageError, OffsetOutOfRange, RecordListTooLarge
from engine.protocol.record_batch import (
    LOG_APPEND_TIME_BIT,
    MAGIC,
    MAGIC_AT,
    OVERHEAD_BYTES,
    BatchHeader,
    check_one,
    read_header,
    stamp,
)
from engine.storage import batch_checks, checkpoints, recovery, timestamp_search
from engine.storage.log_config import LogConfig
from engine.storage.producer_window import AppendedBatch, EndMarker
from engine.storage.reading import LogSlice
from engine.storage.segmented_log import SegmentedLog
from engine.storage.timestamp_search import Found
from engine.world.clock import Clock
from engine.world.disk import Disk

FORGET_STEP_BYTES, FORGET_SPAN_BYTES = 1 << 20, 8 << 20  # a follower's log: how often, and how much of its end
CLIENT, COORDINATOR, RAFT = "client", "coordinator", "raft"  # who appends: only clients are distrusted


class Appended(NamedTuple):
    """Where a batch stands now. `duplicate`: it stood there before."""

    base_offset: int
    last_offset: int
    log_append_time_ms: int
    log_start_offset: int
    duplicate: bool
    record_count: int


class PartitionLog(SegmentedLog):
    """What replication, the quorum and handlers hold: opens, appends, reads, searches by time."""

    _followed_bytes = 0  # appended as follower since the system was told to forget

    @classmethod
    def open(cls, **asked: Any) -> "PartitionLog":
        """`opening`, all at once."""
        return recovery.at_once(cls.opening(**asked))

    @classmethod
    def opening(
        cls,
        *,
        disk: Disk,
        clock: Clock,
        folder: str,
        topic: str,
        partition: int,
        topic_id: uuid.UUID | None,
        config: LogConfig,
        clean: bool,
        journal: Journal,
        recovery_point: int = 0,
        log_start_offset: int = 0,
    ) -> recovery.Steps["PartitionLog"]:
        """Opens or makes the folder; recovers it, in steps, unless the last stop was `clean`.

        Raises InconsistentTopicId when the folder holds another topic of the same name.
        """
        metadata = disk.join(folder, checkpoints.PARTITION_METADATA)
        found_id = _found_topic_id(disk, metadata, may_be_torn=topic_id is not None and not clean)
        if found_id is not None and topic_id is not None and found_id != topic_id:
            raise InconsistentTopicId(f"{folder} holds topic id {found_id}, not {topic_id}")
        is_new = not disk.exists(folder)
        began_ms = clock.monotonic_ms()
        opening = recovery.Opening(
            disk=disk,
            folder=folder,
            config=config,
            now_ms=clock.now_ms(),
            clean=clean,
            recovery_point=recovery_point,
            log_start_offset=log_start_offset,
        )
        loaded = yield from recovery.load(opening)
        if topic_id is not None and found_id is None:
            checkpoints.write_partition_metadata(disk, metadata, topic_id)
        log = cls(opening=opening, loaded=loaded, topic=topic, partition=partition, clock=clock, journal=journal)
        log.topic_id = topic_id or found_id
        if not clean and not is_new:
            log._after_recovery(loaded.cut_bytes, took_ms=int(clock.monotonic_ms() - began_ms))
        return log

    def _after_recovery(self, cut_bytes: int, *, took_ms: int) -> None:
        self._write_epochs()
        fact = LogRecovered(
            topic=self.topic,
            partition=self.partition,
            log_end_offset=self.log_end_offset,
            cut_bytes=cut_bytes,
            took_ms=took_ms,
        )
        self._journal.emit(fact)

    # ---- appending

    def append_as_leader(
        self, records: memoryview, *, leader_epoch: int, now_ms: int, max_message_bytes: int | None = None, origin: str = CLIENT
    ) -> Appended:
        """Appends one batch, stamped in place (so `records` must be writable) with our offset and epoch.

        Raises CorruptMessage, InvalidRecord, InvalidTimestamp (see batch_checks.record_errors), MessageTooLarge,
        RecordListTooLarge, OutOfOrderSequenceNumber, InvalidProducerEpoch, KafkaStorageError; nothing is written then.
        """
        header = self._the_one_batch(records)
        batch: memoryview | bytearray = bytearray(records) if records.readonly else records
        if origin == CLIENT:
            batch_checks.check_size(header, max_message_bytes or self.config.max_message_bytes)
            batch, header = self._as_topic_wants(memoryview(batch), header, now_ms)
        if len(batch) > self.config.segment_bytes:
            raise RecordListTooLarge(
                f"Message batch size is {len(batch)} bytes which exceeds the maximum configured segment size of "
                f"{self.config.segment_bytes}."
            )
        base_offset = self.log_end_offset
        markers: dict[int, EndMarker] = {}
        if header.producer_id >= 0:
            if header.is_control:
                marker = recovery.read_marker(batch, header)
                if marker is not None:
                    self.window.check_marker(header, marker)
                    markers[base_offset] = marker
            else:
                repeated = self.window.check(header, from_client=origin == CLIENT)
                if repeated is not None:
                    return self._duplicate(repeated, header.record_count)
        stamp(batch, 0, base_offset=base_offset, leader_epoch=leader_epoch)
        header = BatchHeader._make((base_offset, header[1], leader_epoch, *header[3:]))
        self._write(batch, (header,), markers, now_ms)
        self._tail.keep_newest(batch)
        append_time = header.max_timestamp if header.attributes & LOG_APPEND_TIME_BIT else -1
        return Appended(base_offset, self.log_end_offset - 1, append_time, self.log_start_offset, False, header.record_count)

    def _the_one_batch(self, records: memoryview) -> BatchHeader:
        """The header of a good batch that fills `records`. Raises CorruptMessage, InvalidRecord."""
        if not records:
            raise InvalidRecord("at least one record batch per partition is needed")
        if len(records) > MAGIC_AT and records[MAGIC_AT] != MAGIC:
            raise InvalidRecord(f"only record batches with magic version {MAGIC} are allowed, not {records[MAGIC_AT]}")
        header = check_one(records)
        if header.length + OVERHEAD_BYTES != len(records):
            raise InvalidRecord("exactly one record batch per partition is allowed")
        return header

    def _as_topic_wants(
        self, records: memoryview, header: BatchHeader, now_ms: int
    ) -> tuple[memoryview | bytearray, BatchHeader]:
        """A client's batch, checked; recompressed and stamped with the log's time where the topic says so."""
        config = self.config
        batch_checks.check_header(header)
        decoded = batch_checks.check_records(records, header, config, now_ms)
        batch: memoryview | bytearray = records
        if config.compression_type != "producer" and batch_checks.needs_recompression(header, config):
            batch = batch_checks.recompress(records, header, decoded, config)
            header = read_header(batch)
            batch_checks.check_size(header, config.max_message_bytes)
        if batch_checks.stamp_timestamp_type(batch, header, config, now_ms):
            header = read_header(batch)
        return batch, header

    def _duplicate(self, repeated: AppendedBatch, record_count: int) -> Appended:
        return Appended(
            repeated.first_offset, repeated.last_offset, repeated.timestamp, self.log_start_offset, True, record_count
        )

    def _write(
        self, batches: memoryview | bytearray, headers: Sequence[BatchHeader], markers: dict[int, EndMarker], now_ms: int
    ) -> None:
        """Batches that follow one another go to disk in one write, in a new segment if they would not fit into this one."""
        try:
            reason = self._roll_reason(headers, len(batches), now_ms)
            if reason is not None:
                self.roll(reason=reason, base_offset=headers[0].base_offset)
        except OSError as error:
            raise KafkaStorageError(f"{self.topic}-{self.partition}: {error}") from error
        self._write_here(batches, headers, markers)

    def _write_here(self, batches: memoryview | bytearray, headers: Sequence[BatchHeader], markers: dict[int, EndMarker]) -> None:
        """Into the active segment, then into everything that remembers."""
        try:
            for header in headers:
                if header.leader_epoch != self.epochs.latest:
                    self.start_epoch(header.leader_epoch, header.base_offset)
            position = self._active.append(batches, headers)
        except OSError as error:
            self.epochs.truncate_from_end(self.log_end_offset + 1)
            raise KafkaStorageError(f"{self.topic}-{self.partition}: {error}") from error
        end_offset = self.log_end_offset
        for header in headers:
            if header.base_offset != end_offset:
                self._tail.clear()  # it has no gaps, and compaction on the leader made one
            end_offset = header.base_offset + header.last_offset_delta + 1
            self._tail.add(header.base_offset, position)
            position += header.length + OVERHEAD_BYTES
            if header.producer_id >= 0:
                recovery.replay(self.window, header, markers.get(header.base_offset))
        self.log_end_offset = end_offset
        self.moves.note(self)

    def append_as_follower(self, records: memoryview) -> int:
        """Appends whole batches as the leader stamped them; an incomplete last one is left. Returns the new log end offset.

        Raises CorruptMessage; OffsetOutOfRange when a batch begins before the log's end. Batches before the bad one stay.
        """
        headers: list[BatchHeader] = []
        markers: dict[int, EndMarker] = {}
        position, end, offset, error = 0, len(records), self.log_end_offset, None
        while position + MAGIC_AT < end:
            size = int.from_bytes(records[position + 8 : position + 12], "big", signed=True) + OVERHEAD_BYTES
            if position + size > end:
                break
            try:
                header = check_one(records, position)
                if header.base_offset < offset or header.last_offset_delta < 0:
                    raise OffsetOutOfRange(f"a batch at {header.base_offset} where {self} ends at {offset}")
                if header.producer_id >= 0 and header.is_control:
                    marker = recovery.read_marker(records[position : position + size], header)
                    if marker is not None:
                        markers[header.base_offset] = marker
            except KafkaError as found:
                error = found
                break
            headers.append(header)
            position += size
            offset = header.base_offset + header.last_offset_delta + 1
        if headers:
            self._write_run(records[:position], headers, markers)
            self._followed_bytes += position
            if self._followed_bytes >= FORGET_STEP_BYTES:
                self._forget()
        if error is not None:
            raise error
        return self.log_end_offset

    def _forget(self) -> None:
        """Nobody reads a follower's records unless it comes to lead: brokers of one machine would keep each record in its memory three times."""
        self._followed_bytes, file = 0, self._active.file
        begin = max(file.size - FORGET_SPAN_BYTES, 0)
        file.forget(begin, file.size - begin)

    def _write_run(self, batches: memoryview, headers: list[BatchHeader], markers: dict[int, EndMarker]) -> None:
        """One write if all fit into the active segment, else batch by batch, so that segments end where they should."""
        now_ms = self._clock.now_ms()
        if self._roll_reason(headers, len(batches), now_ms) is None:
            self._write_here(batches, headers, markers)
            return
        position = 0
        for header in headers:
            self._write(batches[position : position + header.size], (header,), markers, now_ms)
            position += header.size

    # ---- reading

    def read(self, offset: int, *, bytes_max: int, upper: int, at_least_one: bool = True) -> LogSlice:
        """Whole batches below `upper`, from the one that holds `offset`, at most `bytes_max` unless the first is longer.

        Raises OffsetOutOfRange before the log's start and behind its end.
        """
        end_offset = self.log_end_offset
        if not self.log_start_offset <= offset <= end_offset:
            raise OffsetOutOfRange(
                f"Received request for offset {offset} for partition {self.topic}-{self.partition}, "
                f"but we only have log segments in the range {self.log_start_offset} to {end_offset}."
            )
        return self._reader.read(offset, bytes_max=bytes_max, upper=upper, end_offset=end_offset, at_least_one=at_least_one)

    def read_records(self, offset: int, *, bytes_max: int, upper: int) -> bytes:
        """The same as bytes."""
        return self.read(offset, bytes_max=bytes_max, upper=upper).read()

    def offset_for_timestamp(self, timestamp: int) -> Found | None:
        """The first record at or after `timestamp`; whether it is committed is for the caller to ask."""
        return timestamp_search.first_at_or_after(self._segments, timestamp, self.log_start_offset)

    def offset_of_max_timestamp(self) -> Found | None:
        """The first record with the largest timestamp; None in an empty log."""
        return timestamp_search.youngest(self._segments, self.log_start_offset)


def _found_topic_id(disk: Disk, path: str, *, may_be_torn: bool) -> uuid.UUID | None:
    try:
        return checkpoints.read_partition_metadata(disk, path)
    except checkpoints.CheckpointError:
        if may_be_torn:
            return None
        raise
