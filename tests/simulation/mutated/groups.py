"""A group coordinator that is wrong: generations, assignments, committed offsets."""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from engine.coordination.groups import offsets, sync
from engine.coordination.groups.group import Group
from engine.coordination.shard import Shard
from engine.protocol.record_batch import Record, encode_batch
from engine.replication.partition import ALL, Partition
from engine.storage.partition_log import COORDINATOR

Wrong = AbstractContextManager[Any]


def offset_commit_not_replicated() -> Wrong:
    """The coordinator answers when its own log has what it was asked to store."""

    async def append_only(self: Partition, records: Any) -> int:
        now_ms = self.room.clock.now_ms()
        batch = encode_batch([Record(timestamp=now_ms, key=key, value=value) for key, value in records])
        return self.append(memoryview(batch), acks=ALL, now_ms=now_ms, origin=COORDINATOR).base_offset

    return patch.object(Partition, "append_and_commit", append_only)


def commit_of_another_generation_taken() -> Wrong:
    """The coordinator takes offsets from whoever sends them, member or not, of whatever generation."""
    return patch.object(offsets, "check_commit", lambda group, asked: None)


def stale_assignment_answered() -> Wrong:
    """SyncGroup answers at once with what the member was assigned before."""
    decide = sync._await_assignment

    def at_once(turn: Any, asked: Any, waiter: Any) -> None:
        member = turn.group.members[asked.member_id]
        if turn.group.leader != member.id and member.assignment:
            sync._has_synced(turn, member.id)
            turn.decision.answer(waiter, sync.rebalance.assignment_answer(turn.group, member))
        else:
            decide(turn, asked, waiter)

    return patch.object(sync, "_await_assignment", at_once)


def generation_not_raised() -> Wrong:
    """A rebalance ends in the generation in which it began."""
    begin = Group.begin_generation

    def same(self: Group, *, now_ms: int) -> None:
        begin(self, now_ms=now_ms)
        self.generation = max(self.generation - 1, 1)

    return patch.object(Group, "begin_generation", same)


def offset_stored_one_too_far() -> Wrong:
    """The coordinator stores the offset behind the one that it was told."""
    decide = offsets.commit

    def too_far(asked: Any, **rest: Any) -> Any:
        return decide(replace(asked, offsets=tuple(replace(one, offset=one.offset + 1) for one in asked.offsets)), **rest)

    return patch.object(offsets, "commit", too_far)


def offsets_not_loaded() -> Wrong:
    """A new coordinator begins before it has read what the group had stored."""

    async def at_once(self: Shard) -> None:
        self._begin()

    return patch.object(Shard, "_load", at_once)
