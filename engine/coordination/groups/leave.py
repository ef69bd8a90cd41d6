"""What happens when members leave, or are taken out by an administrator (LeaveGroup)."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.coordination.groups import rebalance
from engine.coordination.groups.decision import Decision, Told, Turn
from engine.coordination.groups.group import Group
from engine.coordination.groups.limits import Limits
from engine.coordination.groups.states import GroupState
from engine.protocol.errors import ErrorCode, FencedInstanceId, UnknownMemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Who leaves. Without a member id an administrator takes out the static member of that instance."""

    member_id: str
    instance: str | None = None
    reason: str | None = None


def leave(group: Group, leaving: Sequence[Leaving], *, limits: Limits, now_ms: int) -> tuple[Decision, list[ErrorCode]]:
    """The decision, and an error code for each who asked, in order."""
    turn = Turn(group, limits, now_ms)
    told: list[Told] = []
    codes = [_leave_one(turn, one, told) for one in leaving]
    if told and group.is_in(GroupState.STABLE, GroupState.COMPLETING_REBALANCE):
        rebalance.begin(turn, f"{', '.join(left.fact.member for left in told)} left", told)
    elif ErrorCode.none in codes and group.is_in(GroupState.STABLE, GroupState.COMPLETING_REBALANCE):
        # As Kafka: even a member that had only been given its id makes the others join again.
        rebalance.begin(turn, "a member left that had not joined yet")
    elif ErrorCode.none in codes:
        rebalance.complete_if_all_joined(turn)
    return turn.decision, codes


def _leave_one(turn: Turn, one: Leaving, told: list[Told]) -> ErrorCode:
    group = turn.group
    if not one.member_id:
        known = group.static_members.get(one.instance) if one.instance is not None else None
        if known is None:
            return ErrorCode.unknown_member_id
        told.append(rebalance.remove(turn, group.members[known], "removed by admin"))
        return ErrorCode.none
    if one.member_id in group.pending_members:
        rebalance.remove_pending(turn, one.member_id)
        return ErrorCode.none
    try:
        member = group.check_member(one.member_id, one.instance)
    except (UnknownMemberId, FencedInstanceId) as error:
        return error.code
    told.append(rebalance.remove(turn, member, "left"))
    return ErrorCode.none
