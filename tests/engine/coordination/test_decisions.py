"""The decisions of classic groups, asked plainly: no loop, no clock, no log."""

from typing import Any

import pytest

from engine.coordination.groups import consumer_protocol, join, leave, offsets, rebalance, session, sync
from engine.coordination.groups.decision import Decision, InitialDelayEnds, JoinAnswer, SessionEnds, Turn
from engine.coordination.groups.group import Group
from engine.coordination.groups.inventory import is_wanted
from engine.coordination.groups.ledger import Ledger
from engine.coordination.groups.limits import NEW_MEMBER_JOIN_TIMEOUT_MS, Limits
from engine.coordination.groups.states import TRANSITIONS, GroupState, Move, after, can_rebalance
from engine.protocol.errors import (
    ErrorCode,
    GroupIdNotFound,
    IllegalGeneration,
    InvalidGroupId,
    InvalidSessionTimeout,
    NonEmptyGroup,
    RebalanceInProgress,
    UnknownMemberId,
)
from engine.protocol.stored.groups import GroupMetadataKey, OffsetCommitKey, OffsetCommitValue

LIMITS = Limits(initial_rebalance_delay_ms=3_000)
T = b"\0\0" b"\0\0\0\1" b"\0\1t" b"\0\0\0\0"


def asked(member_id: str = "", **changes: Any) -> join.JoinAsked:
    fields: dict[str, Any] = {
        "group": "g",
        "member_id": member_id,
        "instance": None,
        "client_id": "c",
        "client_host": "/127.0.0.1",
        "session_timeout_ms": 10_000,
        "rebalance_timeout_ms": 20_000,
        "protocol_type": "consumer",
        "protocols": (("range", T),),
    }
    return join.JoinAsked(**fields | changes)


def joined(group: Group, member_id: str, *, now_ms: int = 0, **changes: Any) -> Decision:
    """A member comes by the version 3 way, without being given an id first."""
    request = asked(needs_known_id=False, **changes)
    return join.join(group, request, waiter=f"{member_id} waits", new_id=member_id, limits=LIMITS, now_ms=now_ms)


def completing(*members: str) -> Group:
    group = Group("g", now_ms=0)
    for member in members:
        joined(group, member)
    rebalance.complete(Turn(group, LIMITS, 0))
    return group


def stable(*members: str) -> Group:
    group = completing(*members)
    for member in reversed(members):  # the eldest leads and comes last
        decision = synced(group, member)
    assert decision.stored is not None
    decision.stored(None, 0)
    return group


def synced(group: Group, member: str) -> Decision:
    request = sync.SyncAsked(
        group="g", generation=group.generation, member_id=member, instance=None, protocol_type=None, protocol=None, assignments={}
    )
    return sync.sync(group, request, waiter=f"{member} syncs", limits=LIMITS, now_ms=0)


# ---- states


def test_every_pair_of_the_table_leads_somewhere_and_others_are_bugs():
    for (state, move), reached in TRANSITIONS.items():
        assert after(state, move) is reached
    with pytest.raises(AssertionError):
        after(GroupState.EMPTY, Move.ASSIGNED)
    with pytest.raises(AssertionError):
        after(GroupState.DEAD, Move.REBALANCE)


def test_a_rebalance_begins_from_anywhere_but_a_rebalance():
    assert [state for state in GroupState if can_rebalance(state)] == [
        GroupState.EMPTY,
        GroupState.COMPLETING_REBALANCE,
        GroupState.STABLE,
    ]


# ---- joining


def test_a_join_is_refused_for_its_group_id_and_session_before_all_else():
    with pytest.raises(InvalidGroupId):
        join.check(asked(group=""), LIMITS)
    for ms in (5_999, 1_800_001):
        with pytest.raises(InvalidSessionTimeout):
            join.check(asked(session_timeout_ms=ms), LIMITS)
    join.check(asked(session_timeout_ms=6_000), LIMITS)


def test_a_new_member_is_given_its_id_first_and_forgotten_if_it_does_not_come():
    group = Group("g", now_ms=0)
    decision = join.join(group, asked(), waiter="w", new_id="c-1", limits=LIMITS, now_ms=0)
    assert decision.answers == [("w", JoinAnswer(error=ErrorCode.member_id_required, member_id="c-1"))]
    assert decision.timers == [("session c-1", 10_000, SessionEnds("c-1"))]
    assert group.pending_members == {"c-1"} and not group.members
    session.rang(group, SessionEnds("c-1"), limits=LIMITS, now_ms=10_000)
    assert not group.pending_members


