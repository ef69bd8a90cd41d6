"""How a rebalance begins and how its join phase ends. Source: the classic part of Apache Kafka's GroupMetadataManager.

Rule: decides only. Everything that join, sync, leave and session have in common stands here.
"""

from collections.abc import Sequence

from engine.coordination.groups import consumer_protocol
from engine.coordination.groups.decision import (
    JOIN_TIMER,
    SYNC_TIMER,
    InitialDelayEnds,
    JoinAnswer,
    JoinEnds,
    SessionEnds,
    SyncAnswer,
    SyncEnds,
    Told,
    Turn,
    session_timer,
)
from engine.coordination.groups.group import Group
from engine.coordination.groups.member import Member
from engine.coordination.groups.states import GroupState, Move, can_rebalance
from engine.events.facts import GroupStateChanged, MemberJoined, MemberLeft, RebalanceBegan
from engine.protocol.errors import ErrorCode
from engine.protocol.stored.groups import GroupMetadataKey

Causes = Sequence[Told | None]


def begin_or_complete(turn: Turn, reason: str, because: Causes = ()) -> None:
    """Begins a rebalance; if one has begun already, ends its join phase as soon as all are there."""
    if can_rebalance(turn.group.state):
        begin(turn, reason, because)
    else:
        complete_if_all_joined(turn)


def begin(turn: Turn, reason: str, because: Causes = ()) -> None:
    """All members must join again; those who wait for an assignment hear it now, the others by their next heartbeat."""
    group, decision = turn.group, turn.decision
    if group.is_in(GroupState.COMPLETING_REBALANCE):
        for member in group.members.values():
            member.assignment = b""
        spread(turn, ErrorCode.rebalance_in_progress)
    group.pending_sync.clear()
    decision.cancel(SYNC_TIMER)
    is_initial = group.is_in(GroupState.EMPTY)
    delay_ms = turn.limits.initial_rebalance_delay_ms
    if is_initial:
        # The first members give others time to come, so that one rebalance is enough for all of them (KIP-134).
        remaining_ms = max(group.rebalance_timeout_ms - delay_ms, 0)
        decision.ring(JOIN_TIMER, delay_ms, InitialDelayEnds(delay_ms, remaining_ms))
    configs = turn.limits.configs("initial_rebalance_delay_ms") if is_initial else {}
    group.rebalance_told = decision.tell(
        RebalanceBegan(group=group.id, generation=group.generation, reason=reason, configs=configs), because
    )
    move(turn, Move.REBALANCE, [group.rebalance_told])
    if is_initial:
        return
    if group.have_all_joined():
        complete(turn)
    else:
        decision.ring(JOIN_TIMER, group.rebalance_timeout_ms, JoinEnds())


def initial_delay_ended(turn: Turn, ring: InitialDelayEnds) -> None:
    """Waits once more if somebody came meanwhile and there is time left."""
    group = turn.group
    if not (group.new_member_came and ring.remaining_ms):
        complete(turn)
        return
    group.new_member_came = False
    delay_ms = min(turn.limits.initial_rebalance_delay_ms, ring.remaining_ms)
    turn.decision.ring(JOIN_TIMER, delay_ms, InitialDelayEnds(delay_ms, max(ring.remaining_ms - ring.delay_ms, 0)))


def complete_if_all_joined(turn: Turn) -> None:
    """Ends the join phase if nobody is missing. Not during the initial delay, which its timer ends."""
    group = turn.group
    if group.is_in(GroupState.PREPARING_REBALANCE) and group.previous_state is not GroupState.EMPTY and group.have_all_joined():
        complete(turn)


def complete(turn: Turn) -> None:
    """Ends the join phase: a new generation of those who are there, and their answers."""
    group, decision = turn.group, turn.decision
    decision.cancel(JOIN_TIMER)
    missing = [member for member in group.members.values() if not member.is_awaiting_join and not member.is_static]
    for member in missing:
        remove(turn, member, "join expired", [group.rebalance_told])
    if not group.elect_joined_leader() and group.members:
        # Only static members are left and none has come back: their sessions will end and take them out.
        decision.ring(JOIN_TIMER, group.rebalance_timeout_ms, JoinEnds())
        return
    was = group.state
    group.begin_generation(now_ms=turn.now_ms)
    tell_state(turn, was, [group.rebalance_told])
    if group.is_in(GroupState.EMPTY):
        decision.records.append((GroupMetadataKey(group=group.id), group.stored(lambda member: b"")))
        return
    for member in group.members.values():
        if member.join_waiter is not None:
            decision.answer(member.join_waiter, generation_answer(group, member))
            member.join_waiter = None
        reset_session(turn, member)
        member.is_new = False
        group.pending_sync.add(member.id)
    decision.ring(SYNC_TIMER, group.rebalance_timeout_ms, SyncEnds(group.generation))


