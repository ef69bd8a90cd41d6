"""The control records of the metadata log: who became leader, and what opens and closes a snapshot (KIP-595, 630, 853).

A control record's key is a version and a type, two int16; its value follows the schema of the type.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from engine.protocol.record_batch import Record, encode_batch
from engine.protocol.stored.schema import (
    INT16,
    INT32,
    INT64,
    NULL_UUID,
    STRING,
    UINT16,
    UUID_,
    Malformed,
    array_of,
    column,
    decode_body,
    encode_body,
    stored,
)

LEADER_CHANGE, SNAPSHOT_HEADER, SNAPSHOT_FOOTER, KRAFT_VERSION, KRAFT_VOTERS = 2, 3, 4, 5, 6
KEY = struct.Struct(">hh")


@stored(versions=range(2))
class Voter:
    voter_id: int = column(INT32)
    voter_directory_id: UUID = column(UUID_, since=1, default=NULL_UUID, ignorable=True)


@stored(versions=range(2))
class LeaderChangeMessage:
    """The first record of each epoch. Version 1 only since voters have directory ids (kraft.version 1)."""

    version: int = column(INT16, default=0)
    leader_id: int = column(INT32)
    voters: tuple[Voter, ...] = column(array_of(Voter))
    granting_voters: tuple[Voter, ...] = column(array_of(Voter))


@stored()
class SnapshotHeaderRecord:
    version: int = column(INT16, default=0)
    last_contained_log_timestamp: int = column(INT64)


@stored()
class SnapshotFooterRecord:
    version: int = column(INT16, default=0)


@stored()
class KRaftVersionRecord:
    version: int = column(INT16, default=0)
    k_raft_version: int = column(INT16)


@stored()
class VoterEndpoint:
    name: str = column(STRING)
    host: str = column(STRING)
    port: int = column(UINT16)


@stored()
class VoterKRaftVersions:
    min_supported_version: int = column(INT16)
    max_supported_version: int = column(INT16)


@stored()
class FullVoter:
    voter_id: int = column(INT32)
    voter_directory_id: UUID = column(UUID_)
    endpoints: tuple[VoterEndpoint, ...] = column(array_of(VoterEndpoint))
    k_raft_version_feature: VoterKRaftVersions = column(VoterKRaftVersions)


@stored()
class VotersRecord:
    version: int = column(INT16, default=0)
    voters: tuple[FullVoter, ...] = column(array_of(FullVoter))


TYPES: dict[int, type] = {
    LEADER_CHANGE: LeaderChangeMessage,
    SNAPSHOT_HEADER: SnapshotHeaderRecord,
    SNAPSHOT_FOOTER: SnapshotFooterRecord,
    KRAFT_VERSION: KRaftVersionRecord,
    KRAFT_VOTERS: VotersRecord,
}
TYPE_OF = {cls: number for number, cls in TYPES.items()}


def encode_control_batch(messages: Iterable[Any], *, now_ms: int, base_offset: int = 0, leader_epoch: int = -1) -> bytearray:
    """One control batch with a record for each message."""
    records = [
        Record(timestamp=now_ms, key=KEY.pack(0, TYPE_OF[type(message)]), value=bytes(encode_body(message, message.version)))
        for message in messages
    ]
    return encode_batch(records, base_offset=base_offset, leader_epoch=leader_epoch, control=True)


def decode_control_record(record: Record) -> Any:
    """The message; None for a type that we do not know (transaction markers have their own reader). Raises Malformed."""
    if record.key is None or len(record.key) < KEY.size or record.value is None:
        raise Malformed("a control record has a key of four bytes and a value")
    kind = TYPES.get(KEY.unpack_from(record.key)[1])
    if kind is None:
        return None
    version = struct.unpack_from(">h", record.value)[0] if len(record.value) >= 2 else -1
    return decode_body(kind, version, record.value)


def leader_change(*, leader: int, voters: Iterable[int], granting: Iterable[int]) -> LeaderChangeMessage:
    """What a new leader writes first: who may vote, and who voted for it."""
    return LeaderChangeMessage(
        leader_id=leader,
        voters=tuple(Voter(voter_id=voter) for voter in voters),
        granting_voters=tuple(Voter(voter_id=voter) for voter in granting),
    )
