"""A disk in memory: it survives its node's process, loses what was not synced without power, can be full, slow, and can fail.

Without power each file goes back to some moment since its last sync: writes since then are undone from the last one back, how far is
for dice to say, and the write at which they stop may be torn. Whole files are older or younger than others, for nothing orders them. The names in
folders are held by a journal that is written at once, as if every rename and removal were followed by a sync of its folder; only a file that
was never synced may be gone with its name. `replace` is whole and durable. Linux writes a page out after 30 s by itself; here that is left to dice, too.

A slow disk holds up the process that waits for it (memory_process), for calls are synchronous.
"""

import errno
from collections.abc import Callable

from engine.world.chance import Chance
from engine.world.disk import FileSlice
from engine.world.memory_process import PROCESS

WRITE_SHARE = 0.1  # of what a sync takes on a slow disk: a write goes to memory until memory is full of them


class MemoryFile:
    """The bytes of one file; all who opened it share them."""

    def __init__(self, disk: "MemoryDisk", path: str) -> None:
        self.path = path
        self.data = bytearray()
        self.modified_ms = disk.now_ms()
        self.durable = False  # it was synced once
        self._disk = disk
        self._undo: list[tuple[int, bytes | None, int]] = []  # since the last sync: (position, what stood there; None: nothing, size before)

    @property
    def size(self) -> int:
        return len(self.data)

    def append(self, *parts: bytes | bytearray | memoryview) -> int:
        position = len(self.data)
        self._disk.charge(sum(map(len, parts)))
        self._appends(position)
        for part in parts:
            self.data += part
        self.modified_ms = self._disk.now_ms()
        return position

    def _appends(self, position: int) -> None:
        # Appends that follow one another are one entry: without power any number of their bytes is left.
        if not self._undo or self._undo[-1][1] is not None:
            self._undo.append((position, None, position))

    def write_at(self, position: int, data: bytes | bytearray | memoryview) -> None:
        size, end = len(self.data), position + len(data)
        self._disk.charge(max(0, end - size))
        if position >= size:
            self._appends(size)
        else:
            self._undo.append((position, bytes(self.data[position:end]), size))
        if position > size:
            self.data += bytes(position - size)
        self.data[position:end] = data
        self.modified_ms = self._disk.now_ms()

    def read(self, position: int, length: int) -> bytes:
        self._disk.read()
        return bytes(self.data[position : position + length])

    def slice(self, position: int, length: int) -> FileSlice:
        return FileSlice(self, position, length)

    def truncate(self, size: int) -> None:
        before = len(self.data)
        self._disk.charge(size - before)
        if size > before:
            self._appends(before)
            self.data += bytes(size - before)
        elif size < before:
            self._undo.append((size, bytes(self.data[size:]), before))
            del self.data[size:]
        self.modified_ms = self._disk.now_ms()

    def sync(self) -> None:
        self._disk.sync()
        self.is_durable()

    def is_durable(self) -> None:
        """What stands here now survives."""
        self.durable = True
        self._undo.clear()

    def lose_power(self, chance: Chance) -> int:
        """Back to some moment since the last sync; returns how many bytes are not as they were written."""
        lost, undo = 0, len(self._undo)
        fate = chance.real()
        undone = 0 if fate < 0.25 else undo if fate < 0.5 else chance.integer(0, undo)
        for number in range(undone):
            position, stood, size = self._undo.pop()
            torn = number == undone - 1 and fate >= 0.5
            if stood is None:
                kept = chance.integer(size, len(self.data)) if torn else size
                lost += len(self.data) - kept
                del self.data[kept:]
                continue
            kept = chance.integer(0, len(stood)) if torn and position < len(self.data) else 0  # a cut file is cut or not
            lost += len(stood) - kept
            self.data[position + kept : position + len(stood)] = stood[kept:]
            del self.data[size:]
        self.is_durable()
        return lost

    def forget(self, position: int, length: int) -> None:
        """Memory is all there is."""

    def close(self) -> None:
        """Nothing is held open in memory."""

    def __repr__(self) -> str:
        return f"<MemoryFile {self.path} size={self.size} unsynced writes={len(self._undo)}>"