def generation_answer(group: Group, member: Member) -> JoinAnswer:
    """What a member hears of the present generation; the leader also hears of all members."""
    return JoinAnswer(
        member_id=member.id,
        generation=group.generation,
        protocol_type=group.protocol_type,
        protocol=group.protocol,
        leader=group.leader or "",
        members=described(group) if group.leader == member.id else (),
    )


def described(group: Group) -> tuple[tuple[str, str | None, bytes], ...]:
    """The members as the leader needs them to assign."""
    return tuple((member.id, member.instance, member.metadata(group.protocol)) for member in group.members.values())


def spread(turn: Turn, error: ErrorCode = ErrorCode.none) -> None:
    """Answers all who wait in SyncGroup with their assignment or the error."""
    group = turn.group
    for member in group.members.values():
        if member.sync_waiter is None:
            continue
        turn.decision.answer(member.sync_waiter, assignment_answer(group, member, error))
        member.sync_waiter = None
        # A session that ended while the member waited for us was let pass, so it must be set anew.
        reset_session(turn, member)


def assignment_answer(group: Group, member: Member, error: ErrorCode = ErrorCode.none) -> SyncAnswer:
    """What a member hears of its assignment."""
    if error is not ErrorCode.none:
        return SyncAnswer(error=error, assignment=member.assignment)
    return SyncAnswer(protocol_type=group.protocol_type, protocol=group.protocol, assignment=member.assignment)


def reset_session(turn: Turn, member: Member, ms: int | None = None) -> None:
    """The member was heard of: its session begins anew."""
    member.heard_ms = turn.now_ms
    turn.decision.ring(session_timer(member.id), member.session_timeout_ms if ms is None else ms, SessionEnds(member.id))


def remove(turn: Turn, member: Member, reason: str, because: Causes = ()) -> Told:
    """The member is out; should it still wait for an answer, it hears that nobody knows it and may join anew."""
    decision = turn.decision
    if member.join_waiter is not None:
        decision.answer(member.join_waiter, JoinAnswer(error=ErrorCode.unknown_member_id))
    if member.sync_waiter is not None:
        decision.answer(member.sync_waiter, SyncAnswer(error=ErrorCode.unknown_member_id))
    member.join_waiter = member.sync_waiter = None
    turn.group.remove(member.id)
    decision.cancel(session_timer(member.id))
    return decision.tell(MemberLeft(group=turn.group.id, member=member.id, reason=reason), because)


def remove_pending(turn: Turn, member_id: str) -> None:
    """One that was given an id and never joined with it; nobody has seen it as a member."""
    turn.group.remove(member_id)
    turn.decision.cancel(session_timer(member_id))


def move(turn: Turn, how: Move, because: Causes = ()) -> None:
    """To the next state, and tells it."""
    was = turn.group.state
    turn.group.move(how, now_ms=turn.now_ms)
    tell_state(turn, was, because)


def tell_state(turn: Turn, was: GroupState, because: Causes = ()) -> Told:
    """The group has come from state `was` to the one it is in."""
    group = turn.group
    changed = GroupStateChanged(
        group=group.id,
        state=str(group.state),
        was=str(was),
        generation=group.generation,
        protocol_type=group.protocol_type or "",
        protocol=group.protocol or "",
    )
    return turn.decision.tell(changed, because)


def tell_joined(turn: Turn, member: Member, because: Causes = ()) -> Told:
    """The group has a new member."""
    names = [name for name, _ in member.protocols]
    joined = MemberJoined(
        group=turn.group.id,
        member=member.id,
        client_id=member.client_id,
        client_host=member.client_host,
        instance=member.instance,
        subscribed=consumer_protocol.topics_or_none(member.protocol_type, member.metadata(names[0])) if names else (),
        session_timeout_ms=member.session_timeout_ms,
    )
    return turn.decision.tell(joined, because)
