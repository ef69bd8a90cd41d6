"""The sparse index from offset to file position: `.index`, entries of int32 relative offset and int32 position.

An entry (offset, position) says that the batch at `position` ends with `offset`.
"""

import struct
import sys
from array import array
from bisect import bisect_left, bisect_right

from engine.storage.sparse_index import SparseIndex

RELATIVE_OFFSET_MAX = 0x7FFF_FFFF
_ENTRY = struct.Struct(">ii")


class OffsetIndex(SparseIndex):
    """Keys are relative offsets, values positions."""

    ENTRY_BYTES = 8

    def unpack(self, raw: bytes) -> tuple[array, array]:
        both = array("I", raw)
        if sys.byteorder == "little":
            both.byteswap()
        return both[::2], both[1::2]

    def pack(self, keys: array, values: array) -> bytes:
        both = array("I", bytes(self.ENTRY_BYTES * len(keys)))
        both[::2], both[1::2] = keys, values
        if sys.byteorder == "little":
            both.byteswap()
        return both.tobytes()

    @property
    def is_full(self) -> bool:
        return len(self._keys) >= self.entries_max

    def append(self, offset: int, position: int) -> None:
        """Both grow. The caller rolls the segment when the index is full."""
        self._keys.append(offset - self.base_offset)
        self._values.append(position)

    def position_for(self, offset: int) -> int:
        """A position at or before the batch with `offset`: of the last entry whose batch ends at or before it; 0 if none."""
        self.load()
        number = bisect_right(self._keys, min(max(offset - self.base_offset, 0), RELATIVE_OFFSET_MAX))
        return self._values[number - 1] if number else 0

    def last_position_within(self, after: int, until: int) -> int:
        """The last indexed batch position p with after < p <= until; -1 if there is none. Cuts a read between batches."""
        self.load()
        number = bisect_right(self._values, until)
        return self._values[number - 1] if number and self._values[number - 1] > after else -1

    def truncate(self, position: int) -> None:
        """Forgets entries of batches at or behind `position` of the log."""
        self.load()
        self.keep(bisect_left(self._values, position))

    def is_sane(self, log_size: int) -> bool:
        """Could this be the index of a log of that size? Asked of all segments at the start, so it reads one entry only."""
        if not self._disk.exists(self.path):
            return False
        size = self._disk.size(self.path)
        if size % self.ENTRY_BYTES or not size:
            return not size
        file = self._disk.open(self.path)
        relative, position = _ENTRY.unpack(file.read(size - self.ENTRY_BYTES, self.ENTRY_BYTES))
        file.close()
        return relative > 0 and position < log_size
