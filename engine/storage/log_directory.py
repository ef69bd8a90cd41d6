"""A node's log directory: a disk whose first failure is its last, as in Kafka (KIP-112).

Kafka takes a directory with an IOException offline, and a broker whose only directory went offline halts. We have one.
Rule: whoever owns the directory hears of the failure before the failing call returns, so that nothing is acknowledged after it.
"""

import re
from collections.abc import Callable
from typing import Any

from engine.world.disk import Disk, DiskGone, File, FileSlice

PARTITION_FILE = re.compile(r"(?:.*/)?([^/]+)-(\d+)/(?:\d{20}\.|leader-epoch-checkpoint|partition\.metadata|quorum-state)[^/]*$")
OnFailure = Callable[[str, OSError], None]  # the path, and what the system said


def partition_of(path: str) -> tuple[str, int]:
    """Whose file it is; ("", -1) for one of the directory itself."""
    match = PARTITION_FILE.match(path)
    return (match[1], int(match[2])) if match else ("", -1)


class LogDirectory:
    """The disk of a node. `on_failure` is called once; from then on every call is refused with DiskGone."""

    def __init__(self, disk: Disk, on_failure: OnFailure) -> None:
        self.failure: OSError | None = None
        self._disk = disk
        self._on_failure = on_failure
        self.join = disk.join

    def refuse(self, path: str, error: OSError) -> DiskGone:
        """What the failing call raises; the first failure is told."""
        if self.failure is None:
            self.failure = error
            self._on_failure(path, error)
        return DiskGone(self.failure.errno, self.failure.strerror or str(self.failure), path)

    def _do(self, act: Callable[..., Any], path: str, *arguments: Any) -> Any:
        if self.failure is not None:
            raise self.refuse(path, self.failure)
        try:
            return act(path, *arguments)
        except OSError as error:
            raise self.refuse(path, error) from error

    def open(self, path: str, *, create: bool = True) -> "LogFile":
        if self.failure is not None:
            raise self.refuse(path, self.failure)
        try:
            return LogFile(self, self._disk.open(path, create=create))
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not create:
                raise  # an answer, not a failure
            raise self.refuse(path, error) from error

    def make_folder(self, path: str) -> None:
        self._do(self._disk.make_folder, path)

    def rename(self, old: str, new: str) -> None:
        self._do(self._disk.rename, old, new)

    def remove(self, path: str) -> None:
        self._do(self._disk.remove, path)

    def replace(self, path: str, data: bytes) -> None:
        self._do(self._disk.replace, path, data)

    def read_whole(self, path: str) -> bytes:
        return self._do(self._disk.read_whole, path)

    def list(self, path: str) -> list[str]:
        return self._do(self._disk.list, path)

    def exists(self, path: str) -> bool:
        return self._disk.exists(path)

    def size(self, path: str) -> int:
        return self._do(self._disk.size, path)

    def modified_ms(self, path: str) -> int:
        return self._do(self._disk.modified_ms, path)

    def __repr__(self) -> str:
        return f"<LogDirectory {self.failure or 'online'}>"


class LogFile:
    """A file in it."""

    __slots__ = ("_directory", "_file", "path")

    def __init__(self, directory: LogDirectory, file: File) -> None:
        self._directory = directory
        self._file = file
        self.path = file.path

    @property
    def descriptor(self) -> int:
        """For whoever sends a slice without reading it; on the real side only."""
        return self._file.descriptor

    @property
    def size(self) -> int:
        return self._file.size

    def append(self, *parts: bytes | bytearray | memoryview) -> int:
        return self._do(self._file.append, *parts)

    def write_at(self, position: int, data: bytes | bytearray | memoryview) -> None:
        self._do(self._file.write_at, position, data)

    def read(self, position: int, length: int) -> bytes:
        return self._do(self._file.read, position, length)

    def slice(self, position: int, length: int) -> FileSlice:
        return FileSlice(self, position, length)

    def truncate(self, size: int) -> None:
        self._do(self._file.truncate, size)

    def sync(self) -> None:
        self._do(self._file.sync)

    def forget(self, position: int, length: int) -> None:
        self._file.forget(position, length)

    def close(self) -> None:
        self._file.close()

    def _do(self, act: Callable[..., Any], *arguments: Any) -> Any:
        directory = self._directory
        if directory.failure is not None:
            raise directory.refuse(self.path, directory.failure)
        try:
            return act(*arguments)
        except OSError as error:
            raise directory.refuse(self.path, error) from error

    def __repr__(self) -> str:
        return repr(self._file)
