"""Both disks keep the same promises."""

import errno

import pytest

from engine.world.memory_disk import MemoryDisk
from engine.world.os_disk import OsDisk


@pytest.fixture(params=["memory", "system"])
def disk(request, tmp_path):
    if request.param == "system":
        return OsDisk(), str(tmp_path)
    return MemoryDisk(lambda: 0), "/data"


def test_what_is_appended_can_be_read_cut_and_appended_to_again(disk):
    disk, root = disk
    disk.make_folder(root)
    file = disk.open(disk.join(root, "a.log"))
    assert file.append(b"abc", memoryview(b"def")) == 0
    assert file.append(b"ghi") == 6
    assert file.read(2, 5) == b"cdefg" and file.read(8, 100) == b"i"
    file.truncate(4)
    assert file.append(b"X") == 4 and file.read(0, 99) == b"abcdX" and file.size == 5
    file.write_at(1, b"__")
    assert disk.read_whole(disk.join(root, "a.log")) == b"a__dX"
    assert file.slice(1, 3).read() == b"__d"


def test_folders_list_rename_and_remove(disk):
    disk, root = disk
    folder = disk.join(root, "topic-0")
    disk.make_folder(folder)
    disk.open(disk.join(folder, "b")).append(b"1")
    disk.open(disk.join(folder, "a")).append(b"22")
    assert disk.list(folder) == ["a", "b"] and disk.size(disk.join(folder, "a")) == 2
    disk.rename(folder, folder + "-delete")
    assert disk.list(root) == ["topic-0-delete"] and not disk.exists(folder)
    disk.remove(folder + "-delete")
    assert disk.list(root) == []
    disk.remove(folder)


def test_replace_is_whole(disk):
    disk, root = disk
    disk.make_folder(root)
    path = disk.join(root, "checkpoint")
    disk.replace(path, b"old and long")
    disk.replace(path, b"new")
    assert disk.read_whole(path) == b"new" and disk.list(root) == ["checkpoint"]


def test_a_missing_file_is_missing(disk):
    disk, root = disk
    with pytest.raises(FileNotFoundError):
        disk.open(disk.join(root, "nothing"), create=False)
    assert disk.list(disk.join(root, "nowhere")) == []


def test_a_full_disk_refuses_and_keeps_what_was_there():
    disk = MemoryDisk(lambda: 0, bytes_max=10)
    file = disk.open("/a")
    file.append(b"12345678")
    with pytest.raises(OSError) as caught:
        file.append(b"123")
    assert caught.value.errno == errno.ENOSPC and file.size == 8
