"""A log directory: its first failure is told once, and is its last."""

import errno

import pytest

from engine.storage.log_directory import LogDirectory, partition_of
from engine.world.disk import DiskGone
from engine.world.memory_disk import MemoryDisk


@pytest.fixture
def kept():
    """(disk, directory, what it told)."""
    disk, told = MemoryDisk(lambda: 0), []
    return disk, LogDirectory(disk, lambda path, error: told.append((path, error.errno))), told


def test_it_is_the_disk_that_it_stands_on(kept):
    disk, directory, told = kept
    file = directory.open("/data/t-0/0.log")
    assert file.append(b"abc", b"def") == 0 and file.size == 6 and file.read(1, 3) == b"bcd"
    assert file.slice(2, 2).read() == b"cd"
    file.write_at(0, b"X")
    file.truncate(2)
    file.sync()
    directory.replace("/data/a", b"1")
    directory.rename("/data/a", "/data/b")
    assert directory.read_whole("/data/b") == b"1" and directory.list("/data") == ["b", "t-0"] and directory.size("/data/b") == 1
    directory.remove("/data/b")
    assert not directory.exists("/data/b") and told == [] and disk.read_whole("/data/t-0/0.log") == b"Xb"


def test_what_is_not_there_is_an_answer_and_no_failure(kept):
    _, directory, told = kept
    with pytest.raises(FileNotFoundError):
        directory.open("/data/nothing", create=False)
    assert told == [] and directory.failure is None


WRITES = [
    lambda directory, file: file.append(b"x"),
    lambda directory, file: file.write_at(0, b"x"),
    lambda directory, file: file.truncate(0),
    lambda directory, file: file.sync(),
    lambda directory, file: directory.replace("/data/quorum-state", b"x"),
]


@pytest.mark.parametrize("write", WRITES)
def test_after_a_failure_nothing_is_written_any_more(kept, write):
    disk, directory, told = kept
    file = directory.open("/data/t-0/0.log")
    disk.failing = True
    with pytest.raises(DiskGone) as caught:
        write(directory, file)
    assert caught.value.errno == errno.EIO and len(told) == 1
    disk.failing = False
    for again in WRITES:
        with pytest.raises(DiskGone):
            again(directory, file)
    with pytest.raises(DiskGone):
        directory.open("/data/t-0/1.log")
    assert len(told) == 1 and disk.read_whole("/data/t-0/0.log") == b""


@pytest.mark.parametrize("read", [lambda file: file.read(0, 1), lambda file: file.slice(0, 1).read()], ids=["read", "slice"])
def test_a_read_that_fails_is_a_failure_too(kept, read):
    disk, directory, told = kept
    file = directory.open("/data/t-0/0.log")
    file.append(b"x")
    disk.failing_reads = True
    with pytest.raises(DiskGone):
        read(file)
    assert len(told) == 1


def test_it_is_told_before_the_failing_call_returns(kept):
    disk, _, _ = kept

    class Halt(BaseException):
        """As the end of the process: nothing behind it is done."""

    def halt(path, error):
        raise Halt

    file = LogDirectory(disk, halt).open("/data/t-0/0.log")
    disk.bytes_max = 0
    with pytest.raises(Halt):
        file.append(b"x")


@pytest.mark.parametrize(
    ("path", "partition"),
    [
        ("/data/orders-0/00000000000000000000.log", ("orders", 0)),
        ("/data/my-topic-2-11/leader-epoch-checkpoint", ("my-topic-2", 11)),
        ("/data/__cluster_metadata-0/quorum-state", ("__cluster_metadata", 0)),
        ("/data/node-1/meta.properties", ("", -1)),
        ("/data/node-1/recovery-point-offset-checkpoint", ("", -1)),
    ],
)
def test_whose_file_it_is(path, partition):
    assert partition_of(path) == partition
