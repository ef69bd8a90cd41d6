"""The disk: files that are appended to, read at a place, cut and synced. All calls are synchronous and raise OSError."""

from typing import Protocol


class DiskGone(OSError):
    """The disk has failed, and the node that it belongs to was told so and has ended; whoever still runs ends with it."""


class File(Protocol):
    """An open file whose end we know."""

    path: str
    size: int

    def append(self, *parts: bytes | bytearray | memoryview) -> int:
        """Writes the parts at the end; returns where they begin. On an error nothing is there."""

    def write_at(self, position: int, data: bytes | bytearray | memoryview) -> None:
        """Overwrites; may make the file longer."""

    def read(self, position: int, length: int) -> bytes:
        """At most `length` bytes; fewer at the end of the file."""

    def slice(self, position: int, length: int) -> "FileSlice":
        """A range to be sent; the file stays open until it was sent or dropped."""

    def truncate(self, size: int) -> None:
        """Cuts the file."""

    def sync(self) -> None:
        """Returns when the bytes would survive a power cut."""

    def forget(self, position: int, length: int) -> None:
        """Nobody will read this soon: it may leave the system's memory once it is on the disk. A hint, which never fails."""

    def close(self) -> None:
        """Slices that are on their way keep what they need."""


class FileSlice:
    """(file, position, length): what a connection can send without reading it into Python."""

    __slots__ = ("file", "length", "position")

    def __init__(self, file: File, position: int, length: int) -> None:
        self.file = file
        self.position = position
        self.length = length

    def read(self) -> bytes:
        """The bytes themselves."""
        return self.file.read(self.position, self.length)

    def __len__(self) -> int:
        return self.length

    def __repr__(self) -> str:
        return f"<FileSlice {self.file.path} {self.position}+{self.length}>"


class Disk(Protocol):
    """Paths are strings with `/`; `join` makes them."""

    def open(self, path: str, *, create: bool = True) -> File:
        """For reading and writing. Raises FileNotFoundError when missing and not `create`."""

    def exists(self, path: str) -> bool: ...

    def make_folder(self, path: str) -> None:
        """With its parents; fine if it is there."""

    def list(self, path: str) -> list[str]:
        """Names in a folder, sorted; empty if there is no such folder."""

    def size(self, path: str) -> int: ...

    def rename(self, old: str, new: str) -> None: ...

    def remove(self, path: str) -> None:
        """A file or a whole tree; fine if it is gone."""

    def modified_ms(self, path: str) -> int: ...

    def read_whole(self, path: str) -> bytes: ...

    def replace(self, path: str, data: bytes) -> None:
        """All or nothing, and durable: a temporary file, synced, renamed over the old one, folder synced."""

    def join(self, *parts: str) -> str: ...
