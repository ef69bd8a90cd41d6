"""Committing, deleting and expiring the offsets of groups. Source: OffsetMetadataManager and ClassicGroup of Apache Kafka."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from engine.coordination.groups.decision import Decision, Record
from engine.coordination.groups.group import Group
from engine.coordination.groups.ledger import Ledger
from engine.coordination.groups.limits import Limits
from engine.coordination.groups.states import GroupState
from engine.protocol.errors import (
    ErrorCode,
    GroupIdNotFound,
    IllegalGeneration,
    NonEmptyGroup,
    RebalanceInProgress,
    UnknownMemberId,
)
from engine.protocol.stored.groups import OffsetCommitKey, OffsetCommitValue
from engine.protocol.stored.schema import NULL_UUID

NO_RETENTION = -1
TopicPartition = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetAsked:
    """One offset to commit."""

    topic: str
    partition: int
    offset: int
    leader_epoch: int = -1
    metadata: str | None = None
    topic_id: UUID = NULL_UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitAsked:
    """An OffsetCommit, free of versions. `hears_of_missing_group`: v9 and newer (KIP-848)."""

    group: str
    generation: int
    member_id: str
    instance: str | None
    offsets: tuple[OffsetAsked, ...]
    retention_ms: int = NO_RETENTION
    hears_of_missing_group: bool = True


def check_commit(group: Group | None, asked: CommitAsked) -> None:
    """May this member, or this stranger, commit now?

    Raises GroupIdNotFound, IllegalGeneration, UnknownMemberId, FencedInstanceId, RebalanceInProgress.
    """
    if group is None:
        if asked.generation < 0:
            return  # An administrator, or a consumer that assigns itself: the commit makes a simple group.
        raise GroupIdNotFound(f"Group {asked.group} not found.") if asked.hears_of_missing_group else IllegalGeneration()
    if asked.generation < 0 and group.is_in(GroupState.EMPTY):
        return
    if asked.generation < 0 and not asked.member_id and asked.instance is None:
        raise UnknownMemberId  # Strangers commit only while nobody is there.
    group.check_member(asked.member_id, asked.instance)
    if asked.generation != group.generation:
        raise IllegalGeneration
    if group.is_in(GroupState.COMPLETING_REBALANCE):
        # Its id and generation are right, so it has heard of the new generation already and must first get its assignment.
        raise RebalanceInProgress


def commit(asked: CommitAsked, *, limits: Limits, now_ms: int) -> tuple[Decision, dict[TopicPartition, ErrorCode]]:
    """The records, and a code for each partition. Call `check_commit` before."""
    decision = Decision()
    codes: dict[TopicPartition, ErrorCode] = {}
    expire_ms = -1 if asked.retention_ms == NO_RETENTION else now_ms + asked.retention_ms
    for one in asked.offsets:
        metadata = one.metadata or ""
        too_large = _java_length(metadata) > limits.offset_metadata_bytes_max
        codes[one.topic, one.partition] = ErrorCode.offset_metadata_too_large if too_large else ErrorCode.none
        if not too_large:
            key = OffsetCommitKey(group=asked.group, topic=one.topic, partition=one.partition)
            value = OffsetCommitValue(
                offset=one.offset,
                leader_epoch=one.leader_epoch,
                metadata=metadata,
                commit_timestamp=now_ms,
                expire_timestamp=expire_ms,
                topic_id=one.topic_id,
            )
            decision.records.append((key, value))
    return decision, codes


def _java_length(text: str) -> int:
    """Kafka counts what Java calls characters, whatever the config's name says."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def delete(group: Group | None, ledger: Ledger, wanted: Iterable[TopicPartition]) -> tuple[Decision, dict[TopicPartition, ErrorCode]]:
    """Takes offsets away, unless the group is subscribed to their topic. Raises GroupIdNotFound, NonEmptyGroup."""
    if group is None:
        raise GroupIdNotFound
    if not group.is_in(GroupState.EMPTY) and not group.uses_consumer_protocol():
        raise NonEmptyGroup
    decision = Decision()
    codes: dict[TopicPartition, ErrorCode] = {}
    for topic, partition in wanted:
        subscribed = group.is_subscribed_to(topic)
        codes[topic, partition] = ErrorCode.group_subscribed_to_topic if subscribed else ErrorCode.none
        if not subscribed and ledger.offset(group.id, topic, partition) is not None:
            decision.records.append((OffsetCommitKey(group=group.id, topic=topic, partition=partition), None))
    return decision, codes


def of_deleted_topics(ledger: Ledger, topics: Iterable[str]) -> list[Record]:
    """Tombstones for all offsets of these topics: under the same name another topic may come."""
    gone = set(topics)
    return [(key, None) for group in sorted(ledger.offsets) for key, _ in ledger.keys_of(group) if key.topic in gone]


def expired(group: Group, ledger: Ledger, *, limits: Limits, now_ms: int) -> tuple[list[Record], bool]:
    """Tombstones for offsets whose time is over, and whether none is left then.

    Time counts from when a group became empty; in groups with members, for topics that nobody wants, and in simple groups,
    from each commit.
    """
    kept = list(ledger.keys_of(group.id))
    is_simple = group.protocol_type is None
    reads_subscriptions = group.uses_consumer_protocol() and group.subscribed is not None and group.is_in(GroupState.STABLE)
    if not (is_simple or group.is_in(GroupState.EMPTY) or reads_subscriptions):
        return [], not kept
    records: list[Record] = []
    for key, value in kept:
        since_ms = value.commit_timestamp
        if not is_simple and group.is_in(GroupState.EMPTY) and group.state_since_ms >= 0:
            since_ms = group.state_since_ms
        if not group.is_subscribed_to(key.topic) and _is_over(value, since_ms, limits, now_ms):
            records.append((key, None))
    return records, len(records) == len(kept)


def _is_over(value: OffsetCommitValue, since_ms: int, limits: Limits, now_ms: int) -> bool:
    if value.expire_timestamp != -1:
        return now_ms >= value.expire_timestamp
    return now_ms - since_ms >= limits.offsets_retention_ms
