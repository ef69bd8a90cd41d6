"""The sparse index from offset to file position: `.index`, entries of int32 relative offset and int32 position.

An entry (offset, position) says that the batch at `position` ends with `offset`. Entries wait in memory and are written
in groups: after a kill the index is rebuilt from the log anyway, and two writes per append would cost more than the append.
"""

import struct
import sys
from array import array
from bisect import bisect_left, bisect_right

from engine.world.disk import Disk

ENTRY_BYTES = 8
RELATIVE_OFFSET_MAX = 0x7FFF_FFFF
_ENTRY = struct.Struct(">ii")


class OffsetIndex:
    """The index of one segment. Loaded from its file on the first question."""

    def __init__(self, *, disk: Disk, path: str, base_offset: int, bytes_max: int) -> None:
        self._disk = disk
        self.path = path
        self.base_offset = base_offset
        self.entries_max = bytes_max // ENTRY_BYTES
        self._relative = array("I")
        self._positions = array("I")
        self._written = 0  # entries that are in the file
        self._loaded = False

    def load(self) -> None:
        """Reads the file, once."""
        if self._loaded:
            return
        self._loaded = True
        if not self._disk.exists(self.path):
            return
        raw = self._disk.read_whole(self.path)
        both = array("I", raw[: len(raw) // ENTRY_BYTES * ENTRY_BYTES])
        if sys.byteorder == "little":
            both.byteswap()
        self._relative, self._positions = both[::2], both[1::2]
        self._written = len(self._relative)

    @property
    def entries(self) -> int:
        self.load()
        return len(self._relative)

    @property
    def is_full(self) -> bool:
        return len(self._relative) >= self.entries_max

    def append(self, offset: int, position: int) -> None:
        """Both grow. The caller rolls the segment when the index is full."""
        self._relative.append(offset - self.base_offset)
        self._positions.append(position)

    def position_for(self, offset: int) -> int:
        """A position at or before the batch with `offset`: of the last entry whose batch ends at or before it; 0 if none."""
        self.load()
        number = bisect_right(self._relative, min(max(offset - self.base_offset, 0), RELATIVE_OFFSET_MAX))
        return self._positions[number - 1] if number else 0

    def last_position_within(self, after: int, until: int) -> int:
        """The last indexed batch position p with after < p <= until; -1 if there is none. Cuts a read between batches."""
        self.load()
        number = bisect_right(self._positions, until)
        return self._positions[number - 1] if number and self._positions[number - 1] > after else -1

    def truncate(self, position: int) -> None:
        """Forgets entries of batches at or behind `position` of the log."""
        self.load()
        keep = bisect_left(self._positions, position)
        del self._relative[keep:], self._positions[keep:]
        if self._written > keep or (keep == 0 and self._disk.exists(self.path)):
            self._written = keep
            file = self._disk.open(self.path)
            file.truncate(keep * ENTRY_BYTES)
            file.close()

    def clear(self) -> None:
        """Begins anew. A file that is not there comes with the first records: creating topics is mostly creating files."""
        self._loaded = True
        self.truncate(0)

    def flush(self, *, durable: bool = False) -> None:
        """Writes the entries that are not in the file yet; makes the file if there is none."""
        if not self._loaded and not durable and self._disk.exists(self.path):
            return
        self.load()
        both = array("I", bytes(ENTRY_BYTES * (len(self._relative) - self._written)))
        both[::2], both[1::2] = self._relative[self._written :], self._positions[self._written :]
        if sys.byteorder == "little":
            both.byteswap()
        file = self._disk.open(self.path)
        file.write_at(self._written * ENTRY_BYTES, both.tobytes())
        if durable:
            file.sync()
        file.close()
        self._written = len(self._relative)

    def is_sane(self, log_size: int) -> bool:
        """Could this be the index of a log of that size? Asked of all segments at the start, so it reads one entry only."""
        if not self._disk.exists(self.path):
            return False
        size = self._disk.size(self.path)
        if size % ENTRY_BYTES or not size:
            return not size
        file = self._disk.open(self.path)
        relative, position = _ENTRY.unpack(file.read(size - ENTRY_BYTES, ENTRY_BYTES))
        file.close()
        return relative > 0 and position < log_size

    def __repr__(self) -> str:
        return f"<OffsetIndex base={self.base_offset} entries={len(self._relative)}>"
