"""Both disks keep the same promises."""

import errno
import os
import time

import pytest

from engine.world import os_disk
from engine.world.chance import Chance
from engine.world.memory_disk import MemoryDisk
from engine.world.os_disk import SLOW_S, OsDisk, OsFile
from engine.world.simulated import Simulation
from engine.world.virtual_loop import run_virtually


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


def test_what_is_forgotten_is_still_there(disk):
    disk, root = disk
    disk.make_folder(root)
    file, data = disk.open(disk.join(root, "a.log")), bytes(range(256)) * 64
    for _ in range(2):
        file.append(data)
        file.forget(0, file.size)
    assert file.read(0, file.size) == data * 2


def test_a_disk_that_is_slow_to_forget_is_left_alone(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(OsFile, "rests_until", 0.0)
    monkeypatch.setattr(os, "posix_fadvise", lambda *_: asked.append(time.sleep(1.5 * SLOW_S)), raising=False)
    monkeypatch.setattr(os, "POSIX_FADV_DONTNEED", 4, raising=False)
    monkeypatch.setattr(os_disk, "_CAN_FORGET", True)
    file = OsDisk().open(f"{tmp_path}/a.log")
    file.forget(0, 4096)
    file.forget(0, 4096)
    assert len(asked) == 1


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


def test_a_disk_that_fills_later_takes_what_still_fits_and_frees_what_is_cut():
    disk = MemoryDisk(lambda: 0)
    file = disk.open("/a")
    file.append(b"12345678")
    disk.bytes_max = disk.used
    with pytest.raises(OSError):
        file.append(b"9")
    file.truncate(4)
    assert file.append(b"abcd") == 4 and not disk.is_well
    disk.bytes_max = None
    assert file.append(b"e") == 8 and disk.is_well


def test_a_failing_disk_refuses_writes_syncs_and_when_asked_reads():
    disk = MemoryDisk(lambda: 0)
    file = disk.open("/a")
    file.append(b"kept")
    disk.failing = True
    for refused in (lambda: file.append(b"x"), file.sync, lambda: file.truncate(0), lambda: file.write_at(0, b"x"), lambda: disk.replace("/a", b"")):
        with pytest.raises(OSError) as caught:
            refused()
        assert caught.value.errno == errno.EIO
    assert file.read(0, 9) == b"kept"
    disk.failing_reads = True
    for refused in (lambda: file.read(0, 1), lambda: disk.read_whole("/a"), file.slice(0, 2).read):
        with pytest.raises(OSError):
            refused()


@pytest.mark.parametrize("seed", range(40))
def test_what_was_synced_survives_a_power_cut_and_a_prefix_of_the_rest(seed):
    disk = MemoryDisk(lambda: 0, chance=Chance(seed))
    log, cut, over = disk.open("/log"), disk.open("/cut"), disk.open("/over")
    log.append(b"synced,")
    log.sync()
    log.append(b"then ")
    log.append(b"appended")
    cut.append(b"abcdef")
    cut.sync()
    cut.truncate(2)
    cut.append(b"XYZ")
    over.append(b"012345")
    over.sync()
    over.write_at(4, b"____")
    disk.replace("/whole", b"all or nothing")
    disk.lose_power()
    assert b"synced," == log.data[:7] and b"synced,then appended".startswith(bytes(log.data))
    assert bytes(cut.data) in (b"abcdef", b"ab", b"abX", b"abXY", b"abXYZ")
    assert bytes(over.data) in (b"012345", b"0123_5", b"0123__", b"0123____")
    assert disk.read_whole("/whole") == b"all or nothing"


def test_power_cuts_have_all_their_outcomes_and_what_survived_one_survives_the_next():
    outcomes = set()
    for seed in range(60):
        disk = MemoryDisk(lambda: 0, chance=Chance(seed))
        file = disk.open("/log")
        file.append(b"123456")
        lost = disk.lose_power()
        left = disk.read_whole("/log") if disk.exists("/log") else None
        assert lost == 6 - len(left or b"")
        assert disk.lose_power() == 0 and (left is None or not left or disk.read_whole("/log") == left)
        outcomes.add(left)
    assert {None, b"", b"123456"} <= outcomes and any(left and len(left) < 6 for left in outcomes)


def test_a_renamed_file_that_was_not_synced_may_be_torn_under_its_new_name():
    left = set()
    for seed in range(40):
        disk = MemoryDisk(lambda: 0, chance=Chance(seed))
        disk.replace("/checkpoint", b"old")
        disk.open("/checkpoint.tmp").append(b"newer")
        disk.rename("/checkpoint.tmp", "/checkpoint")
        disk.lose_power()
        left.add(disk.read_whole("/checkpoint") if disk.exists("/checkpoint") else None)
    assert b"newer" in left and b"old" not in left and None in left


def test_a_slow_disk_holds_up_its_process_and_nobody_else():
    async def main():
        run = Simulation(1)
        world, other = run.world("node-1"), run.world("node-2")
        heard = []

        def beat(who, clock):
            heard.append((who, round(clock.monotonic_ms())))

        def work():
            world.disk.open("/log").sync()
            beat("synced", world.clock)

        run.disk("node-1").sync_ms = (300, 300)
        world.clock.call_later(10, work)
        world.clock.call_later(20, lambda: beat("slow", world.clock))
        other.clock.call_later(20, lambda: beat("other", other.clock))
        await run.sleep(1_000)
        return heard

    assert run_virtually(main()) == [("synced", 310), ("other", 20), ("slow", 310)]