class MemoryDisk:
    """Files by path. `bytes_max`: what fits; `failing`: every write fails; `failing_reads`: reads do; `sync_ms`: how long a sync takes."""

    def __init__(self, now_ms: Callable[[], int], *, bytes_max: int | None = None, chance: Chance | None = None) -> None:
        self.now_ms = now_ms
        self.bytes_max = bytes_max
        self.failing = self.failing_reads = False
        self.sync_ms: tuple[float, float] = (0, 0)
        self.refusals = 0  # how often: an OSError that ends a process is a bug unless its disk has refused
        self._chance = chance or Chance(0)
        self._files: dict[str, MemoryFile] = {}
        self._folders: set[str] = set()

    # ---- what can go wrong

    @property
    def used(self) -> int:
        """Bytes in all files."""
        return sum(file.size for file in self._files.values())

    @property
    def is_well(self) -> bool:
        """Neither failing nor full."""
        return not self.failing and not self.failing_reads and (self.bytes_max is None or self.used < self.bytes_max)

    def charge(self, growth: int) -> None:
        """Takes room for a write, or refuses as a disk does."""
        self._take(WRITE_SHARE)
        if self.failing:
            raise self._refusal(errno.EIO, "Input/output error")
        if growth > 0 and self.bytes_max is not None and self.used + growth > self.bytes_max:
            raise self._refusal(errno.ENOSPC, "No space left on device")

    def _refusal(self, code: int, words: str) -> OSError:
        self.refusals += 1
        return OSError(code, words)

    def get_well(self) -> None:
        """Everything works again, at its full speed."""
        self.bytes_max, self.failing, self.failing_reads, self.sync_ms = None, False, False, (0, 0)

    def sync(self) -> None:
        """Takes its time, or refuses."""
        self._take(1)
        if self.failing:
            raise self._refusal(errno.EIO, "Input/output error")

    def read(self) -> None:
        """Refuses on a disk that cannot be read."""
        if self.failing_reads:
            raise self._refusal(errno.EIO, "Input/output error")

    def _take(self, share: float) -> None:
        low, high = self.sync_ms
        process = PROCESS.get()
        if high and process is not None:
            process.hold_up((low + (high - low) * self._chance.real()) * share)

    def lose_power(self) -> int:
        """What was not synced may be lost or torn; returns how many bytes are not as they were written."""
        lost, held = 0, set()
        for path in reversed(list(self._files)):
            file, folder = self._files[path], path.rpartition("/")[0]
            never_synced = not file.durable
            lost += file.lose_power(self._chance)
            # A folder's entries are journaled in the order in which they were made: none is gone while a later one is there.
            if folder not in held and never_synced and not file.size and self._chance.real() < 0.5:
                del self._files[path]
            else:
                held.add(folder)
        return lost

    # ---- files and folders

    def open(self, path: str, *, create: bool = True) -> MemoryFile:
        if path not in self._files:
            if not create:
                raise FileNotFoundError(errno.ENOENT, "No such file", path)
            self._files[path] = MemoryFile(self, path)  # a failing disk refuses bytes; empty names stay in the system's memory
        return self._files[path]

    def exists(self, path: str) -> bool:
        return path in self._files or path in self._folders or any(name.startswith(path + "/") for name in self._files)

    def make_folder(self, path: str) -> None:
        self._folders.add(path)

    def list(self, path: str) -> list[str]:
        self.read()
        inside = path + "/"
        return sorted({name[len(inside) :].split("/")[0] for name in [*self._files, *self._folders] if name.startswith(inside)})

    def size(self, path: str) -> int:
        return self._existing(path).size

    def rename(self, old: str, new: str) -> None:
        self.charge(0)
        for name in [name for name in self._files if name == old or name.startswith(old + "/")]:
            file = self._files.pop(name)
            file.path = new + name[len(old) :]
            self._files[file.path] = file
        moved = {name for name in self._folders if name == old or name.startswith(old + "/")}
        self._folders = self._folders - moved | {new + name[len(old) :] for name in moved}

    def remove(self, path: str) -> None:
        if not self.exists(path):
            return
        self.charge(0)
        for name in [name for name in self._files if name == path or name.startswith(path + "/")]:
            del self._files[name]
        self._folders = {name for name in self._folders if name != path and not name.startswith(path + "/")}

    def modified_ms(self, path: str) -> int:
        return self._existing(path).modified_ms

    def read_whole(self, path: str) -> bytes:
        file = self._existing(path)
        self.read()
        return bytes(file.data)

    def replace(self, path: str, data: bytes) -> None:
        self.charge(len(data))  # the temporary file stands beside the old one for a moment
        self.sync()
        file = self._files[path] = MemoryFile(self, path)
        file.data[:] = data
        file.is_durable()

    def join(self, *parts: str) -> str:
        return "/".join(parts)

    def _existing(self, path: str) -> MemoryFile:
        if path not in self._files:
            raise FileNotFoundError(errno.ENOENT, "No such file", path)
        return self._files[path]
