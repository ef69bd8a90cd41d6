"""The sparse index from timestamp to offset: `.timeindex`, entries of int64 timestamp and int32 relative offset.

An entry (timestamp, offset) says that no record up to `offset` is younger than `timestamp`.
"""

import struct
from array import array
from bisect import bisect_right

from engine.storage.sparse_index import SparseIndex

_ENTRY = struct.Struct(">qi")


class TimeIndex(SparseIndex):
    """Keys are timestamps, values relative offsets."""

    ENTRY_BYTES = 12

    def unpack(self, raw: bytes) -> tuple[array, array]:
        timestamps, relative = array("q"), array("I")
        for timestamp, offset in _ENTRY.iter_unpack(raw):
            timestamps.append(timestamp)
            relative.append(offset)
        return timestamps, relative

    def pack(self, keys: array, values: array) -> bytes:
        return b"".join(_ENTRY.pack(*entry) for entry in zip(keys, values, strict=True))

    @property
    def is_full(self) -> bool:
        # One place is kept for the entry that closing the segment adds.
        return len(self._keys) >= self.entries_max - 1

    @property
    def last(self) -> tuple[int, int]:
        """The youngest (timestamp, offset); (-1, base offset) when empty."""
        self.load()
        if not self._keys:
            return -1, self.base_offset
        return self._keys[-1], self.base_offset + self._values[-1]

    def maybe_append(self, timestamp: int, offset: int) -> None:
        """Adds the entry if it is younger than the last one."""
        if timestamp > (self._keys[-1] if self._keys else -1):
            self._keys.append(timestamp)
            self._values.append(offset - self.base_offset)

    def offset_for(self, timestamp: int) -> int:
        """An offset before whose batch every record is older than `timestamp`."""
        self.load()
        number = bisect_right(self._keys, timestamp)
        return self.base_offset + (self._values[number - 1] if number else 0)

    def truncate(self, offset: int) -> None:
        """Forgets entries whose offset is `offset` or behind it."""
        self.load()
        keep = len(self._values)
        while keep and self.base_offset + self._values[keep - 1] >= offset:
            keep -= 1
        self.keep(keep)

    def is_sane(self) -> bool:
        """Is the file there, with whole entries?"""
        return self._disk.exists(self.path) and self._disk.size(self.path) % self.ENTRY_BYTES == 0
