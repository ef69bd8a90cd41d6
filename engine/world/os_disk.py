"""The disk as the operating system has it."""

import contextlib
import os
import shutil
import time

from engine.world.disk import FileSlice

_HAS_PWRITEV = hasattr(os, "pwritev")
_CAN_FORGET = hasattr(os, "posix_fadvise")
SLOW_S, REST_S = 0.02, 10.0  # a disk that takes so long to begin to write is busy, and is left alone for a while


class OsFile:
    """A file by its descriptor, which is closed when the file was closed and no slice of it is left."""

    __slots__ = ("descriptor", "path", "size")
    rests_until = 0.0  # no file of this process is forgotten before

    def __init__(self, path: str, *, create: bool) -> None:
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
        self.path = path
        self.descriptor = os.open(path, flags, 0o644)
        self.size = os.fstat(self.descriptor).st_size

    def append(self, *parts: bytes | bytearray | memoryview) -> int:
        position = self.size
        total = sum(map(len, parts))
        try:
            self._write(position, parts, total)
        except OSError:
            os.ftruncate(self.descriptor, position)
            raise
        self.size = position + total
        return position

    def _write(self, position: int, parts: tuple[bytes | bytearray | memoryview, ...], total: int) -> None:
        if len(parts) == 1:
            written = os.pwrite(self.descriptor, parts[0], position)
        elif _HAS_PWRITEV:
            written = os.pwritev(self.descriptor, parts, position)
        else:
            written = 0
        if written < total:  # a signal, a nearly full disk, or no pwritev here
            rest = memoryview(b"".join(parts))[written:]
            while rest:
                written = os.pwrite(self.descriptor, rest, position + total - len(rest))
                rest = rest[written:]

    def write_at(self, position: int, data: bytes | bytearray | memoryview) -> None:
        self._write(position, (data,), len(data))
        self.size = max(self.size, position + len(data))

    def read(self, position: int, length: int) -> bytes:
        return os.pread(self.descriptor, length, position)

    def slice(self, position: int, length: int) -> FileSlice:
        return FileSlice(self, position, length)

    def truncate(self, size: int) -> None:
        os.ftruncate(self.descriptor, size)
        self.size = size

    def sync(self) -> None:
        os.fsync(self.descriptor)

    def forget(self, position: int, length: int) -> None:
        """Linux begins to write what is not on the disk yet, and drops what is; that may wait for the disk, so it is asked only while it is quick."""
        began = time.monotonic()
        if _CAN_FORGET and began >= OsFile.rests_until:
            with contextlib.suppress(OSError):
                os.posix_fadvise(self.descriptor, position, length, os.POSIX_FADV_DONTNEED)
            if (now := time.monotonic()) - began > SLOW_S:
                OsFile.rests_until = now + REST_S

    def close(self) -> None:
        """Nothing to do at once: whoever still sends a slice holds the file; the last reference closes the descriptor."""

    def __del__(self) -> None:
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)

    def __repr__(self) -> str:
        return f"<OsFile {self.path} size={self.size}>"


class OsDisk:
    """Folders and files of this machine."""

    def open(self, path: str, *, create: bool = True) -> OsFile:
        return OsFile(path, create=create)

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def make_folder(self, path: str) -> None:
        os.makedirs(path, exist_ok=True)

    def list(self, path: str) -> list[str]:
        try:
            return sorted(os.listdir(path))
        except FileNotFoundError:
            return []

    def size(self, path: str) -> int:
        return os.path.getsize(path)

    def rename(self, old: str, new: str) -> None:
        os.replace(old, new)

    def remove(self, path: str) -> None:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        elif os.path.lexists(path):
            os.unlink(path)

    def modified_ms(self, path: str) -> int:
        return os.stat(path).st_mtime_ns // 1_000_000

    def read_whole(self, path: str) -> bytes:
        with open(path, "rb") as file:
            return file.read()

    def replace(self, path: str, data: bytes) -> None:
        beside = path + ".tmp"
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
        folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def join(self, *parts: str) -> str:
        return "/".join(parts)
