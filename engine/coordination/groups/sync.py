"""What happens when members ask for their assignment, and the leader brings it (SyncGroup)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.coordination.groups import consumer_protocol, rebalance
from engine.coordination.groups.decision import SYNC_TIMER, Decision, SyncAnswer, Turn, for_client
from engine.coordination.groups.group import Group
from engine.coordination.groups.limits import Limits
from engine.coordination.groups.states import GroupState, Move
from engine.events.facts import GroupRebalanced
from engine.protocol.errors import ErrorCode, FencedInstanceId, KafkaError, UnknownMemberId
from engine.protocol.stored.groups import GroupMetadataKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncAsked:
    """A SyncGroup request. Protocol type and name are None before v5; `assignments` (member id -> bytes) come from the leader."""

    group: str
    generation: int
    member_id: str
    instance: str | None
    protocol_type: str | None
    protocol: str | None
    assignments: Mapping[str, bytes]


def sync(group: Group, asked: SyncAsked, *, waiter: Any, limits: Limits, now_ms: int) -> Decision:
    """`waiter` gets the assignment, now or when the leader's is stored."""
    turn = Turn(group, limits, now_ms)
    error = _refusal(group, asked)
    if error is not None:
        turn.decision.answer(waiter, SyncAnswer(error=error))
    elif group.is_in(GroupState.PREPARING_REBALANCE):
        turn.decision.answer(waiter, SyncAnswer(error=ErrorCode.rebalance_in_progress))
    elif group.is_in(GroupState.STABLE):
        _has_synced(turn, asked.member_id)
        turn.decision.answer(waiter, rebalance.assignment_answer(group, group.members[asked.member_id]))
    else:
        _await_assignment(turn, asked, waiter)
    return turn.decision


def _refusal(group: Group, asked: SyncAsked) -> ErrorCode | None:
    if group.is_in(GroupState.EMPTY):
        return ErrorCode.unknown_member_id
    try:
        group.check_member(asked.member_id, asked.instance)
    except (UnknownMemberId, FencedInstanceId) as error:
        return error.code
    if asked.generation != group.generation:
        return ErrorCode.illegal_generation
    if asked.protocol_type not in (None, group.protocol_type) or asked.protocol not in (None, group.protocol):
        return ErrorCode.inconsistent_group_protocol
    return None


def _has_synced(turn: Turn, member_id: str) -> None:
    turn.group.pending_sync.discard(member_id)
    if not turn.group.pending_sync:
        turn.decision.cancel(SYNC_TIMER)


def _await_assignment(turn: Turn, asked: SyncAsked, waiter: Any) -> None:
    group = turn.group
    member = group.members[asked.member_id]
    if member.sync_waiter is not None:
        # It asks again over a new connection; the old request is answered, so that its connection does not wait for ever.
        turn.decision.answer(member.sync_waiter, SyncAnswer(error=ErrorCode.rebalance_in_progress))
    member.sync_waiter = waiter
    _has_synced(turn, member.id)
    if group.leader == member.id:
        assignment = {each: asked.assignments.get(each, b"") for each in group.members}
        turn.decision.records.append((GroupMetadataKey(group=group.id), group.stored(lambda each: assignment[each.id])))
        turn.decision.stored = partial(_assigned, group, turn.limits, group.generation, assignment)


def _assigned(
    group: Group, limits: Limits, generation: int, assignment: dict[str, bytes], error: KafkaError | None, now_ms: int
) -> Decision:
    """The leader's assignment is stored, or could not be. Meanwhile the group may have gone on: then it does not matter."""
    turn = Turn(group, limits, now_ms)
    if not group.is_in(GroupState.COMPLETING_REBALANCE) or group.generation != generation:
        return turn.decision
    if error is not None:
        code = for_client(error)
        for member in group.members.values():
            member.assignment = b""
        rebalance.spread(turn, code)
        rebalance.begin_or_complete(turn, f"{code.name.upper()} when storing the assignment")
        return turn.decision
    for member in group.members.values():
        member.assignment = assignment.get(member.id, b"")
    rebalance.spread(turn)
    told = turn.decision.tell(rebalanced(group), [group.rebalance_told])
    rebalance.move(turn, Move.ASSIGNED, [told])
    return turn.decision


def rebalanced(group: Group) -> GroupRebalanced:
    """For the picture: who has which partitions in this generation."""
    return GroupRebalanced(
        group=group.id,
        generation=group.generation,
        leader=group.leader or "",
        protocol=group.protocol or "",
        assignment={
            member.id: consumer_protocol.partitions_or_none(group.protocol_type, member.assignment)
            for member in group.members.values()
        },
    )
