"""Record batches: what is encoded is decoded, harm is noticed, stamps keep the checksum good."""

import struct
import tracemalloc

import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as some

from engine.protocol import compression
from engine.protocol.compression import PLAIN_BYTES_MAX
from engine.protocol.errors import CorruptMessage, MessageTooLarge, UnsupportedForMessageFormat
from engine.protocol.record_batch import (
    Record,
    check,
    check_one,
    decode_records,
    encode_batch,
    read_header,
    read_varint,
    stamp,
    stamp_create_time,
    stamp_log_append_time,
    walk,
    write_varint,
)
from tests.fuzz.batches import bomb

blobs = some.none() | some.binary(max_size=80)
records = some.lists(
    some.builds(
        Record,
        offset=some.just(-1),
        timestamp=some.integers(-1, 2**45),
        key=blobs,
        value=blobs,
        headers=some.lists(some.tuples(some.text(max_size=8), blobs), max_size=3).map(tuple),
    ),
    min_size=1,
    max_size=20,
)


@given(records, some.integers(0, 4), some.integers(0, 2**60))
def test_records_come_back_as_they_went(records, codec, base_offset):
    data = encode_batch(records, base_offset=base_offset, compression=codec, producer_id=9, producer_epoch=1, base_sequence=4)
    (header,) = check(data)
    assert (header.size, header.compression, header.record_count) == (len(data), codec, len(records))
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (9, 1, 4)
    assert header.max_timestamp == max(record.timestamp for record in records)
    assert header.last_sequence == 4 + len(records) - 1
    want = [record._replace(offset=base_offset + number) for number, record in enumerate(records)]
    assert decode_records(data) == want


@given(some.integers(-(2**63), 2**63 - 1))
def test_varints(value):
    out = bytearray()
    write_varint(out, value)
    assert read_varint(out, 0) == (value, len(out)) and len(out) <= 10


@given(some.binary(max_size=300), some.integers(0, 4))
def test_random_bytes_are_refused_and_never_crash(data, codec):
    body = struct.pack(">hiqqqhii", codec, 4, 0, 0, -1, -1, -1, 5) + data
    batch = struct.pack(">qiibI", 0, len(body) + 9, 0, 2, crc32c(body)) + body
    check(batch)
    try:
        decode_records(batch)
    except (CorruptMessage, MessageTooLarge):  # raw snappy says how long it will be, and may say anything
        pass
    try:
        check(data)
    except (CorruptMessage, UnsupportedForMessageFormat):
        pass


def test_every_harmed_byte_under_the_checksum_is_noticed():
    good = encode_batch([Record(value=b"v")])
    for at in [*range(8, 12), *range(16, len(good))]:
        harmed = bytearray(good)
        harmed[at] ^= 0x10
        with pytest.raises((CorruptMessage, UnsupportedForMessageFormat)):
            check(harmed)


def test_old_message_formats_are_not_supported():
    for magic in (0, 1):
        data = bytearray(encode_batch([Record()]))
        data[16] = magic
        with pytest.raises(UnsupportedForMessageFormat):
            check(data)


def test_stamps_keep_the_checksum_good():
    data = encode_batch([Record(timestamp=5), Record(timestamp=9)])
    stamp(data, 0, base_offset=77, leader_epoch=3)
    assert (check_one(memoryview(data)).base_offset, read_header(data).leader_epoch) == (77, 3)
    stamp_log_append_time(data, read_header(data), timestamp=1000)
    (header,) = check(data)
    assert (header.timestamp_type, header.max_timestamp) == (1, 1000)
    assert [record.timestamp for record in decode_records(data)] == [1000, 1000]
    stamp_create_time(data, header)
    assert check(data)[0].timestamp_type == 0


def test_walk_stops_before_a_torn_batch():
    data = bytes(encode_batch([Record()])) + bytes(encode_batch([Record()], base_offset=1))
    assert [position for position, _ in walk(data)] == [0, len(data) // 2]
    assert [position for position, _ in walk(data[:-1])] == [0]


def test_a_timestamp_beyond_a_long_wraps_as_javas_sum_does():
    batch = encode_batch([Record(timestamp=1000), Record(timestamp=1000 + 2**63 - 1)], max_timestamp=1000)
    assert [record.timestamp for record in decode_records(batch)] == [1000, -(2**63) + 999]


def test_control_batches_say_so():
    header = read_header(encode_batch([Record(key=b"\0\0\0\1", value=b"\0\0\0\0\0\0")], control=True, transactional=True))
    assert header.is_control and header.is_transactional


@pytest.mark.parametrize("data", [b"", b"a", b"hello " * 50_000, bytes(range(256)) * 700])
@pytest.mark.parametrize("codec", range(5))
def test_codecs_go_round(codec, data):
    assert compression.decompress(codec, compression.compress(codec, data)) == data


def test_snappy_without_its_stream_is_read_too():
    import cramjam

    assert compression.decompress(compression.SNAPPY, bytes(cramjam.snappy.compress_raw(b"librdkafka"))) == b"librdkafka"


@pytest.mark.parametrize("codec", [1, 2, 3, 4, 5])
def test_garbage_is_refused(codec):
    with pytest.raises(compression.CompressionFailed):
        compression.decompress(codec, b"no codec wrote this")


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
def test_a_bomb_is_refused_before_it_is_unpacked(codec):
    tracemalloc.start()
    try:
        with pytest.raises(MessageTooLarge):
            decode_records(bomb(codec, 256 << 20))
        assert tracemalloc.get_traced_memory()[1] < 3 * PLAIN_BYTES_MAX
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
def test_what_shrinks_well_and_is_honest_is_read(codec):
    records = [Record(offset=number, timestamp=5, value=bytes(1000)) for number in range(5000)]
    assert decode_records(encode_batch(records, compression=codec)) == records


def test_more_records_than_anybody_batches_are_refused():
    batch = bytearray(encode_batch([Record(value=b"v")]))
    struct.pack_into(">i", batch, 57, 1 << 19)
    with pytest.raises(MessageTooLarge, match="records in one batch"):
        decode_records(batch)
