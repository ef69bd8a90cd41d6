"""What a log does with its files: rolls, cuts, syncs and closes segments, and keeps what it remembers about them in step.

Rule: a public method leaves segments, epochs, producer window and offsets agreeing with each other, on disk too.
"""

import uuid
from collections.abc import Callable, Sequence

from engine.events.facts import LogTruncated, RecordsDeleted, SegmentRolled
from engine.events.journal import Journal
from engine.protocol.errors import OffsetOutOfRange
from engine.protocol.record_batch import BatchHeader
from engine.storage import checkpoints, recovery
from engine.storage.reading import Reader
from engine.storage.segment import Segment, SegmentInfo, file_name
from engine.storage.tail import Tail
from engine.world.clock import Clock, Timer

# By then the kernel has written a closed segment's pages itself (it does so after 30 s), so that the sync does not stall
# the node. Until then the recovery point stays behind it, and the replicas are what protects the records, as in Kafka.
SYNC_AFTER_ROLL_MS = 60_000
FOLDER_NAME_MAX = 255


class Moves:
    """Logs of which something that is shown has changed since they were taken; `on_first` hears of the first one."""

    def __init__(self) -> None:
        self.on_first: Callable[[], None] = lambda: None
        self._logs: dict[SegmentedLog, None] = {}

    def note(self, log: "SegmentedLog") -> None:
        """Something of it has changed, or it came or went."""
        if not self._logs:
            self.on_first()
        self._logs[log] = None

    def take(self) -> "list[SegmentedLog]":
        """In the order in which they moved; forgets them."""
        taken = list(self._logs)
        self._logs.clear()
        return taken


