"""A log as its leader and followers use it: appending, reading, rolling, cutting, searching by time."""

import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from engine.events.facts import LogTruncated, RecordsDeleted, SegmentRolled
from engine.protocol.errors import (
    CorruptMessage,
    InconsistentTopicId,
    KafkaStorageError,
    OffsetOutOfRange,
    OutOfOrderSequenceNumber,
)
from engine.protocol.record_batch import decode_records, read_header, walk
from engine.storage.tail import NEWEST_BYTES_MAX
from engine.world.memory_disk import MemoryFile
from tests.engine.storage.conftest import NOW, Shelf, append, batch


def values(log, offset: int = 0, upper: int | None = None, bytes_max: int = 10**9) -> list[bytes]:
    upper = log.log_end_offset if upper is None else upper
    data = log.read_records(offset, bytes_max=bytes_max, upper=upper)
    return [record.value for position, header in walk(data) for record in decode_records(data, position)]


def test_the_leader_stamps_offset_and_epoch_and_keeps_the_checksum(shelf):
    log = shelf.open()
    append(log, b"a", b"b", leader_epoch=3)
    appended = append(log, b"c", leader_epoch=3)
    assert appended == (2, 2, -1, 0, False, 1)
    header = read_header(log.read_records(2, bytes_max=1, upper=3))
    assert (header.base_offset, header.leader_epoch) == (2, 3)
    assert values(log) == [b"a", b"b", b"c"]
    assert repr(log) == "<PartitionLog orders-0 start=0 hw=0 end=3 epoch=3 segments=1>"


def test_an_empty_log_is_one_file_and_its_indexes_come_with_the_first_record(shelf):
    log = shelf.open()
    assert shelf.disk.list(shelf.folder) == ["00000000000000000000.log", "partition.metadata"]
    append(log, b"a")
    assert [name[20:] for name in shelf.disk.list(shelf.folder) if name.startswith("0")] == [".index", ".log", ".timeindex"]


def test_a_fetch_inside_a_batch_gets_the_whole_batch(shelf):
    log = shelf.open()
    append(log, b"a", b"b", b"c")
    append(log, b"d")
    assert values(log, 1) == [b"a", b"b", b"c", b"d"]


def test_reads_end_before_the_batch_that_reaches_over_the_upper_offset(shelf):
    log = shelf.open()
    append(log, b"a")
    append(log, b"b", b"c")
    assert values(log, 0, upper=2) == [b"a"]
    assert values(log, 1, upper=2) == []
    assert values(log, 3) == []
    with pytest.raises(OffsetOutOfRange):
        log.read(4, bytes_max=1, upper=3)


def test_the_first_batch_is_given_even_when_it_is_too_long_but_only_if_asked(shelf):
    log = shelf.open()
    append(log, b"a" * 100)
    append(log, b"b")
    assert values(log, 0, bytes_max=10) == [b"a" * 100]
    assert log.read(0, bytes_max=10, upper=2, at_least_one=False) == ([], 0, 0)
    size = len(batch(b"a" * 100))
    assert log.read(0, bytes_max=size + 5, upper=2)[1:] == (size, 1)


def test_duplicates_are_answered_with_their_first_offset_and_gaps_refused(shelf):
    log = shelf.open()
    first = append(log, b"a", b"b", producer_id=5, producer_epoch=0, base_sequence=0)
    append(log, b"c", producer_id=5, producer_epoch=0, base_sequence=2)
    again = append(log, b"a", b"b", producer_id=5, producer_epoch=0, base_sequence=0)
    assert again.duplicate and again.base_offset == first.base_offset == 0 and again.last_offset == 1
    with pytest.raises(OutOfOrderSequenceNumber):
        append(log, b"x", producer_id=5, producer_epoch=0, base_sequence=9)
    assert log.log_end_offset == 3


def test_segments_roll_by_size(shelf):
    log = shelf.open(segment_bytes=1000)
    for number in range(20):
        append(log, b"v" * 200, timestamp=NOW + number)
    assert [segment.base_offset for segment in log.segments()] == [0, 3, 6, 9, 12, 15, 18]
    assert {fact.reason for fact in shelf.journal.recent(SegmentRolled)} == {"size"}
    assert "00000000000000000018.snapshot" in shelf.names()
    assert values(log, 4) == [b"v" * 200] * 2, "a read stays in one segment"


def test_segments_roll_by_the_records_own_time(shelf):
    log = shelf.open(segment_ms=1000)
    for late in (0, 1000, 1001, 1500):
        append(log, b"v", timestamp=NOW + late)
    assert [segment.base_offset for segment in log.segments()] == [0, 2]


def test_segments_roll_when_an_index_is_full(shelf):
    log = shelf.open(segment_index_bytes=36, index_interval_bytes=0)
    for number in range(6):
        append(log, b"v", timestamp=NOW + number)
    assert [segment.base_offset for segment in log.segments()] == [0, 3]
    assert shelf.journal.recent(SegmentRolled)[0].reason == "index"


