"""How members show that they live (Heartbeat), and what happens when they do not, or come too late."""

from engine.coordination.groups import rebalance, sync
from engine.coordination.groups.decision import Decision, InitialDelayEnds, JoinEnds, Ring, SessionEnds, SyncEnds, Told, Turn
from engine.coordination.groups.group import Group
from engine.coordination.groups.limits import Limits
from engine.coordination.groups.member import Member
from engine.coordination.groups.states import GroupState
from engine.events.facts import MemberSessionExpired
from engine.protocol.errors import ErrorCode, IllegalGeneration


def heartbeat(
    group: Group, *, member_id: str, instance: str | None, generation: int, limits: Limits, now_ms: int
) -> tuple[Decision, ErrorCode]:
    """The decision, and what the member hears. Raises UnknownMemberId, FencedInstanceId, IllegalGeneration."""
    member = group.check_member(member_id, instance)
    if generation != group.generation:
        raise IllegalGeneration
    turn = Turn(group, limits, now_ms)
    rebalance.reset_session(turn, member)
    joining = group.is_in(GroupState.PREPARING_REBALANCE)
    return turn.decision, ErrorCode.rebalance_in_progress if joining else ErrorCode.none


def committed(group: Group, member_id: str, *, limits: Limits, now_ms: int) -> Decision:
    """A commit shows that a member lives, too."""
    turn = Turn(group, limits, now_ms)
    if member_id in group.members and group.is_in(GroupState.STABLE, GroupState.PREPARING_REBALANCE):
        rebalance.reset_session(turn, group.members[member_id])
    return turn.decision


def began(group: Group, loaded: Told, *, limits: Limits, now_ms: int) -> Decision:
    """The group was loaded from the log: it is told anew, and its members have a full session to find their coordinator."""
    turn = Turn(group, limits, now_ms)
    rebalance.tell_state(turn, GroupState.DEAD, [loaded])
    for member in group.members.values():
        rebalance.tell_joined(turn, member, [loaded])
        rebalance.reset_session(turn, member)
    if group.members:
        turn.decision.tell(sync.rebalanced(group), [loaded])
    if len(group.members) > limits.members_max:
        rebalance.begin(turn, f"loaded with {len(group.members)} members, more than group.max.size ({limits.members_max})", [loaded])
    return turn.decision


def rang(group: Group, ring: Ring, *, limits: Limits, now_ms: int) -> Decision:
    """A timer of the group rang."""
    turn = Turn(group, limits, now_ms)
    match ring:
        case SessionEnds(member_id):
            _session_ended(turn, member_id)
        case InitialDelayEnds():
            rebalance.initial_delay_ended(turn, ring)
        case JoinEnds():
            rebalance.complete(turn)
        case SyncEnds(generation):
            _sync_ended(turn, generation)
    return turn.decision


def _session_ended(turn: Turn, member_id: str) -> None:
    group = turn.group
    if member_id in group.pending_members:
        rebalance.remove_pending(turn, member_id)
        _complete_at_last(turn)
        return
    member = group.members.get(member_id)
    if member is not None and not member.needs_no_heartbeat:
        _expire(turn, member)


def _expire(turn: Turn, member: Member) -> None:
    group = turn.group
    silent_ms = max(turn.now_ms - member.heard_ms, 0 if member.is_new else member.session_timeout_ms)  # timers round
    expired = turn.decision.tell(
        MemberSessionExpired(
            group=group.id, member=member.id, silent_ms=silent_ms, configs={"session.timeout.ms": member.session_timeout_ms}
        )
    )
    left = rebalance.remove(turn, member, "session expired", [expired])
    if group.is_in(GroupState.STABLE, GroupState.COMPLETING_REBALANCE):
        rebalance.begin(turn, f"{member.id} sent no heartbeat for {silent_ms} ms", [left])
    else:
        _complete_at_last(turn)


def _complete_at_last(turn: Turn) -> None:
    if turn.group.is_in(GroupState.PREPARING_REBALANCE) and turn.group.have_all_joined():
        rebalance.complete(turn)


def _sync_ended(turn: Turn, generation: int) -> None:
    """Those who joined but never asked for their assignment are out."""
    group = turn.group
    if generation != group.generation or not group.is_in(GroupState.COMPLETING_REBALANCE, GroupState.STABLE):
        return
    late = [member for member in list(group.members.values()) if member.id in group.pending_sync]
    told = [rebalance.remove(turn, member, "sync expired", [group.rebalance_told]) for member in late]
    if late:
        rebalance.begin(turn, f"{', '.join(member.id for member in late)} sent no SyncGroup", told)