class SegmentedLog:
    """Kafka's folder `topic-partition` with its segments; `log_end_offset` is the next offset to be given.

    `moves`: here it notes that its offsets, epochs or segments are not what they were; whoever watches many logs gives all of them one.
    """

    def __init__(
        self, *, opening: recovery.Opening, loaded: recovery.Loaded, topic: str, partition: int, clock: Clock, journal: Journal
    ) -> None:
        self.topic = topic
        self.partition = partition
        self.folder = opening.folder
        self.config = opening.config
        self.topic_id: uuid.UUID | None = None
        self.moves = Moves()
        self.log_start_offset = loaded.log_start_offset
        self.log_end_offset = loaded.log_end_offset
        self.high_watermark = loaded.log_start_offset
        self.recovery_point = min(opening.recovery_point, loaded.log_end_offset)
        self.window = loaded.window
        self.epochs = loaded.epochs
        self._disk = opening.disk
        self._clock = clock
        self._journal = journal
        self._segments = loaded.segments
        self._active = loaded.segments[-1]
        self._unsynced = [one for one in loaded.segments[:-1] if one.next_offset > self.recovery_point]
        self._sync_timer: Timer | None = None
        self._tail = Tail()
        self._reader = Reader(self._segments, self._tail)

    @property
    def size(self) -> int:
        """Bytes of all segments."""
        return sum(segment.size for segment in self._segments)

    @property
    def latest_epoch(self) -> int | None:
        return self.epochs.latest

    @property
    def last_stable_offset(self) -> int:
        """Up to here all transactions are settled, and committed."""
        unstable = self.window.first_unstable_offset
        return self.high_watermark if unstable is None else min(self.high_watermark, unstable)

    def segments(self) -> list[SegmentInfo]:
        """Oldest first."""
        return [segment.info() for segment in self._segments]

    def advance_high_watermark(self, offset: int) -> bool:
        """Replication's word on what is committed; never backwards, never beyond the end. True when it moved."""
        offset = min(offset, self.log_end_offset)
        if offset <= self.high_watermark:
            return False
        self.high_watermark = offset
        self.window.on_high_watermark(offset)
        self.moves.note(self)
        return True

    # ---- leader epochs

    def start_epoch(self, epoch: int, start_offset: int | None = None) -> None:
        """A leader's epoch begins at the log's end (or where its first batch stands); written to the epoch file."""
        if self.epochs.assign(epoch, self.log_end_offset if start_offset is None else start_offset):
            self._write_epochs()

    def epoch_end(self, epoch: int) -> tuple[int, int]:
        """(largest known epoch at or below `epoch`, its end offset); (-1, -1) when `epoch` is younger than all we know."""
        return self.epochs.end_offset_for(epoch, self.log_end_offset)

    def _write_epochs(self) -> None:
        self.moves.note(self)
        checkpoints.write_epochs(self._disk, self._disk.join(self.folder, checkpoints.LEADER_EPOCHS), self.epochs.entries)

    # ---- rolling

    def _roll_reason(self, headers: Sequence[BatchHeader], size: int, now_ms: int) -> str | None:
        """Why these batches need a new segment: size, time, a full index or offsets that do not fit, as LogSegment.shouldRoll."""
        active, config = self._active, self.config
        filled = active.size
        if filled > config.segment_bytes - size:
            return "size"
        if filled:
            # Records' own time decides; the clock only where they have none.
            first_timestamp = active.first_timestamp
            waited_ms = _latest(headers) - first_timestamp if first_timestamp >= 0 else now_ms - active.created_ms
            if waited_ms > config.segment_ms - config.segment_jitter_ms:
                return "time"
        if active.offset_index.is_full or active.time_index.is_full or not active.can_hold(headers[-1].last_offset):
            return "index"
        return None

    def roll(self, *, reason: str = "size", base_offset: int = -1) -> None:
        """Closes the active segment and begins the next, at the log's end or at `base_offset` behind it."""
        base_offset = max(base_offset, self.log_end_offset)
        old = self._active
        if old.base_offset == base_offset:
            return
        old.become_inactive()
        self.window.end_offset = self.log_end_offset
        recovery.write_snapshot(self._disk, self.folder, self.window)
        self._begin_segment(base_offset)
        if old.size:
            self._unsynced.append(old)
        else:
            self._segments.remove(old)
            old.remove()
        if self._sync_timer is None:
            self._sync_timer = self._clock.call_later(SYNC_AFTER_ROLL_MS, self._sync_when_due)
        fact = SegmentRolled(topic=self.topic, partition=self.partition, base_offset=base_offset, reason=reason)
        self._journal.emit(fact)

    def _begin_segment(self, base_offset: int) -> None:
        self.moves.note(self)
        segment = Segment(
            disk=self._disk, folder=self.folder, base_offset=base_offset, config=self.config, now_ms=self._clock.now_ms()
        )
        segment.begin_anew()
        self._segments.append(segment)
        self._active = segment
        self._tail.clear()

    # ---- cutting

    def truncate_to(self, offset: int) -> None:
        """Drops `offset` and all behind it; when it lies inside a batch, that whole batch."""
        if offset >= self.log_end_offset:
            # A leader that was deposed before its first record left an epoch that begins at its log's end: no other has it.
            self._cut_epochs()
            return
        if offset < self._segments[0].base_offset:
            self.truncate_fully_and_start_at(offset)
            return
        was_end = self.log_end_offset
        while len(self._segments) > 1 and self._segments[-1].base_offset > offset:
            self._drop(self._segments.pop())
        self._active = self._segments[-1]
        if self._active in self._unsynced:
            self._unsynced.remove(self._active)
        self.log_end_offset = self._active.truncate_to(offset)
        self._after_cut(was_end)
        self._leave_cut_file()

    def _leave_cut_file(self) -> None:
        """A power cut may undo a cut that was not synced. What comes next goes into another file, whose name says where the cut was."""
        cut = self._active
        self.recovery_point = min(self.recovery_point, cut.base_offset)
        if cut.size:
            self.roll(reason="cut")
        else:
            self._segments.remove(cut)
            cut.remove()
            self._begin_segment(self.log_end_offset)

    def _after_cut(self, was_end: int) -> None:
        self.moves.note(self)
        self._tail.clear()
        self._reader.forget()
        self.high_watermark = min(self.high_watermark, self.log_end_offset)
        self.recovery_point = min(self.recovery_point, self.log_end_offset)
        self.log_start_offset = min(self.log_start_offset, self.log_end_offset)
        self._cut_epochs()
        ends = self.log_start_offset, self.log_end_offset
        recovery.at_once(recovery.rebuild_window(self._disk, self.folder, self._segments, self.window, *ends))
        fact = LogTruncated(
            topic=self.topic,
            partition=self.partition,
            to_offset=self.log_end_offset,
            was_log_end_offset=was_end,
            leader_epoch=-1 if self.epochs.latest is None else self.epochs.latest,
        )
        self._journal.emit(fact)

    def _cut_epochs(self) -> None:
        if self.epochs.truncate_from_end(self.log_end_offset):
            self._write_epochs()

    def truncate_fully_and_start_at(self, offset: int) -> None:
        """Forgets everything; the log is empty and goes on at `offset`."""
        was_end = self.log_end_offset
        while self._segments:
            self._drop(self._segments.pop())
        for snapshot in recovery.snapshot_offsets(self._disk, self.folder):
            self._disk.remove(self._disk.join(self.folder, file_name(snapshot, ".snapshot")))
        self._begin_segment(offset)
        self._active.flush_indexes()
        self.log_start_offset = self.log_end_offset = self.high_watermark = self.recovery_point = offset
        self.epochs.clear()
        self._write_epochs()
        self._after_cut(was_end)

    def delete_records_before(self, offset: int) -> None:
        """Moves the log's start, and removes segments that lie before it. Raises OffsetOutOfRange above the high watermark."""
        if offset > self.high_watermark:
            raise OffsetOutOfRange(
                f"Cannot increment the log start offset to {offset} of partition {self.topic}-{self.partition} "
                f"since it is larger than the high watermark {self.high_watermark}"
            )
        self.advance_log_start_offset(offset)

    def advance_log_start_offset(self, offset: int) -> None:
        """As the leader says, to a follower; below the start it is no news. The owner checkpoints it."""
        if offset <= self.log_start_offset:
            return
        self.log_start_offset = min(offset, self.log_end_offset)
        self.moves.note(self)
        while len(self._segments) > 1 and self._segments[1].base_offset <= self.log_start_offset:
            self._drop(self._segments.pop(0))
        for snapshot in recovery.snapshot_offsets(self._disk, self.folder):
            if snapshot < self._segments[0].base_offset:
                self._disk.remove(self._disk.join(self.folder, file_name(snapshot, ".snapshot")))
        self._reader.forget()
        if self.epochs.truncate_from_start(self.log_start_offset):
            self._write_epochs()
        self._journal.emit(RecordsDeleted(topic=self.topic, partition=self.partition, log_start_offset=self.log_start_offset))

    def _drop(self, segment: Segment) -> None:
        if segment in self._unsynced:
            self._unsynced.remove(segment)
        segment.remove()

    # ---- syncing and closing

    def sync(self) -> None:
        """Everything appended so far survives a power cut; the recovery point says so. Raises OSError."""
        self._sync_closed()
        self._active.file.sync()
        self.recovery_point = self.log_end_offset

    def _sync_closed(self) -> None:
        while self._unsynced:
            self._unsynced[0].sync()
            del self._unsynced[0]
        self.recovery_point = max(self.recovery_point, self._active.base_offset)

    def _sync_when_due(self) -> None:
        self._sync_timer = None
        self._sync_closed()

    def expire_producers(self, now_ms: int) -> list[int]:
        """Forgets producers idle for producer.id.expiration.ms; asked for every producer.id.expiration.check.interval.ms."""
        return self.window.expire(now_ms, self.config.producer_id_expiration_ms)

    def close(self) -> None:
        """A clean end: indexes and producers are written, all is synced. What a clean start trusts."""
        self._stop_timer()
        self._active.become_inactive()
        self.window.end_offset = self.log_end_offset
        if self.log_end_offset not in recovery.snapshot_offsets(self._disk, self.folder):
            recovery.write_snapshot(self._disk, self.folder, self.window)
        if self._unsynced or self.recovery_point != self.log_end_offset:
            self._sync_closed()
            self._active.sync()
            self.recovery_point = self.log_end_offset
        for segment in self._segments:
            segment.close()

    def crash(self) -> None:
        """What a killed process leaves; for the simulated side, where the process lives on."""
        self._stop_timer()
        for segment in self._segments:
            segment.close()

    def delete(self) -> str:
        """The topic is gone: the folder is renamed as Kafka does, so that a kill leaves nothing half. The path to be removed."""
        self._stop_timer()
        for segment in self._segments:
            segment.close()
        unique = (self.topic_id or uuid.UUID(int=0)).hex  # Kafka draws one; the topic's own is as good and needs no dice
        suffix = f"-{self.partition}.{unique}-delete"
        parent, _, _ = self.folder.rpartition("/")
        doomed = self._disk.join(parent, self.topic[: FOLDER_NAME_MAX - len(suffix)] + suffix)
        if self._disk.exists(doomed):
            self._disk.remove(doomed)  # the replica was here before, and has not gone yet
        self._disk.rename(self.folder, doomed)
        return doomed

    def _stop_timer(self) -> None:
        if self._sync_timer is not None:
            self._sync_timer.cancel()
            self._sync_timer = None

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.topic}-{self.partition} start={self.log_start_offset} "
            f"hw={self.high_watermark} end={self.log_end_offset} epoch={self.epochs.latest} segments={len(self._segments)}>"
        )


def _latest(headers: Sequence[BatchHeader]) -> int:
    return headers[0].max_timestamp if len(headers) == 1 else max(header.max_timestamp for header in headers)
