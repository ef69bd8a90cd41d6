"""What both indexes of a segment share: entries of two columns that wait in memory and are written in groups.

After a kill an index is rebuilt from the log anyway, and two writes an append would cost more than the append.
"""

from array import array

from engine.world.disk import Disk


class SparseIndex:
    """An index file of one segment, loaded on the first question. Both columns only grow."""

    ENTRY_BYTES: int

    def __init__(self, *, disk: Disk, path: str, base_offset: int, bytes_max: int) -> None:
        self._disk = disk
        self.path = path
        self.base_offset = base_offset
        self.entries_max = bytes_max // self.ENTRY_BYTES
        self._keys, self._values = self.unpack(b"")
        self._written = 0  # entries that are in the file
        self._loaded = False

    def unpack(self, raw: bytes) -> tuple[array, array]:
        """The two columns of whole entries."""
        raise NotImplementedError

    def pack(self, keys: array, values: array) -> bytes:
        """Entries as they stand in the file."""
        raise NotImplementedError

    def load(self) -> None:
        """Reads the file, once."""
        if self._loaded:
            return
        self._loaded = True
        if not self._disk.exists(self.path):
            return
        raw = self._disk.read_whole(self.path)
        self._keys, self._values = self.unpack(raw[: len(raw) // self.ENTRY_BYTES * self.ENTRY_BYTES])
        self._written = len(self._keys)

    @property
    def entries(self) -> int:
        self.load()
        return len(self._keys)

    def keep(self, count: int) -> None:
        """Forgets all entries but the first `count`, in the file too."""
        del self._keys[count:], self._values[count:]
        if self._written > count or (count == 0 and self._disk.exists(self.path)):
            self._written = count
            file = self._disk.open(self.path)
            file.truncate(count * self.ENTRY_BYTES)
            file.close()

    def clear(self) -> None:
        """Begins anew. A file that is not there comes with the first records: creating topics is mostly creating files."""
        self._loaded = True
        self.keep(0)

    def flush(self, *, durable: bool = False) -> None:
        """Writes the entries that are not in the file yet; makes the file if there is none."""
        if not self._loaded and not durable and self._disk.exists(self.path):
            return
        self.load()
        file = self._disk.open(self.path)
        file.write_at(self._written * self.ENTRY_BYTES, self.pack(self._keys[self._written :], self._values[self._written :]))
        if durable:
            file.sync()
        file.close()
        self._written = len(self._keys)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} base={self.base_offset} entries={len(self._keys)}>"
