"""Requests that Apache Kafka reads are read: with tags from the future, with any number as a time; null is only where it may be."""

import struct

import pytest

from engine.protocol.codec import Malformed, build, decode_body, encode_body

ROW = {"name": "orders", "partitions": [{"partition_index": 1, "offset": 2}]}
FUTURE = b"\x02\x64\x01x\xff\x7f\x00"  # two tagged fields: 100 holds "x", 16383 is empty


def delete_records():
    return encode_body(build("DeleteRecords", "request", 2, topics=[ROW], timeout=3))


def test_unknown_tags_are_skipped_at_every_depth():
    body = delete_records()
    partition_ends = body.index(struct.pack(">iq", 1, 2)) + 12
    inside = body[:partition_ends] + FUTURE + body[partition_ends + 1 :]
    for strange in (body[:-1] + FUTURE, inside):
        assert decode_body("DeleteRecords", "request", 2, strange) == decode_body("DeleteRecords", "request", 2, body)


def test_known_tags_stay_beside_unknown_ones():
    body = encode_body(build("BrokerHeartbeat", "request", 1, broker_id=1, broker_epoch=2, current_metadata_offset=3))
    folder = bytes(range(16))
    strange = body[:-1] + b"\x02\x00\x11\x02" + folder + b"\x64\x00"
    assert [one.bytes for one in decode_body("BrokerHeartbeat", "request", 1, strange).offline_log_dirs] == [folder]


def test_a_null_tag_says_the_same_as_none():
    body = encode_body(build("Fetch", "request", 13, topics=[]))
    assert decode_body("Fetch", "request", 13, body[:-1] + b"\x01\x00\x01\x00").cluster_id is None


@pytest.mark.parametrize("ms", [2**63 - 1, -(2**63), 86_400_000_000_000])
def test_a_time_may_be_any_number(ms):
    body = b"\0\1g" + struct.pack(">i", -1) + b"\0\1m" + struct.pack(">qi", ms, 0)
    assert decode_body("OffsetCommit", "request", 2, body).group_id == "g"


@pytest.mark.parametrize("lie", [b"\xff\xff\xff\xff\x7f", b"\x05\x64\x01x", b"\x01\x64\x7f"])
def test_tags_that_lie_are_refused(lie):
    with pytest.raises(Malformed):
        decode_body("DeleteRecords", "request", 2, delete_records()[:-1] + lie)


def test_an_array_is_null_only_where_it_may_be():
    assert decode_body("Metadata", "request", 4, b"\xff\xff\xff\xff\0").topics is None
    for api, version, body in (
        ("DeleteTopics", 3, b"\xff\xff\xff\xff\0\0\0\0"),
        ("DescribeGroups", 1, b"\xff\xff\xff\xff"),
        ("DeleteRecords", 0, b"\0\0\0\1\0\1t\xff\xff\xff\xff\0\0\0\0"),
    ):
        with pytest.raises(Malformed, match="null"):
            decode_body(api, "request", version, body)
