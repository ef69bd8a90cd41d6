"""What happens when somebody asks to join a classic group (JoinGroup)."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.coordination.groups import rebalance, sync
from engine.coordination.groups.decision import Decision, JoinAnswer, SessionEnds, SyncAnswer, Told, Turn, for_client, session_timer
from engine.coordination.groups.group import Group
from engine.coordination.groups.limits import NEW_MEMBER_JOIN_TIMEOUT_MS, Limits
from engine.coordination.groups.member import Member, Protocols
from engine.coordination.groups.states import GroupState
from engine.events.facts import MemberLeft
from engine.protocol.errors import ErrorCode, FencedInstanceId, InvalidGroupId, InvalidSessionTimeout, KafkaError, UnknownMemberId
from engine.protocol.stored.groups import GroupMetadataKey

NO_MEMBER_ID = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinAsked:
    """A JoinGroup request, free of versions. `needs_known_id`: v4 and newer (KIP-394); `may_skip_assignment`: v9 (KIP-814)."""

    group: str
    member_id: str
    instance: str | None
    client_id: str
    client_host: str
    session_timeout_ms: int
    rebalance_timeout_ms: int
    protocol_type: str
    protocols: Protocols
    reason: str | None = None
    needs_known_id: bool = True
    may_skip_assignment: bool = True


def check(asked: JoinAsked, limits: Limits) -> None:
    """What can be refused without looking at the group. Raises InvalidGroupId, InvalidSessionTimeout."""
    if not asked.group:
        raise InvalidGroupId
    if not limits.session_timeout_ms_min <= asked.session_timeout_ms <= limits.session_timeout_ms_max:
        raise InvalidSessionTimeout(
            f"{asked.session_timeout_ms} ms is not between group.min.session.timeout.ms ({limits.session_timeout_ms_min}) "
            f"and group.max.session.timeout.ms ({limits.session_timeout_ms_max})"
        )


def join(group: Group, asked: JoinAsked, *, waiter: Any, new_id: str, limits: Limits, now_ms: int) -> Decision:
    """`waiter` gets the answer, now or when the join phase ends; `new_id` is the id for a member that has none."""
    turn = Turn(group, limits, now_ms)
    if not has_room(group, asked.member_id, limits.members_max):
        if asked.member_id in group.members:
            rebalance.remove(turn, group.members[asked.member_id], "the group is full")
        else:
            rebalance.remove_pending(turn, asked.member_id)
        turn.decision.answer(waiter, JoinAnswer(error=ErrorCode.group_max_size_reached))
    elif not group.supports(asked.protocol_type, [name for name, _ in asked.protocols]):
        turn.decision.answer(waiter, JoinAnswer(error=ErrorCode.inconsistent_group_protocol, member_id=asked.member_id))
    elif asked.member_id == NO_MEMBER_ID:
        _join_new(turn, asked, waiter, new_id)
    else:
        _join_known(turn, asked, waiter)
    return turn.decision


def has_room(group: Group, member_id: str, members_max: int) -> bool:
    """Members that are in stay in. While joining, those who wait are counted, so that a lowered limit takes hold."""
    member = group.members.get(member_id)
    if group.is_in(GroupState.EMPTY):
        return True
    if group.is_in(GroupState.PREPARING_REBALANCE):
        return (member is not None and member.is_awaiting_join) or group.awaiting_join < members_max
    return member is not None or len(group.members) < members_max


def _join_new(turn: Turn, asked: JoinAsked, waiter: Any, new_id: str) -> None:
    group = turn.group
    if asked.instance is not None:
        known = group.static_members.get(asked.instance)
        if known is None:
            _add(turn, asked, waiter, new_id)
        else:
            _replace_static(turn, asked, waiter, group.members[known], new_id)
    elif asked.needs_known_id:
        # KIP-394: a member that never hears its id (a slow client that gave up) must not hold up the group.
        group.pending_members.add(new_id)
        turn.decision.ring(session_timer(new_id), asked.session_timeout_ms, SessionEnds(new_id))
        turn.decision.answer(waiter, JoinAnswer(error=ErrorCode.member_id_required, member_id=new_id))
    else:
        _add(turn, asked, waiter, new_id)


def _join_known(turn: Turn, asked: JoinAsked, waiter: Any) -> None:
    group = turn.group
    if asked.member_id in group.pending_members and asked.instance is None:
        _add(turn, asked, waiter, asked.member_id)
        return
    try:
        member = group.check_member(asked.member_id, asked.instance)
    except (UnknownMemberId, FencedInstanceId) as error:
        turn.decision.answer(waiter, JoinAnswer(error=error.code, member_id=asked.member_id, protocol=None))
        return
    changed = member.protocols != asked.protocols
    is_leader = group.leader == member.id
    if group.is_in(GroupState.PREPARING_REBALANCE):
        _update(turn, asked, waiter, member)
        rebalance.complete_if_all_joined(turn)
    elif changed or (is_leader and group.is_in(GroupState.STABLE)):
        # A leader that joins again forces a rebalance: it may have seen something that no subscription shows (new partitions).
        _update(turn, asked, waiter, member)
        what = "changed its subscription" if changed else "leads and joined again"
        rebalance.begin(turn, f"{member.id} {what}; client reason: {asked.reason or 'not provided'}")
    else:
        # It may have missed the answer; it hears of the present generation and can go on to SyncGroup.
        turn.decision.answer(waiter, rebalance.generation_answer(group, member))


def _add(turn: Turn, asked: JoinAsked, waiter: Any, member_id: str) -> None:
    group = turn.group
    member = Member(
        id=member_id,
        instance=asked.instance,
        client_id=asked.client_id,
        client_host=asked.client_host,
        rebalance_timeout_ms=asked.rebalance_timeout_ms,
        session_timeout_ms=asked.session_timeout_ms,
        protocol_type=asked.protocol_type,
        protocols=asked.protocols,
        join_waiter=waiter,
        is_new=True,
    )
    if group.is_in(GroupState.PREPARING_REBALANCE) and group.previous_state is GroupState.EMPTY:
        group.new_member_came = True
    group.add(member)
    # It cannot heartbeat while we hold its JoinGroup, and may be gone without our seeing it: it gets a longer, fixed time.
    rebalance.reset_session(turn, member, NEW_MEMBER_JOIN_TIMEOUT_MS)
    told = rebalance.tell_joined(turn, member)
    rebalance.begin_or_complete(turn, f"{member_id} joined; client reason: {asked.reason or 'not provided'}", [told])


def _update(turn: Turn, asked: JoinAsked, waiter: Any, member: Member) -> None:
    if member.join_waiter is not None:
        # It asks again over a new connection. Kafka never answers the old request; its connection would wait for ever.
        turn.decision.answer(member.join_waiter, JoinAnswer(error=ErrorCode.rebalance_in_progress, member_id=member.id))
    member.protocols = asked.protocols
    member.rebalance_timeout_ms = asked.rebalance_timeout_ms
    member.session_timeout_ms = asked.session_timeout_ms
    member.join_waiter = waiter


# ---- a static member comes back (KIP-345)


@dataclass(frozen=True, slots=True)
class _Before:
    """What a static member was, should its return not be stored."""

    member_id: str
    leader: str | None
    protocols: Protocols
    rebalance_timeout_ms: int
    session_timeout_ms: int


def _replace_static(turn: Turn, asked: JoinAsked, waiter: Any, member: Member, new_id: str) -> None:
    """It takes the place of its former self, which is fenced. A stable group stays as it is, without a rebalance."""
    group = turn.group
    before = _Before(member.id, group.leader, member.protocols, member.rebalance_timeout_ms, member.session_timeout_ms)
    _fence(turn, member)
    turn.decision.cancel(session_timer(member.id))
    group.pending_sync.discard(member.id)
    group.rename(member, new_id)
    member.is_new = False
    left = turn.decision.tell(MemberLeft(group=group.id, member=before.member_id, reason="replaced"))
    _update(turn, asked, waiter, member)
    rebalance.reset_session(turn, member)
    joined = _tell_back(turn, member, left)
    if group.is_in(GroupState.STABLE):
        if group.select_protocol() == group.protocol:
            turn.decision.records.append((GroupMetadataKey(group=group.id), group.stored(lambda each: each.assignment)))
            turn.decision.stored = partial(_static_stored, group, turn.limits, member, before, asked.may_skip_assignment, waiter)
        else:
            rebalance.begin(turn, f"static member {asked.instance} came back with another protocol", [joined])
    elif group.is_in(GroupState.COMPLETING_REBALANCE):
        # The leader may be assigning to the former id just now, so the new one would be left without partitions.
        rebalance.begin(turn, f"static member {asked.instance} came back", [joined])
    else:
        rebalance.complete_if_all_joined(turn)


def _fence(turn: Turn, member: Member) -> None:
    fenced = ErrorCode.fenced_instance_id
    if member.join_waiter is not None:
        turn.decision.answer(member.join_waiter, JoinAnswer(error=fenced, member_id=member.id, protocol=None))
    if member.sync_waiter is not None:
        turn.decision.answer(member.sync_waiter, SyncAnswer(error=fenced))
    member.join_waiter = member.sync_waiter = None


def _static_stored(
    group: Group, limits: Limits, member: Member, before: _Before, may_skip: bool, waiter: Any, error: KafkaError | None, now_ms: int
) -> Decision:
    turn = Turn(group, limits, now_ms)
    if error is not None:
        _undo_static(turn, member, before)
        answer = JoinAnswer(
            error=for_client(error), generation=group.generation, protocol=group.protocol,
            protocol_type=group.protocol_type, leader=before.leader or "",
        )  # fmt: skip
        turn.decision.answer(waiter, answer)
    elif member.join_waiter is waiter and group.is_in(GroupState.STABLE):
        member.join_waiter = None
        is_leader = group.leader == member.id
        answer = JoinAnswer(
            member_id=member.id,
            generation=group.generation,
            protocol_type=group.protocol_type,
            protocol=group.protocol,
            # KIP-814: before v9 a leader that came back hears its former id as leader, so that it does not assign anew.
            leader=(group.leader if may_skip else before.leader) or "",
            skip_assignment=may_skip and is_leader,
            members=rebalance.described(group) if may_skip and is_leader else (),
        )
        turn.decision.answer(waiter, answer)
    return turn.decision


def _undo_static(turn: Turn, member: Member, before: _Before) -> None:
    if member.id not in turn.group.members:
        return
    turn.decision.cancel(session_timer(member.id))
    member.protocols = before.protocols
    member.rebalance_timeout_ms, member.session_timeout_ms = before.rebalance_timeout_ms, before.session_timeout_ms
    member.join_waiter = None
    left = turn.decision.tell(MemberLeft(group=turn.group.id, member=member.id, reason="replaced"))
    turn.group.rename(member, before.member_id)
    rebalance.reset_session(turn, member)
    _tell_back(turn, member, left)


def _tell_back(turn: Turn, member: Member, left: Told) -> Told:
    """It is in under another id; in a stable group it owns what it owned under the former one, which no rebalance would say."""
    joined = rebalance.tell_joined(turn, member, [left])
    if turn.group.is_in(GroupState.STABLE):
        turn.decision.tell(sync.rebalanced(turn.group), [joined])
    return joined
