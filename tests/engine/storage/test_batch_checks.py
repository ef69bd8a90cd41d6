"""What a leader refuses, and what it changes in a client's batch."""

import struct

import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as some

from engine.protocol.errors import (
    CorruptMessage,
    InvalidRecord,
    InvalidTimestamp,
    MessageTooLarge,
    RecordListTooLarge,
)
from engine.protocol.record_batch import Record, decode_records, encode_batch, read_header
from engine.storage.batch_checks import RecordError, count_by_lengths, record_errors
from tests.engine.storage.conftest import NOW, append, batch

HOUR = 3_600_000


def patched(data: memoryview, at: int, layout: str, value: int) -> memoryview:
    """A batch that lies, with a good checksum."""
    struct.pack_into(layout, data, at, value)
    struct.pack_into(">I", data, 17, crc32c(data[21:]))
    return data


@pytest.mark.parametrize(
    "lie",
    [
        (0, ">q", 5),  # base offset
        (23, ">i", 7),  # last offset delta
        (23, ">i", -1),
        (57, ">i", 0),  # record count
        (57, ">i", 3),
        (21, ">h", 0x20),  # a control batch
        (21, ">h", 6),  # a codec that does not exist
        (43, ">q", 12),  # a producer id without a sequence
    ],
)
def test_lies_in_the_header_are_invalid_records(shelf, lie):
    log = shelf.open()
    with pytest.raises(InvalidRecord):
        log.append_as_leader(patched(batch(b"a", b"b"), *lie), leader_epoch=0, now_ms=NOW)
    assert log.log_end_offset == 0 and log.size == 0


def test_a_batch_with_fewer_records_than_declared(shelf):
    lie = patched(patched(batch(b"a", b"b"), 23, ">i", 2), 57, ">i", 3)
    with pytest.raises(InvalidRecord, match="do not fill"):
        shelf.open().append_as_leader(lie, leader_epoch=0, now_ms=NOW)


def test_harm_is_corruption(shelf):
    data = batch(b"a")
    data[-1] ^= 1
    with pytest.raises(CorruptMessage, match="stored crc"):
        shelf.open().append_as_leader(data, leader_epoch=0, now_ms=NOW)


@pytest.mark.parametrize("data", [b"", b"\0" * 16 + b"\1" + b"\0" * 40, bytes(batch(b"a")) * 2])
def test_nothing_two_batches_and_old_message_sets_are_invalid(shelf, data):
    with pytest.raises(InvalidRecord):
        shelf.open().append_as_leader(memoryview(bytearray(data)), leader_epoch=0, now_ms=NOW)


def test_sizes(shelf):
    size = len(batch(b"a" * 100))
    with pytest.raises(MessageTooLarge):
        append(shelf.open(max_message_bytes=size - 1), b"a" * 100)
    append(shelf.open(max_message_bytes=size), b"a" * 100)
    with pytest.raises(RecordListTooLarge):
        append(shelf.open(segment_bytes=size - 1), b"a" * 100)


@pytest.mark.parametrize("codec", range(5))
def test_a_compacted_topic_wants_keys(shelf, codec):
    log = shelf.open(cleanup_policy="compact")
    append(log, b"a", compression=codec)
    with pytest.raises(InvalidRecord, match="only showing the first three") as caught:
        append(log, b"a", key=None, compression=codec)
    assert record_errors(caught.value) == (RecordError(0, "Compacted topic cannot accept message without key"),)


def test_times_that_are_too_late_or_too_early(shelf):
    log = shelf.open(message_timestamp_before_max_ms=HOUR)
    for timestamp in (NOW + HOUR, NOW - HOUR, -1):
        append(log, b"a", timestamp=timestamp)
    for timestamp in (NOW + HOUR + 1, NOW - HOUR - 1):
        with pytest.raises(InvalidTimestamp) as caught:
            append(log, b"a", timestamp=timestamp)
        assert record_errors(caught.value)[0].batch_index == 0
    with pytest.raises(InvalidTimestamp):
        append(shelf.open(), b"a", b"b", timestamp=NOW, step=HOUR + 1)


def test_log_append_time_is_the_leaders(shelf):
    log = shelf.open(message_timestamp_type="LogAppendTime")
    assert append(log, b"a", b"b", timestamp=5, now_ms=NOW + 3).log_append_time_ms == NOW + 3
    assert [record.timestamp for record in decode_records(log.read_records(0, bytes_max=1, upper=2))] == [NOW + 3] * 2
    with pytest.raises(InvalidTimestamp):
        append(log, b"a", timestamp_type=1)
    create = shelf.open()
    append(create, b"a", timestamp_type=1)
    assert read_header(create.read_records(2, bytes_max=1, upper=3)).timestamp_type == 0


@pytest.mark.parametrize("source", range(5))
@pytest.mark.parametrize("target", ["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"])
def test_a_topic_may_want_its_own_codec(shelf, source, target):
    log = shelf.open(compression_type=target)
    fields = {"producer_id": 5, "producer_epoch": 1, "base_sequence": 8}
    appended = append(log, b"a" * 50, b"b", compression=source, **fields)
    data = log.read_records(0, bytes_max=1, upper=2)
    header = read_header(data)
    want = source if target == "producer" else ["uncompressed", "gzip", "snappy", "lz4", "zstd"].index(target)
    assert (header.compression, header.producer_id, header.producer_epoch, header.base_sequence) == (want, 5, 1, 8)
    assert [(record.offset, record.value) for record in decode_records(data)] == [(0, b"a" * 50), (1, b"b")]
    assert appended.last_offset == 1 and append(log, b"a" * 50, b"b", compression=source, **fields).duplicate


def test_coordinators_and_the_quorum_are_not_distrusted(shelf):
    log = shelf.open(cleanup_policy="compact", max_message_bytes=10)
    control = bytes(encode_batch([Record(timestamp=NOW, key=b"\0\0\0\2", value=b"")], control=True))
    assert log.append_as_leader(memoryview(control), leader_epoch=1, now_ms=NOW, origin="raft").base_offset == 0
    assert control[:8] == bytes(8), "bytes are copied, not changed"


@given(some.lists(some.integers(0, 400) | some.integers(9_000, 9_003), min_size=1, max_size=60), some.integers(1, 60))
def test_records_are_counted_by_their_lengths(sizes, repeats):
    values = [b"v" * size for size in sizes + [sizes[-1]] * repeats]
    data = batch(*values)
    assert count_by_lengths(data, len(data)) == len(values)
    assert count_by_lengths(data[:-1], len(data) - 1) == -1


@given(some.binary(max_size=200))
def test_counting_garbage_ends(data):
    view = memoryview(b"\0" * 61 + data)
    assert -1 <= count_by_lengths(view, len(view)) <= len(data)
