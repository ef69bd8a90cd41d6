"""The records of classic groups in `__consumer_offsets`, as Apache Kafka 4.3 writes and reads them.

A key begins with its record type, a value with its version. Newer group types (KIP-848, share, streams) have types of their
own; they are not read yet and come back as None from `decode_key`.
"""

from __future__ import annotations

from uuid import UUID

from engine.protocol.stored.schema import (
    BYTES,
    INT32,
    INT64,
    NULL_UUID,
    PREFIX_BYTES,
    STRING,
    Buffer,
    Malformed,
    UUID_,
    array_of,
    column,
    decode_body,
    encode_prefixed,
    read_prefix,
    stored,
)

LEGACY_OFFSET_COMMIT_TYPE = 0  # written by very old brokers; the key's fields are the same
OFFSET_COMMIT_TYPE = 1
GROUP_METADATA_TYPE = 2

OFFSET_COMMIT_VERSION = 4
OFFSET_COMMIT_WITH_EXPIRY_VERSION = 1  # the only version that has expire_timestamp
GROUP_METADATA_VERSION = 3


@stored(flexible_since=None)
class OffsetCommitKey:
    """Whose offset it is."""

    group: str = column(STRING)
    topic: str = column(STRING)
    partition: int = column(INT32)


@stored(versions=range(0, 5), flexible_since=4)
class OffsetCommitValue:
    """A committed offset. `expire_timestamp` -1: offsets.retention.minutes decides. Times are ms since 1970."""

    offset: int = column(INT64)
    leader_epoch: int = column(INT32, since=3, default=-1, ignorable=True)
    metadata: str = column(STRING)
    commit_timestamp: int = column(INT64)
    expire_timestamp: int = column(INT64, since=1, until=1, default=-1, ignorable=True)
    topic_id: UUID = column(UUID_, since=4, tag=0, default=NULL_UUID, ignorable=True)


@stored(flexible_since=None)
class GroupMetadataKey:
    """Which group it is."""

    group: str = column(STRING)


@stored(versions=range(0, 5), flexible_since=4)
class MemberMetadata:
    """A member of the generation; `subscription` is its metadata for the group's protocol. Times are ms."""

    member_id: str = column(STRING)
    group_instance_id: str | None = column(STRING, since=3, nullable_since=3, default=None, ignorable=True)
    client_id: str = column(STRING)
    client_host: str = column(STRING)
    rebalance_timeout: int = column(INT32, since=1, default=-1, ignorable=True)
    session_timeout: int = column(INT32)
    subscription: bytes = column(BYTES)
    assignment: bytes = column(BYTES)


@stored(versions=range(0, 5), flexible_since=4)
class GroupMetadataValue:
    """A generation of a group: its protocol, its leader and its members with what they were assigned."""

    protocol_type: str = column(STRING)
    generation: int = column(INT32)
    protocol: str | None = column(STRING, nullable_since=0)
    leader: str | None = column(STRING, nullable_since=0)
    current_state_timestamp: int = column(INT64, since=2, default=-1, ignorable=True)
    members: tuple[MemberMetadata, ...] = column(array_of(MemberMetadata))


Key = OffsetCommitKey | GroupMetadataKey
Value = OffsetCommitValue | GroupMetadataValue


def encode_key(key: Key) -> bytes:
    """The record type, then the key."""
    prefix = OFFSET_COMMIT_TYPE if isinstance(key, OffsetCommitKey) else GROUP_METADATA_TYPE
    return encode_prefixed(key, version=0, prefix=prefix)


def encode_value(value: Value | None) -> bytes | None:
    """The version that Kafka 4.3 writes, then the value; None for a tombstone."""
    if value is None:
        return None
    if isinstance(value, GroupMetadataValue):
        return encode_prefixed(value, version=GROUP_METADATA_VERSION)
    expires = value.expire_timestamp != -1
    return encode_prefixed(value, version=OFFSET_COMMIT_WITH_EXPIRY_VERSION if expires else OFFSET_COMMIT_VERSION)


def decode_key(data: Buffer) -> Key | None:
    """The key; None for a record type that is not one of classic groups. Raises Malformed."""
    kind = read_prefix(data)
    if kind in (LEGACY_OFFSET_COMMIT_TYPE, OFFSET_COMMIT_TYPE):
        return decode_body(OffsetCommitKey, 0, data, PREFIX_BYTES)
    if kind == GROUP_METADATA_TYPE:
        return decode_body(GroupMetadataKey, 0, data, PREFIX_BYTES)
    if kind < 0:
        raise Malformed(f"no coordinator record has the type {kind}")
    return None


def decode_value(key: Key, data: Buffer | None) -> Value | None:
    """The value that belongs to the key; None for a tombstone. Raises Malformed."""
    if data is None:
        return None
    kind = OffsetCommitValue if isinstance(key, OffsetCommitKey) else GroupMetadataValue
    return decode_body(kind, read_prefix(data), data, PREFIX_BYTES)