def test_the_first_member_opens_the_initial_delay_and_each_further_one_lengthens_it():
    group = Group("g", now_ms=0)
    decision = joined(group, "a")
    assert ("session a", NEW_MEMBER_JOIN_TIMEOUT_MS, SessionEnds("a")) in decision.timers
    assert ("join", 3_000, InitialDelayEnds(3_000, 17_000)) in decision.timers
    joined(group, "b")
    decision = session.rang(group, InitialDelayEnds(3_000, 17_000), limits=LIMITS, now_ms=3_000)
    assert decision.timers == [("join", 3_000, InitialDelayEnds(3_000, 14_000))] and not decision.answers
    decision = session.rang(group, InitialDelayEnds(3_000, 14_000), limits=LIMITS, now_ms=6_000)
    assert {waiter: answer.error for waiter, answer in decision.answers} == {"a waits": ErrorCode.none, "b waits": ErrorCode.none}
    assert group.is_in(GroupState.COMPLETING_REBALANCE) and group.generation == 1


def test_the_initial_delay_is_not_lengthened_beyond_the_rebalance_timeout():
    group = Group("g", now_ms=0)
    joined(group, "a")
    joined(group, "b")
    session.rang(group, InitialDelayEnds(3_000, 0), limits=LIMITS, now_ms=3_000)
    assert group.is_in(GroupState.COMPLETING_REBALANCE)


def test_only_the_leader_hears_of_the_members():
    group = Group("g", now_ms=0)
    joined(group, "a")
    joined(group, "b")
    turn = Turn(group, LIMITS, 0)
    rebalance.complete(turn)
    answers = dict(turn.decision.answers)
    assert answers["a waits"].members == (("a", None, T), ("b", None, T))
    assert answers["b waits"].members == () and answers["b waits"].leader == "a"


def test_the_protocol_is_one_that_all_know_by_most_votes():
    group = Group("g", now_ms=0)
    joined(group, "a", protocols=(("sticky", b""), ("range", b""), ("mine", b"")))
    joined(group, "b", protocols=(("range", b""), ("sticky", b"")))
    joined(group, "c", protocols=(("range", b""), ("sticky", b"")))
    assert group.select_protocol() == "range"
    assert not group.supports("consumer", ["mine"])
    assert not group.supports("connect", ["range"])
    assert group.supports("consumer", ["other", "sticky"])


def test_a_follower_that_joins_again_unchanged_hears_of_its_generation_and_a_leader_forces_a_rebalance():
    group = stable("a", "b")
    decision = join.join(group, asked("b"), waiter="w", new_id="", limits=LIMITS, now_ms=0)
    assert decision.answers[0][1].generation == 1 and group.is_in(GroupState.STABLE)
    join.join(group, asked("a"), waiter="w", new_id="", limits=LIMITS, now_ms=0)
    assert group.is_in(GroupState.PREPARING_REBALANCE)


def test_a_member_that_asks_twice_is_answered_on_its_old_connection():
    group = stable("a", "b")
    join.join(group, asked("a"), waiter="old", new_id="", limits=LIMITS, now_ms=0)
    decision = join.join(group, asked("a"), waiter="new", new_id="", limits=LIMITS, now_ms=0)
    assert decision.answers == [("old", JoinAnswer(error=ErrorCode.rebalance_in_progress, member_id="a"))]


@pytest.mark.parametrize(
    ("state", "member", "has_room"),
    [(GroupState.STABLE, "a", True), (GroupState.STABLE, "new", False), (GroupState.EMPTY, "new", True)],
)
def test_a_full_group_keeps_whom_it_has(state: GroupState, member: str, has_room: bool):
    group = stable("a", "b") if state is GroupState.STABLE else Group("g", now_ms=0)
    assert join.has_room(group, member, 2) is has_room


def test_a_smaller_limit_takes_hold_while_joining():
    group = stable("a", "b", "c")
    join.join(group, asked("a"), waiter="w", new_id="", limits=LIMITS, now_ms=0)
    assert not join.has_room(group, "b", 1)
    assert join.has_room(group, "a", 1)


# ---- syncing, leaving, heartbeats


def test_the_leaders_assignment_is_one_record_with_all_members():
    group = completing("a", "b")
    synced(group, "b")
    decision = synced(group, "a")
    [(key, value)] = decision.records
    assert key == GroupMetadataKey(group="g")
    assert value is not None and [member.member_id for member in value.members] == ["a", "b"]
    assert group.is_in(GroupState.COMPLETING_REBALANCE), "only when it is stored"
    assert decision.stored is not None
    told = decision.stored(None, 5)
    assert sorted(waiter for waiter, _ in told.answers) == ["a syncs", "b syncs"]
    assert group.is_in(GroupState.STABLE)


def test_an_assignment_that_is_stored_too_late_changes_nothing():
    group = completing("a")
    decision = synced(group, "a")
    leave.leave(group, [leave.Leaving(member_id="a")], limits=LIMITS, now_ms=0)
    assert decision.stored is not None
    assert decision.stored(None, 5).answers == []
    assert group.is_in(GroupState.EMPTY)


def test_a_group_that_all_have_left_writes_that_it_is_empty():
    group = stable("a")
    decision, codes = leave.leave(group, [leave.Leaving(member_id="a")], limits=LIMITS, now_ms=9)
    assert codes == [ErrorCode.none]
    [(_, value)] = decision.records
    assert (value.members, value.generation, value.protocol_type, value.current_state_timestamp) == ((), 2, "consumer", 9)


