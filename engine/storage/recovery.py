"""Opening a log's folder: what a clean stop left is trusted, what a kill left is walked, cut and rebuilt.

If the process dies in here the next start does the same again: files are only cut behind the last good batch, and indexes,
epochs and producer snapshots can all be made anew from the batches. A walk takes steps, so that a node may answer others between them.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TypeVar

from engine.protocol.record_batch import BatchHeader, decode_records
from engine.storage import checkpoints, producer_snapshots
from engine.storage.epoch_history import EpochHistory
from engine.storage.log_config import LogConfig
from engine.storage.producer_window import EndMarker, ProducerWindow
from engine.storage.segment import Segment, file_name
from engine.world.disk import Disk

UNFINISHED = (".deleted", ".cleaned", ".swap", ".tmp")
TAIL_BYTES = 2 * 1024 * 1024  # five batches of any usual size: what a producer can have had on the way
COMMIT_MARKER = b"\x00\x01"  # the type in a control record's key: 0 abort, 1 commit
STEP_BATCHES = 500  # about 2 ms

T = TypeVar("T")
Steps = Generator[None, None, T]


@dataclass(slots=True)
class Loaded:
    """A log as it was found, made whole."""

    segments: list[Segment]
    log_start_offset: int
    log_end_offset: int
    epochs: EpochHistory = field(default_factory=EpochHistory)
    window: ProducerWindow = field(default_factory=ProducerWindow)
    cut_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is asked for: a folder, and how far it can be trusted."""

    disk: Disk
    folder: str
    config: LogConfig
    now_ms: int
    clean: bool
    recovery_point: int = 0
    log_start_offset: int = 0

    def segment(self, base_offset: int) -> Segment:
        return Segment(disk=self.disk, folder=self.folder, base_offset=base_offset, config=self.config, now_ms=self.now_ms)