def test_a_closed_segment_is_synced_a_minute_later(shelf):
    log = shelf.open()
    append(log, b"a")
    log.roll()
    assert log.recovery_point == 0
    shelf.clock.timers.pop()()
    assert log.recovery_point == 1


def test_followers_keep_offsets_and_epochs_and_leave_a_torn_batch(shelf):
    leader, follower = shelf.open(), Shelf().open(segment_bytes=500)
    for number in range(10):
        append(leader, b"v" * 100, b"w", leader_epoch=number // 4, timestamp=NOW + number)
    data = leader.read_records(0, bytes_max=10**6, upper=20)
    assert follower.append_as_follower(memoryview(data)[:-1]) == 18
    assert follower.append_as_follower(memoryview(leader.read_records(18, bytes_max=10**6, upper=20))) == 20
    assert follower.epochs.entries == leader.epochs.entries and len(follower.segments()) > 1
    assert [follower.epoch_end(epoch) for epoch in (0, 1, 2)] == [(0, 8), (1, 16), (2, 20)]
    with pytest.raises(OffsetOutOfRange):
        follower.append_as_follower(memoryview(data))


def test_a_follower_keeps_what_stands_before_a_corrupt_batch(shelf):
    leader, follower = shelf.open(), Shelf().open()
    append(leader, b"a")
    append(leader, b"b")
    data = bytearray(leader.read_records(0, bytes_max=10**6, upper=2))
    data[-1] ^= 1
    with pytest.raises(CorruptMessage):
        follower.append_as_follower(memoryview(data))
    assert follower.log_end_offset == 1 and values(follower) == [b"a"]


def test_truncation_takes_records_epochs_and_producers_back(shelf):
    log = shelf.open(segment_bytes=600)
    for number in range(12):
        append(log, b"v" * 100, leader_epoch=number // 4, producer_id=5, producer_epoch=0, base_sequence=number)
    log.advance_high_watermark(12)
    log.truncate_to(6)
    assert (log.log_end_offset, log.high_watermark, log.latest_epoch) == (6, 6, 1)
    assert log.window.producers[5].last_sequence == 5
    assert append(log, b"again", leader_epoch=3, producer_id=5, producer_epoch=0, base_sequence=6).base_offset == 6
    assert log.epoch_end(1) == (1, 6) and values(log, 6) == [b"again"]
    assert shelf.journal.recent(LogTruncated)[0].was_log_end_offset == 12


def test_truncation_at_the_end_drops_an_epoch_that_never_had_a_record(shelf):
    log = shelf.open()
    append(log, b"a", leader_epoch=7)
    end = log.log_end_offset
    log.start_epoch(8)
    log.truncate_to(end)
    assert log.latest_epoch == 7 and log.log_end_offset == end


def test_truncation_inside_a_batch_drops_the_whole_batch(shelf):
    log = shelf.open()
    append(log, b"a")
    append(log, b"b", b"c", b"d")
    log.truncate_to(2)
    assert log.log_end_offset == 1 and values(log) == [b"a"]


def test_a_log_can_begin_anew_elsewhere(shelf):
    log = shelf.open()
    append(log, b"a", leader_epoch=4)
    log.truncate_fully_and_start_at(100)
    assert (log.log_start_offset, log.log_end_offset, log.high_watermark, log.latest_epoch) == (100, 100, 100, None)
    assert append(log, b"b", leader_epoch=5).base_offset == 100
    log.crash()
    again = shelf.open()
    assert (again.log_start_offset, again.log_end_offset) == (100, 101)


def test_deleting_records_moves_the_start_and_removes_whole_segments(shelf):
    log = shelf.open(segment_bytes=500)
    for _ in range(9):
        append(log, b"v" * 100)
    with pytest.raises(OffsetOutOfRange):
        log.delete_records_before(1)
    log.advance_high_watermark(9)
    log.delete_records_before(5)
    assert log.log_start_offset == 5 and log.segments()[0].base_offset == 4
    assert log.epochs.entries == [(0, 5)]
    with pytest.raises(OffsetOutOfRange):
        log.read(4, bytes_max=1, upper=9)
    assert shelf.journal.recent(RecordsDeleted)[0].log_start_offset == 5
    log.close()
    again = shelf.open(clean=True, log_start_offset=5, segment_bytes=500)
    assert (again.log_start_offset, again.log_end_offset) == (5, 9)


def test_a_log_that_ends_before_its_start_goes_on_at_its_start(shelf):
    log = shelf.open()
    append(log, b"a")
    log.crash()
    again = shelf.open(log_start_offset=7)
    assert (again.log_start_offset, again.log_end_offset) == (7, 7) and append(again, b"b").base_offset == 7


def test_the_first_record_at_or_after_a_timestamp(shelf):
    log = shelf.open(segment_bytes=700, index_interval_bytes=100)
    for number in range(12):
        append(log, b"v" * 50, b"w" * 50, timestamp=NOW + number * 10, step=5, compression=number % 5)
    for offset in range(24):
        timestamp = NOW + offset // 2 * 10 + offset % 2 * 5
        assert log.offset_for_timestamp(timestamp)[:2] == (offset, timestamp)
        assert log.offset_for_timestamp(timestamp - 1)[:2] == (offset, timestamp)
    assert log.offset_for_timestamp(NOW + 116) is None
    assert log.offset_of_max_timestamp() == (23, NOW + 115, 0)


def test_a_full_disk_refuses_and_loses_nothing(shelf):
    log = shelf.open()
    append(log, b"a")
    shelf.disk.failing = True
    for _ in range(2):
        with pytest.raises(KafkaStorageError, match="Input/output error"):
            append(log, b"b", leader_epoch=1)
    shelf.disk.failing = False
    assert append(log, b"c", leader_epoch=1).base_offset == 1
    assert values(log) == [b"a", b"c"] and log.epochs.entries == [(0, 0), (1, 1)]


def test_a_folder_of_another_topic_id_is_refused(shelf):
    shelf.open().close()
    with pytest.raises(InconsistentTopicId):
        shelf.open(topic_id=uuid.UUID(int=78))


def test_delete_leaves_one_folder_to_be_removed(shelf):
    for _ in range(2):  # also when the former one is still there
        doomed = shelf.open().delete()
        assert [f"data/{name}" for name in shelf.disk.list("data")] == [doomed] and doomed.endswith("-delete")


@settings(max_examples=60, deadline=None)
@given(
    sizes=some.lists(some.tuples(some.integers(1, 4), some.integers(0, 300)), min_size=1, max_size=40),
    bytes_max=some.integers(1, 2000),
    restarted=some.booleans(),
)
def test_reading_on_gives_every_record_once_and_in_order(sizes, bytes_max, restarted):
    shelf = Shelf()
    config = {"segment_bytes": 2000, "index_interval_bytes": 300}
    log = shelf.open(**config)
    for count, size in sizes:
        append(log, *[b"v" * size] * count)
    if restarted:
        log.close()
        log = shelf.open(clean=True, **config)
    for start in range(log.log_end_offset):
        data = log.read_records(start, bytes_max=bytes_max, upper=log.log_end_offset)
        assert read_header(data).base_offset <= start <= read_header(data).last_offset
    offset, seen = 0, []
    while offset < log.log_end_offset:
        part = log.read(offset, bytes_max=bytes_max, upper=log.log_end_offset)
        headers = [header for _, header in walk(part.read())]
        assert sum(header.size for header in headers) == part.size and (part.size <= bytes_max or len(headers) == 1)
        assert headers[-1].next_offset == part.next_offset
        seen += [offset for header in headers for offset in range(header.base_offset, header.next_offset)]
        offset = part.next_offset
    assert seen == list(range(log.log_end_offset))


def test_a_follower_has_the_system_forget_what_nobody_reads_and_a_leader_does_not(shelf, monkeypatch):
    forgotten = []
    monkeypatch.setattr(MemoryFile, "forget", lambda file, position, length: forgotten.append((position, length)))
    leader, follower = shelf.open(), Shelf().open()
    for size in (300_000, 300_000, 600_000):
        append(leader, b"v" * size)
    follower.append_as_follower(memoryview(leader.read_records(0, bytes_max=1 << 30, upper=2)))
    assert forgotten == []
    follower.append_as_follower(memoryview(leader.read_records(2, bytes_max=1 << 30, upper=3)))
    assert forgotten == [(0, follower.size)]


def test_a_leader_gives_its_newest_batch_without_reading_it_if_it_is_short(shelf, monkeypatch):
    reads = []
    read = MemoryFile.read
    monkeypatch.setattr(MemoryFile, "read", lambda file, position, length: reads.append(length) or read(file, position, length))
    leader, follower = shelf.open(), Shelf().open()
    append(leader, b"old")
    append(leader, b"new", b"er")
    size = leader.segments()[0].size
    reads.clear()
    for offset in (1, 2):
        newest = leader.read(offset, bytes_max=10_000, upper=3)
        assert (newest.next_offset, read_header(newest.read()).base_offset) == (3, 1)
    assert reads == []
    assert leader.read_records(0, bytes_max=10_000, upper=3).endswith(newest.read()) and reads == [size]
    assert leader.read(1, bytes_max=10, upper=3, at_least_one=False).size == 0
    assert leader.read(1, bytes_max=10_000, upper=1).size == 0

    follower.append_as_follower(memoryview(leader.read_records(0, bytes_max=10_000, upper=3)))
    append(leader, b"v" * NEWEST_BYTES_MAX)
    reads.clear()
    assert follower.read_records(1, bytes_max=10_000, upper=3) == newest.read() and len(reads) == 1
    assert values(leader, 3, 4) == [b"v" * NEWEST_BYTES_MAX] and len(reads) == 2

    append(leader, b"gone")
    leader.truncate_to(4)
    append(leader, b"instead", leader_epoch=1)
    assert values(leader, 4, 5) == [b"instead"]