def test_heartbeats_by_state():
    group = stable("a", "b")

    def beat(generation: int) -> ErrorCode:
        return session.heartbeat(group, member_id="a", instance=None, generation=generation, limits=LIMITS, now_ms=0)[1]

    assert beat(1) is ErrorCode.none
    with pytest.raises(IllegalGeneration):
        beat(2)
    join.join(group, asked("a"), waiter="w", new_id="", limits=LIMITS, now_ms=0)
    assert beat(1) is ErrorCode.rebalance_in_progress
    with pytest.raises(UnknownMemberId):
        session.heartbeat(group, member_id="x", instance=None, generation=1, limits=LIMITS, now_ms=0)


# ---- offsets


def commit_asked(generation: int = -1, member_id: str = "", **changes: Any) -> offsets.CommitAsked:
    one = offsets.OffsetAsked(topic="t", partition=0, offset=5, metadata="x")
    fields = {"group": "g", "generation": generation, "member_id": member_id, "instance": None, "offsets": (one,)}
    return offsets.CommitAsked(**fields | changes)


def test_who_may_commit():
    offsets.check_commit(None, commit_asked())
    with pytest.raises(GroupIdNotFound):
        offsets.check_commit(None, commit_asked(generation=1, member_id="a"))
    with pytest.raises(IllegalGeneration):
        offsets.check_commit(None, commit_asked(generation=1, member_id="a", hears_of_missing_group=False))
    group = stable("a")
    offsets.check_commit(group, commit_asked(generation=1, member_id="a"))
    with pytest.raises(UnknownMemberId):
        offsets.check_commit(group, commit_asked())
    with pytest.raises(IllegalGeneration):
        offsets.check_commit(group, commit_asked(generation=0, member_id="a"))
    with pytest.raises(RebalanceInProgress):
        offsets.check_commit(completing("a"), commit_asked(generation=1, member_id="a"))


def test_metadata_that_is_too_large_refuses_its_partition_only():
    asked_for = commit_asked(
        offsets=(
            offsets.OffsetAsked(topic="t", partition=0, offset=1, metadata="x" * 4_096),
            offsets.OffsetAsked(topic="t", partition=1, offset=1, metadata="x" * 4_097),
        )
    )
    decision, codes = offsets.commit(asked_for, limits=LIMITS, now_ms=7)
    assert codes == {("t", 0): ErrorCode.none, ("t", 1): ErrorCode.offset_metadata_too_large}
    assert [key.partition for key, _ in decision.records] == [0]


def test_offsets_of_a_group_that_is_no_consumer_group_are_deleted_only_when_it_is_empty():
    group = Group("g", now_ms=0)
    joined(group, "a", protocol_type="connect")
    with pytest.raises(NonEmptyGroup):
        offsets.delete(group, Ledger(), [("t", 0)])


def test_a_group_with_unreadable_subscriptions_is_taken_to_want_every_topic():
    group = Group("g", now_ms=0)
    joined(group, "a", protocols=(("range", b"\0"),))
    rebalance.complete(Turn(group, LIMITS, 0))
    assert group.subscribed is None and group.is_subscribed_to("whatever")


def test_an_old_commit_with_a_date_of_its_own_expires_on_that_day():
    ledger = Ledger()
    key = OffsetCommitKey(group="g", topic="t", partition=0)
    ledger.replay(key, OffsetCommitValue(offset=1, metadata="", commit_timestamp=0, expire_timestamp=100))
    group = Group("g", now_ms=0)
    assert offsets.expired(group, ledger, limits=LIMITS, now_ms=99) == ([], False)
    assert offsets.expired(group, ledger, limits=LIMITS, now_ms=100) == ([(key, None)], True)


# ---- what consumers say


def test_the_consumer_protocol_is_read_as_far_as_version_0_goes():
    assert consumer_protocol.subscribed_topics(T + b"later fields") == ("t",)
    data = b"\0\3" b"\0\0\0\1" b"\0\1t" b"\0\0\0\2" b"\0\0\0\0" b"\0\0\0\5" b"\0\0\0\0"
    assert consumer_protocol.assigned_partitions(data) == {"t": (0, 5)}
    assert consumer_protocol.assigned_partitions(b"") == {}
    for broken in (b"", b"\0", b"\0\0\x7f\xff\xff\xff", b"\0\0\0\0\0\1\0\5t", b"\xff\xff\0\0\0\0", b"\0\0\0\0\0\1\0\1\xff"):
        with pytest.raises(consumer_protocol.NotConsumerProtocol):
            consumer_protocol.subscribed_topics(broken)


def test_filters_of_list_groups():
    group = stable("a")
    assert is_wanted(group, [], [])
    assert is_wanted(group, ["STABLE "], ["Classic"])
    assert not is_wanted(group, ["empty"], [])
    assert not is_wanted(group, [], ["consumer"])