def at_once(steps: Steps[T]) -> T:
    """All of them, and what they come to."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


def load(opening: Opening) -> Steps[Loaded]:
    """Loads or recovers the log; at least one segment is there afterwards."""
    opening.disk.make_folder(opening.folder)
    _sweep(opening)
    segments = [opening.segment(base) for base in _base_offsets(opening)]
    epochs, cut_bytes = _read_epochs(opening), 0
    if segments:
        trusted = epochs is not None and opening.clean
        epochs = epochs or EpochHistory()
        cut_bytes = yield from _make_whole(opening, segments, epochs, trusted=trusted)
    loaded = Loaded(segments, opening.log_start_offset, opening.log_start_offset, epochs or EpochHistory(), cut_bytes=cut_bytes)
    if segments and segments[-1].next_offset < opening.log_start_offset:
        # The log ends before it begins: all its records were deleted, or lost; it goes on where it should begin.
        for segment in segments:
            segment.remove()
        segments.clear()
    if not segments:
        segments.append(opening.segment(opening.log_start_offset))
        segments[-1].begin_anew()
    loaded.log_start_offset = max(opening.log_start_offset, segments[0].base_offset)
    loaded.log_end_offset = segments[-1].next_offset
    loaded.epochs.truncate_from_end(loaded.log_end_offset)
    loaded.epochs.truncate_from_start(loaded.log_start_offset)
    yield from rebuild_window(opening.disk, opening.folder, segments, loaded.window, loaded.log_start_offset, loaded.log_end_offset)
    return loaded


def _sweep(opening: Opening) -> None:
    """Removes what was being made or deleted when the process ended, and indexes without a log."""
    names = opening.disk.list(opening.folder)
    for name in names:
        orphan = name.endswith((".index", ".timeindex")) and name.rpartition(".")[0] + ".log" not in names
        if name.endswith(UNFINISHED) or orphan:
            opening.disk.remove(opening.disk.join(opening.folder, name))


def _base_offsets(opening: Opening) -> list[int]:
    names = opening.disk.list(opening.folder)
    return sorted(int(name[:-4]) for name in names if name.endswith(".log") and name[:-4].isdigit())


def _read_epochs(opening: Opening) -> EpochHistory | None:
    """None when the file cannot be trusted: the epochs are then read from the batches."""
    try:
        path = opening.disk.join(opening.folder, checkpoints.LEADER_EPOCHS)
        return EpochHistory(checkpoints.read_epochs(opening.disk, path))
    except checkpoints.CheckpointError:
        return None


def _make_whole(opening: Opening, segments: list[Segment], epochs: EpochHistory, *, trusted: bool) -> Steps[int]:
    """Rebuilds what needs it; returns the bytes that were cut. Leaves `next_offset` of the last segment right."""
    recovery_point = opening.recovery_point if epochs.entries else 0  # no epochs: read them all from the batches
    first_untrusted = len(segments)
    if not trusted:
        first_untrusted = max((n for n, segment in enumerate(segments) if segment.base_offset <= recovery_point), default=0)
    cut_bytes = 0
    for number, segment in enumerate(segments):
        following = segments[number + 1].base_offset if number + 1 < len(segments) else None
        if number < first_untrusted and segment.indexes_are_sane():
            if following is None:
                segment.load_end()
            else:
                segment.next_offset = following
            continue
        size = segment.size
        if number >= first_untrusted:
            epochs.truncate_from_end(segment.base_offset)
        for walked, header in enumerate(segment.rebuild(following), 1):  # what reaches over it was cut, and a power cut has brought it back
            if number >= first_untrusted:  # else only an index was broken, and an epoch in the midst of others would drop those behind it
                epochs.assign(header.leader_epoch, header.base_offset)
            if walked % STEP_BATCHES == 0:
                yield
        cut_bytes += size - segment.size
        if following is not None and segment.next_offset != following:
            # Records behind a hole cannot be kept: their followers would not agree about the hole. After a power cut it may lie between
            # batches, since the system writes files back in any order. Compaction leaves holes too, but syncs what it has cleaned.
            for later in segments[number + 1 :]:
                cut_bytes += later.size
                later.remove()
            del segments[number + 1 :]
            return cut_bytes
    return cut_bytes


# ---- the producer window


def rebuild_window(disk: Disk, folder: str, segments: list[Segment], window: ProducerWindow, start: int, end: int) -> Steps[None]:
    """The window as of offset `end`: the newest snapshot that is not behind it, and the batches since then."""
    window.clear(start)
    for offset in sorted(snapshot_offsets(disk, folder), reverse=True):
        path = disk.join(folder, file_name(offset, ".snapshot"))
        if offset > end:
            disk.remove(path)
            continue
        try:
            window.load(producer_snapshots.decode(disk.read_whole(path)), offset)
            _recall(segments, window)
            break
        except producer_snapshots.CorruptSnapshot:
            disk.remove(path)
    for segment in segments:
        if segment.next_offset <= window.end_offset:
            continue
        for walked, found in enumerate(segment.headers(segment.offset_index.position_for(window.end_offset)), 1):
            if walked % STEP_BATCHES == 0:
                yield
            if found.header.base_offset < window.end_offset or found.header.producer_id < 0:
                continue
            marker = None
            if found.header.is_control:
                marker = read_marker(segment.file.read(found.position, found.header.size), found.header)
            replay(window, found.header, marker)
    window.end_offset = end


def _recall(segments: list[Segment], window: ProducerWindow) -> None:
    """A snapshot has only the last batch of each producer. Those on the way with it are in the log's tail: without them a retry of one
    would be out of order, and the producer would begin a new epoch with records that are there already. Kafka leaves it at that."""
    for segment, begin in _tail(segments, window.end_offset) if window.producers else ():
        for found in segment.headers(begin):
            if found.header.next_offset > window.end_offset:
                break
            if found.header.producer_id >= 0 and not found.header.is_control:
                window.recall(found.header)


def _tail(segments: list[Segment], end_offset: int) -> list[tuple[Segment, int]]:
    """(segment, position) from where on TAIL_BYTES before `end_offset` stand, oldest first."""
    found: list[tuple[Segment, int]] = []
    left = TAIL_BYTES
    for segment in reversed(segments):
        if left > 0 and segment.base_offset < end_offset:
            until = segment.size if segment.next_offset <= end_offset else segment.offset_index.position_for(end_offset)
            begin = max(segment.offset_index.last_position_within(-1, max(until - left, 0)), 0)
            found.append((segment, begin))
            left -= until - begin
    return found[::-1]


def replay(window: ProducerWindow, header: BatchHeader, marker: EndMarker | None) -> None:
    """A batch with a producer id stands in the log: data, or a transaction's end."""
    if marker is not None:
        window.replay_marker(header, marker)
    elif not header.is_control:
        window.replay(header)


def read_marker(batch: bytes | memoryview | bytearray, header: BatchHeader) -> EndMarker | None:
    """The transaction marker in a control batch; None for other control records."""
    records = decode_records(batch, 0, header)
    if not records or records[0].key is None or records[0].key[2:4] not in (b"\x00\x00", COMMIT_MARKER):
        return None
    value = records[0].value or b""
    return EndMarker(records[0].key[2:4] == COMMIT_MARKER, int.from_bytes(value[2:6], "big", signed=True))


def snapshot_offsets(disk: Disk, folder: str) -> list[int]:
    """At which offsets the producer window was written."""
    return [int(name[:-9]) for name in disk.list(folder) if name.endswith(".snapshot") and name[:-9].isdigit()]


def write_snapshot(disk: Disk, folder: str, window: ProducerWindow) -> None:
    """Not synced: a snapshot that a power cut takes is rebuilt from the log."""
    path = disk.join(folder, file_name(window.end_offset, ".snapshot"))
    file = disk.open(path)
    file.truncate(0)
    file.append(producer_snapshots.encode(window.producers[key] for key in sorted(window.producers)))
    file.close()
