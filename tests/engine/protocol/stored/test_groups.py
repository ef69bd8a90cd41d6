"""Group records: the bytes that Apache Kafka 4.3.1 writes, there and back."""

import uuid

import pytest

from engine.protocol.stored import groups
from engine.protocol.stored.schema import Malformed

OFFSET = groups.OffsetCommitValue(offset=42, leader_epoch=3, metadata="note", commit_timestamp=1000)
MEMBER = groups.MemberMetadata(
    member_id="m-1",
    group_instance_id="i-1",
    client_id="c",
    client_host="/127.0.0.1",
    rebalance_timeout=300000,
    session_timeout=45000,
    subscription=b"\1\2",
    assignment=b"\3",
)
GROUP = groups.GroupMetadataValue(
    protocol_type="consumer", generation=7, protocol="range", leader="m-1", current_state_timestamp=5, members=(MEMBER,)
)


def test_keys_begin_with_their_type():
    key = groups.OffsetCommitKey(group="g", topic="t", partition=2)
    assert groups.encode_key(key) == b"\0\1\0\1g\0\1t\0\0\0\2"
    assert groups.encode_key(groups.GroupMetadataKey(group="g")) == b"\0\2\0\1g"
    assert groups.decode_key(groups.encode_key(key)) == key


def test_an_offset_is_written_in_version_4_with_its_topic_id_as_a_tag():
    data = groups.encode_value(OFFSET)
    assert data.hex() == "0004" "000000000000002a" "00000003" "05" + b"note".hex() + "00000000000003e8" "00"
    tagged = groups.OffsetCommitValue(offset=42, leader_epoch=3, metadata="note", commit_timestamp=1000, topic_id=uuid.UUID(int=9))
    assert groups.encode_value(tagged).hex() == data.hex()[:-2] + "010010" + uuid.UUID(int=9).hex
    key = groups.OffsetCommitKey(group="g", topic="t", partition=2)
    assert groups.decode_value(key, groups.encode_value(tagged)) == tagged


def test_an_offset_with_its_own_expiry_is_written_in_version_1():
    value = groups.OffsetCommitValue(offset=42, metadata="", commit_timestamp=1000, expire_timestamp=2000)
    data = groups.encode_value(value)
    assert data[:2] == b"\0\1"
    assert groups.decode_value(groups.OffsetCommitKey(group="g", topic="t", partition=2), data) == value


def test_a_group_is_written_in_version_3():
    data = groups.encode_value(GROUP)
    assert data[:2] == b"\0\3"
    assert groups.decode_value(groups.GroupMetadataKey(group="g"), data) == GROUP


def test_tombstones_and_strangers():
    key = groups.GroupMetadataKey(group="g")
    assert groups.encode_value(None) is None
    assert groups.decode_value(key, None) is None
    assert groups.decode_key(b"\0\3\0\1g") is None
    with pytest.raises(Malformed):
        groups.decode_value(key, b"\0\x09\0")
