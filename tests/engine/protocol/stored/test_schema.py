"""The bytes of stored records: Kafka's framing, its compact and classic forms, its tagged fields; and never a crash on rubbish."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.protocol.stored import schema
from engine.protocol.stored.schema import (
    BYTES,
    INT8,
    INT32,
    INT64,
    STRING,
    Malformed,
    Unstorable,
    array_of,
    column,
    decode_body,
    encode_body,
    stored,
)


@stored(versions=range(5), flexible_since=4)
class Member:
    name: str = column(STRING)
    instance: str | None = column(STRING, since=3, nullable_since=3, default=None)


@stored(versions=range(5), flexible_since=4)
class Group:
    """Classic up to version 3, flexible in version 4, like the coordinator's values."""

    protocol: str | None = column(STRING, nullable_since=0)
    data: bytes = column(BYTES, default=b"")
    old: int = column(INT64, until=1, default=-1, ignorable=True)
    since_two: int = column(INT32, since=2, default=-1)
    members: tuple[Member, ...] | None = column(array_of(Member), nullable_since=4, default=())
    tagged: int = column(INT8, since=4, tag=3, default=0)
    tagged_ids: tuple[int, ...] | None = column(array_of(INT32), since=4, tag=1, nullable_since=4, default=None)


def test_the_classic_form_has_fixed_lengths_and_no_tags():
    group = Group(protocol="rr", data=b"xy", old=9, members=(Member(name="m"),))
    data = encode_body(group, 1)
    assert data.hex() == "0002" + b"rr".hex() + "00000002" + b"xy".hex() + "0000000000000009" + "00000001" + "0001" + b"m".hex()
    assert decode_body(Group, 1, data) == group
    assert encode_body(Group(protocol=None), 0)[:2].hex() == "ffff"


def test_the_flexible_form_has_compact_lengths_and_ends_each_structure_with_tags():
    group = Group(protocol=None, data=b"x", since_two=1, members=(Member(name="m"),), tagged=5, tagged_ids=(7,))
    data = encode_body(group, 4)
    tags = "02" + "0105" + "0200000007" + "0301" + "05"
    assert data.hex() == "00" + "0278" + "00000001" + "02" + "026d" + "00" + "00" + tags
    assert decode_body(Group, 4, data) == group


def test_a_tagged_field_at_its_default_is_not_written_and_an_unknown_tag_is_stepped_over():
    plain = encode_body(Group(protocol="p"), 4)
    assert plain[-1] == 0
    stranger = plain[:-1] + bytes([1, 9, 2, 0xAA, 0xBB])
    assert decode_body(Group, 4, stranger) == Group(protocol="p")


def test_a_field_the_version_lacks_must_be_at_its_default_or_ignorable():
    assert decode_body(Group, 2, encode_body(Group(protocol="p", old=3), 2)).old == -1
    with pytest.raises(Unstorable, match="Group version 1 has no since_two"):
        encode_body(Group(protocol="p", since_two=3), 1)
    with pytest.raises(Unstorable, match="may not be null"):
        encode_body(Group(protocol="p", members=None), 3)
    with pytest.raises(Unstorable, match="Group.since_two"):
        encode_body(Group(protocol="p", since_two=2**31), 2)
    with pytest.raises(Unstorable, match="longer than"):
        encode_body(Group(protocol="p" * 40_000), 2)


def test_a_coordinator_record_starts_with_an_int16_and_a_metadata_record_with_three_varints():
    assert schema.encode_prefixed(Member(name="m"), version=3).hex() == "0003" + "0001" + "6d" + "ffff"
    assert schema.encode_prefixed(Member(name="m"), version=0, prefix=2).hex() == "0002" + "0001" + "6d"
    assert schema.read_prefix(b"\x00\x03rest") == 3
    framed = schema.encode_framed(Member(name="m"), api_key=300, version=4)
    assert framed.hex() == "01" + "ac02" + "04" + "026d" + "00" + "00"
    assert schema.read_frame(framed) == (300, 4, 4)


def test_an_unknown_version_is_malformed():
    with pytest.raises(Malformed, match="Group has no version 5, only 0 to 4"):
        decode_body(Group, 5, b"")


ids = st.integers(-(2**31), 2**31 - 1)
members = st.builds(Member, name=st.text(max_size=9), instance=st.none() | st.text(max_size=9))
groups = st.builds(
    Group,
    protocol=st.none() | st.text(max_size=300),
    data=st.binary(max_size=200),
    since_two=ids,
    members=st.none() | st.lists(members, max_size=3).map(tuple),
    tagged=st.integers(-128, 127),
    tagged_ids=st.none() | st.lists(ids).map(tuple),
)


@given(groups)
def test_what_is_written_is_read_again(group):
    assert decode_body(Group, 4, encode_body(group, 4)) == group


@given(groups, st.data())
def test_a_cut_record_is_malformed_and_never_anything_else(group, data):
    whole = encode_body(group, 4)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(Malformed):
        decode_body(Group, 4, whole[:cut])


@given(st.binary(max_size=60), st.integers(0, 4))
def test_rubbish_is_read_as_a_record_or_is_malformed(rubbish, version):
    try:
        decode_body(Group, version, rubbish)
    except Malformed:
        pass


def test_uuid_is_sixteen_bytes():
    codec = schema.UUID_(schema.Form(0, False, False))
    assert codec.read(UUID(int=5).bytes, 0) == (UUID(int=5), 16)
    with pytest.raises(Malformed):
        codec.read(b"123", 0)
