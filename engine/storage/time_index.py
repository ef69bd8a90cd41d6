"""The sparse index from timestamp to offset: `.timeindex`, entries of int64 timestamp and int32 relative offset.

An entry (timestamp, offset) says that no record up to `offset` is younger than `timestamp`. Both only grow. Like the
offset index it is written in groups.
"""

import struct
from array import array
from bisect import bisect_right

from engine.world.disk import Disk

ENTRY_BYTES = 12
_ENTRY = struct.Struct(">qi")


class TimeIndex:
    """The index of one segment. Loaded from its file on the first question."""

    def __init__(self, *, disk: Disk, path: str, base_offset: int, bytes_max: int) -> None:
        self._disk = disk
        self.path = path
        self.base_offset = base_offset
        self.entries_max = bytes_max // ENTRY_BYTES
        self._timestamps = array("q")
        self._relative = array("I")
        self._written = 0
        self._loaded = False

    def load(self) -> None:
        """Reads the file, once."""
        if self._loaded:
            return
        self._loaded = True
        if not self._disk.exists(self.path):
            return
        raw = self._disk.read_whole(self.path)
        for timestamp, relative in _ENTRY.iter_unpack(raw[: len(raw) // ENTRY_BYTES * ENTRY_BYTES]):
            self._timestamps.append(timestamp)
            self._relative.append(relative)
        self._written = len(self._timestamps)

    @property
    def entries(self) -> int:
        self.load()
        return len(self._timestamps)

    @property
    def is_full(self) -> bool:
        # One place is kept for the entry that closing the segment adds.
        return len(self._timestamps) >= self.entries_max - 1

    @property
    def last(self) -> tuple[int, int]:
        """The youngest (timestamp, offset); (-1, base offset) when empty."""
        self.load()
        if not self._timestamps:
            return -1, self.base_offset
        return self._timestamps[-1], self.base_offset + self._relative[-1]

    def maybe_append(self, timestamp: int, offset: int) -> None:
        """Adds the entry if it is younger than the last one."""
        if timestamp > (self._timestamps[-1] if self._timestamps else -1):
            self._timestamps.append(timestamp)
            self._relative.append(offset - self.base_offset)

    def offset_for(self, timestamp: int) -> int:
        """An offset before whose batch every record is older than `timestamp`."""
        self.load()
        number = bisect_right(self._timestamps, timestamp)
        return self.base_offset + (self._relative[number - 1] if number else 0)

    def truncate(self, offset: int) -> None:
        """Forgets entries whose offset is `offset` or behind it."""
        self.load()
        keep = len(self._relative)
        while keep and self.base_offset + self._relative[keep - 1] >= offset:
            keep -= 1
        del self._timestamps[keep:], self._relative[keep:]
        if self._written > keep or (keep == 0 and self._disk.exists(self.path)):
            self._written = keep
            file = self._disk.open(self.path)
            file.truncate(keep * ENTRY_BYTES)
            file.close()

    def clear(self) -> None:
        """Begins anew. A file that is not there comes with the first records: creating topics is mostly creating files."""
        self._loaded = True
        self.truncate(self.base_offset)

    def flush(self, *, durable: bool = False) -> None:
        """Writes the entries that are not in the file yet; makes the file if there is none."""
        if not self._loaded and not durable and self._disk.exists(self.path):
            return
        self.load()
        new = zip(self._timestamps[self._written :], self._relative[self._written :], strict=True)
        file = self._disk.open(self.path)
        file.write_at(self._written * ENTRY_BYTES, b"".join(_ENTRY.pack(*entry) for entry in new))
        if durable:
            file.sync()
        file.close()
        self._written = len(self._timestamps)

    def is_sane(self) -> bool:
        """Is the file there, with whole entries?"""
        return self._disk.exists(self.path) and self._disk.size(self.path) % ENTRY_BYTES == 0

    def __repr__(self) -> str:
        return f"<TimeIndex base={self.base_offset} entries={len(self._timestamps)}>"
