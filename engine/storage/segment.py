"""One segment of a log: the `.log` file and its two sparse indexes, under the name of its first offset.

Rule: bytes go in as they come; a segment knows headers, never records.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from engine.protocol.errors import KafkaError
from engine.protocol.record_batch import HEADER_BYTES, OVERHEAD_BYTES, BatchHeader, check_one, read_header
from engine.storage.log_config import LogConfig
from engine.storage.offset_index import RELATIVE_OFFSET_MAX, OffsetIndex
from engine.storage.time_index import TimeIndex
from engine.world.disk import Disk, File

SCAN_BYTES = 8 * 1024  # an index interval and a batch's header: one read finds a batch
WALK_BYTES = 1024 * 1024  # recovery reads the log in pieces of this size
ENTRIES_UNWRITTEN_MAX = 256  # index entries that wait for one write: 1 MiB of log at the default interval


def file_name(offset: int, suffix: str) -> str:
    """Twenty digits and a suffix with its dot."""
    return f"{offset:020d}{suffix}"


class SegmentInfo(NamedTuple):
    base_offset: int
    size: int
    last_modified_ms: int


class Located(NamedTuple):
    """A batch and where it stands in the segment."""

    position: int
    header: BatchHeader


class Segment:
    """Batches from `base_offset` on. `next_offset` is the offset after its last record."""

    def __init__(self, *, disk: Disk, folder: str, base_offset: int, config: LogConfig, now_ms: int) -> None:
        self._disk = disk
        self.folder = folder
        self.base_offset = base_offset
        self.created_ms = now_ms
        self.next_offset = base_offset
        self.index_interval_bytes = config.index_interval_bytes
        bytes_max = config.segment_index_bytes
        self.path = disk.join(folder, file_name(base_offset, ".log"))
        self.offset_index = OffsetIndex(
            disk=disk, path=disk.join(folder, file_name(base_offset, ".index")), base_offset=base_offset, bytes_max=bytes_max
        )
        self.time_index = TimeIndex(
            disk=disk, path=disk.join(folder, file_name(base_offset, ".timeindex")), base_offset=base_offset, bytes_max=bytes_max
        )
        self._file: File | None = None
        self._size: int | None = None
        self._since_index = 0
        self._unwritten = 0
        self._largest: tuple[int, int] | None = None  # the largest timestamp, and the last offset of its batch
        self._first_timestamp: int | None = None

    @property
    def file(self) -> File:
        """Opened on first use: a log of many old segments holds few files."""
        if self._file is None:
            self._file = self._disk.open(self.path)
        return self._file

    @property
    def size(self) -> int:
        if self._file is not None:
            return self._file.size
        if self._size is None:
            self._size = self._disk.size(self.path) if self._disk.exists(self.path) else 0
        return self._size

    @property
    def largest_timestamp(self) -> tuple[int, int]:
        """(timestamp, last offset of the first batch that has it); (-1, base offset) when nothing has a timestamp."""
        if self._largest is None:
            self._largest = self.time_index.last
        return self._largest

    @property
    def first_timestamp(self) -> int:
        """Max timestamp of the first batch: rolling by time counts from it. -1 when empty or without one."""
        if self._first_timestamp is None:
            if not self.size:
                return -1
            self._first_timestamp = read_header(self.file.read(0, HEADER_BYTES)).max_timestamp
        return self._first_timestamp

    def append(self, data: memoryview | bytes | bytearray, headers: Sequence[BatchHeader]) -> int:
        """Writes whole batches, `headers` are theirs, in one write; returns the position of the first."""
        if not self.size:
            self.flush_indexes()  # makes the files: an empty log does without, but Kafka's tools expect them beside records
        begin = position = self.file.append(data)
        largest = self.largest_timestamp[0]
        for header in headers:
            size = header.length + OVERHEAD_BYTES
            last_offset = header.base_offset + header.last_offset_delta
            if header.max_timestamp > largest:
                largest = header.max_timestamp
                self._largest = (largest, last_offset)
            if self._since_index > self.index_interval_bytes:
                self._add_index_entry(last_offset, position)
            self._since_index += size
            position += size
        self.next_offset = last_offset + 1
        return begin

    def _add_index_entry(self, last_offset: int, position: int) -> None:
        self.offset_index.append(last_offset, position)
        self.time_index.maybe_append(*self.largest_timestamp)
        self._since_index = 0
        self._unwritten += 1
        if self._unwritten >= ENTRIES_UNWRITTEN_MAX:
            self._unwritten = 0
            try:
                self.flush_indexes()
            except OSError:
                pass  # The batch is in the log already; the entries stay in memory and go with the next group.

    def can_hold(self, last_offset: int) -> bool:
        """Indexes and batches store offsets relative to the segment, in 31 bits."""
        return last_offset - self.base_offset <= RELATIVE_OFFSET_MAX

    def locate(self, offset: int) -> Located | None:
        """The first batch whose last offset is `offset` or behind it; None at the end."""
        position = self.offset_index.position_for(offset)
        for found in self.headers(position):
            if found.header.last_offset >= offset:
                return found
        return None

    def headers(self, position: int = 0) -> Iterator[Located]:
        """Batches from `position` on by their headers. Stops at the end, or where nothing sensible follows."""
        chunk, start, size = b"", position, self.size
        while position + HEADER_BYTES <= size:
            if not start <= position <= start + len(chunk) - HEADER_BYTES:
                chunk, start = self.file.read(position, SCAN_BYTES), position
            header = read_header(chunk, position - start)
            if header.length < HEADER_BYTES - OVERHEAD_BYTES or position + header.size > size:
                return
            yield Located(position, header)
            position += header.size

    def boundary_before(self, after: int, until: int) -> int:
        """A batch position p with after < p <= until, as late as the index knows; else by walking; `after` if there is none."""
        indexed = self.offset_index.last_position_within(after, until)
        if indexed >= 0:
            return indexed
        boundary = after
        for found in self.headers(after):
            if found.position + found.header.size > until:
                break
            boundary = found.position + found.header.size
        return boundary

    def checked_batches(self, position: int = 0) -> Iterator[Located]:
        """(where, bytes) of every good batch from `position` on; stops at the first torn, corrupt or backward one."""
        chunk, start, offset = memoryview(b""), position, self.base_offset
        while position < self.size:
            have = start + len(chunk) - position
            size = read_header(chunk, position - start).size if have >= HEADER_BYTES else HEADER_BYTES
            if size < HEADER_BYTES or position + size > self.size:
                return
            if have < size:
                chunk, start = memoryview(self.file.read(position, max(size, WALK_BYTES))), position
                if len(chunk) < size:
                    return
                continue
            try:
                view = chunk[position - start : position - start + size]
                header = check_one(view)
            except KafkaError:
                return
            if header.base_offset < offset or header.last_offset_delta < 0 or not self.can_hold(header.last_offset):
                return
            yield Located(position, header)
            position, offset = position + size, header.next_offset

    def rebuild(self, until: int | None) -> Iterator[BatchHeader]:
        """Walks all batches, cuts from the first on that is not good or at `until`, and makes the indexes anew.

        Yields each batch's header before it is counted.
        """
        self.offset_index.clear()
        self.time_index.clear()
        self._largest, self._since_index, self._first_timestamp = (-1, self.base_offset), 0, None
        end, self.next_offset = 0, self.base_offset
        for found in self.checked_batches():
            header = found.header
            if until is not None and header.base_offset >= until:
                break
            yield header
            if header.max_timestamp > self._largest[0]:
                self._largest = (header.max_timestamp, header.last_offset)
            if self._since_index > self.index_interval_bytes:
                self._add_index_entry(header.last_offset, found.position)
            self._since_index += header.size
            end, self.next_offset = found.position + header.size, header.next_offset
        if end < self.size:
            self.file.truncate(end)
        self.time_index.maybe_append(*self._largest)
        self.flush_indexes()

    def load_end(self) -> None:
        """After a clean stop: finds the last batch by the index and a short walk."""
        self.next_offset = self.base_offset
        position = self.offset_index.last_position_within(-1, self.size)
        for found in self.headers(max(position, 0)):
            self.next_offset = found.header.next_offset
            self._since_index = found.position + found.header.size - max(position, 0)

    def indexes_are_sane(self) -> bool:
        return self.offset_index.is_sane(self.size) and self.time_index.is_sane()

    def truncate_to(self, offset: int) -> int:
        """Cuts at the batch that holds `offset`; returns the new end offset, `offset` or that batch's first one."""
        found = self.locate(offset)
        if found is None:
            return self.next_offset
        self.file.truncate(found.position)
        self.offset_index.truncate(found.position)
        self.time_index.truncate(offset)
        self._largest = self._first_timestamp = None
        self._since_index = 0
        self.next_offset = min(offset, found.header.base_offset)
        indexed = self.time_index.last[0]
        for batch in self.headers(self.offset_index.position_for(self.time_index.last[1])):
            if batch.header.max_timestamp > indexed:
                indexed = batch.header.max_timestamp
                self._largest = (indexed, batch.header.last_offset)
        return self.next_offset

    def begin_anew(self) -> None:
        """Empty files, whatever a life before left under this name. An empty log holds no file open."""
        self.file.truncate(0)
        self.close()
        self.offset_index.clear()
        self.time_index.clear()

    def flush_indexes(self, *, durable: bool = False) -> None:
        """Brings the index files up to date."""
        self.offset_index.flush(durable=durable)
        self.time_index.flush(durable=durable)
        self._unwritten = 0

    def become_inactive(self) -> None:
        """Nothing is appended any more: the time index gets its last word."""
        if self.size:
            self.time_index.maybe_append(*self.largest_timestamp)
        self.flush_indexes()

    def sync(self) -> None:
        """Log first, then indexes: an index never knows more than its log."""
        self.file.sync()
        self.flush_indexes(durable=True)

    def close(self) -> None:
        if self._file is not None:
            self._size = self._file.size
            self._file.close()
            self._file = None

    def remove(self) -> None:
        """Deletes the files; slices on their way keep what they need."""
        self.close()
        for path in (self.path, self.offset_index.path, self.time_index.path):
            self._disk.remove(path)

    def info(self) -> SegmentInfo:
        """Last modified as retention counts: by the largest timestamp, else by the file."""
        timestamp = self.largest_timestamp[0]
        if timestamp < 0:
            timestamp = self._disk.modified_ms(self.path) if self._disk.exists(self.path) else self.created_ms
        return SegmentInfo(self.base_offset, self.size, timestamp)

    def __repr__(self) -> str:
        return f"<Segment {self.folder}/{self.base_offset} next={self.next_offset} size={self.size}>"
