"""A disk in memory: it survives its node's crash, can be full, and can be made to fail."""

import errno
from collections.abc import Callable

from engine.world.disk import FileSlice


class MemoryFile:
    """The bytes of one file; all who opened it share them."""

    def __init__(self, disk: "MemoryDisk", path: str) -> None:
        self.path = path
        self.data = bytearray()
        self.modified_ms = disk.now_ms()
        self._disk = disk

    @property
    def size(self) -> int:
        return len(self.data)

    def append(self, *parts: bytes | bytearray | memoryview) -> int:
        position = len(self.data)
        self._disk.charge(sum(map(len, parts)))
        for part in parts:
            self.data += part
        self.modified_ms = self._disk.now_ms()
        return position

    def write_at(self, position: int, data: bytes | bytearray | memoryview) -> None:
        end = position + len(data)
        self._disk.charge(max(0, end - len(self.data)))
        if position > len(self.data):
            self.data += bytes(position - len(self.data))
        self.data[position:end] = data
        self.modified_ms = self._disk.now_ms()

    def read(self, position: int, length: int) -> bytes:
        return bytes(self.data[position : position + length])

    def slice(self, position: int, length: int) -> FileSlice:
        return FileSlice(self, position, length)

    def truncate(self, size: int) -> None:
        self._disk.charge(0)
        if size > len(self.data):
            self.data += bytes(size - len(self.data))
        del self.data[size:]

    def sync(self) -> None:
        self._disk.charge(0)

    def close(self) -> None:
        """Nothing is held open in memory."""

    def __repr__(self) -> str:
        return f"<MemoryFile {self.path} size={self.size}>"


class MemoryDisk:
    """Files by path. `bytes_max`: what fits; `failing`: every write fails. A stopped disk refuses its crashed node."""

    def __init__(self, now_ms: Callable[[], int], *, bytes_max: int | None = None) -> None:
        self.now_ms = now_ms
        self.bytes_max = bytes_max
        self.failing = False
        self._files: dict[str, MemoryFile] = {}
        self._folders: set[str] = set()
        self._used = 0

    def charge(self, size: int) -> None:
        """Takes room for a write, or refuses as a disk does."""
        if self.failing:
            raise OSError(errno.EIO, "Input/output error")
        if self.bytes_max is not None and self._used + size > self.bytes_max:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._used += size

    def open(self, path: str, *, create: bool = True) -> MemoryFile:
        if path not in self._files:
            if not create:
                raise FileNotFoundError(errno.ENOENT, "No such file", path)
            self._files[path] = MemoryFile(self, path)
        return self._files[path]

    def exists(self, path: str) -> bool:
        return path in self._files or path in self._folders or any(name.startswith(path + "/") for name in self._files)

    def make_folder(self, path: str) -> None:
        self._folders.add(path)

    def list(self, path: str) -> list[str]:
        inside = path + "/"
        return sorted({name[len(inside) :].split("/")[0] for name in [*self._files, *self._folders] if name.startswith(inside)})

    def size(self, path: str) -> int:
        return self._existing(path).size

    def rename(self, old: str, new: str) -> None:
        for names in (self._files, self._folders):
            for name in [name for name in names if name == old or name.startswith(old + "/")]:
                moved = new + name[len(old) :]
                if isinstance(names, dict):
                    file = names.pop(name)
                    file.path, names[moved] = moved, file
                else:
                    names.remove(name)
                    names.add(moved)

    def remove(self, path: str) -> None:
        for name in [name for name in self._files if name == path or name.startswith(path + "/")]:
            self._used -= self._files.pop(name).size
        self._folders = {name for name in self._folders if name != path and not name.startswith(path + "/")}

    def modified_ms(self, path: str) -> int:
        return self._existing(path).modified_ms

    def read_whole(self, path: str) -> bytes:
        return bytes(self._existing(path).data)

    def replace(self, path: str, data: bytes) -> None:
        self.charge(0)
        file = self.open(path)
        file.data[:] = data
        file.modified_ms = self.now_ms()

    def join(self, *parts: str) -> str:
        return "/".join(parts)

    def _existing(self, path: str) -> MemoryFile:
        if path not in self._files:
            raise FileNotFoundError(errno.ENOENT, "No such file", path)
        return self._files[path]
