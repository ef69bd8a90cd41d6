"""The pure decisions: who is in sync, what is committed, where logs part."""

import pytest

from engine.replication.divergence import EpochEnd, Truncation, diverges, truncation
from engine.replication.high_watermark import next_high_watermark, required_in_sync
from engine.replication.in_sync import NEVER, Follower, begin_leading, is_caught_up, may_join, note_fetch, note_growth, out_of_sync

LAG = 3000


def follower(broker=2, end=-1, caught_up=NEVER):
    return Follower(broker=broker, log_end_offset=end, last_caught_up_ms=caught_up)


class Session:
    def __init__(self, last_fetch_ms):
        self.last_fetch_ms = last_fetch_ms


# ---- in sync


def test_a_new_leader_gives_its_isr_the_whole_lag_time():
    members = [follower(2, end=7, caught_up=5), follower(3)]
    begin_leading(members, isr=(1, 2), now_ms=100)
    assert (members[0].log_end_offset, members[0].last_caught_up_ms, members[1].last_caught_up_ms) == (-1, 100, NEVER)
    known = {one.broker: one for one in members}
    assert out_of_sync(known, isr=(1, 2, 3), leader_end_offset=9, now_ms=100 + LAG, lag_ms_max=LAG) == (3,)
    assert out_of_sync(known, isr=(1, 2, 3), leader_end_offset=9, now_ms=101 + LAG, lag_ms_max=LAG) == (2, 3)


def test_at_the_end_is_caught_up_however_long_ago():
    assert is_caught_up(follower(end=9, caught_up=0), leader_end_offset=9, now_ms=10**9, lag_ms_max=LAG)


def test_fast_growth_does_not_make_a_steady_follower_lag():
    one = follower()
    for second in range(60):
        note_fetch(one, offset=second * 100, leader_end_offset=second * 100 + 100, now_ms=second * 1000)
    assert one.last_caught_up_ms == 58_000, "it has what the leader had a fetch ago"


def test_a_follower_that_falls_back_steadily_lags():
    one = follower(caught_up=0)
    for second in range(1, 60):
        note_fetch(one, offset=second, leader_end_offset=second * 100, now_ms=second * 1000)
    assert not is_caught_up(one, leader_end_offset=6000, now_ms=60_000, lag_ms_max=LAG)


def test_quiet_partitions_are_heard_of_by_their_session():
    one = follower(end=5, caught_up=0)
    one.session = Session(last_fetch_ms=99_000)
    note_growth([one], was_end_offset=5)
    assert one.last_caught_up_ms == 99_000
    behind = follower(end=4, caught_up=0)
    behind.session = Session(last_fetch_ms=99_000)
    note_growth([behind], was_end_offset=5)
    assert behind.last_caught_up_ms == 0


@pytest.mark.parametrize(("end", "joins"), [(9, False), (10, False), (12, True), (13, True)])
def test_joining_needs_all_that_is_committed_and_this_reign(end, joins):
    assert may_join(follower(end=end), high_watermark=10, leader_epoch_start=12) is joins


# ---- high watermark


def committed(ends, *, isr, log_end=10, joining=(), caught_up=NEVER, now=0):
    members = [follower(broker, end, caught_up) for broker, end in ends.items()]
    return next_high_watermark(
        log_end_offset=log_end, followers=members, maximal_isr=isr, joining=joining, now_ms=now, lag_ms_max=LAG
    )


def test_the_least_of_the_isr_counts():
    assert committed({2: 7, 3: 4}, isr=(1, 2, 3)) == 4
    assert committed({2: 7, 3: 4}, isr=(1, 2)) == 7
    assert committed({2: 7, 3: 4}, isr=(1,)) == 10
    assert committed({2: -1, 3: 4}, isr=(1, 2, 3)) == -1, "a follower that never fetched holds everything"


def test_who_is_about_to_join_is_waited_for():
    assert committed({2: 7, 3: 4}, isr=(1, 2), joining=(3,), caught_up=0, now=LAG) == 4
    assert committed({2: 7, 3: 4}, isr=(1, 2), joining=(3,), caught_up=0, now=LAG + 1) == 7
    assert committed({2: 7, 3: 4}, isr=(1, 2), joining=(), caught_up=0, now=0) == 7, "fenced: may not join"


def test_no_more_are_required_than_there_are():
    assert required_in_sync(min_insync_replicas=2, replicas=1) == 1
    assert required_in_sync(min_insync_replicas=2, replicas=3) == 2


# ---- divergence


def test_equal_histories_do_not_part():
    assert not diverges(last_fetched_epoch=3, fetch_offset=10, leader=EpochEnd(3, 10))
    assert not diverges(last_fetched_epoch=3, fetch_offset=10, leader=EpochEnd(3, 20))


def test_longer_in_the_same_epoch_or_a_later_epoch_parts():
    assert diverges(last_fetched_epoch=3, fetch_offset=12, leader=EpochEnd(3, 10))
    assert diverges(last_fetched_epoch=3, fetch_offset=12, leader=EpochEnd(2, 12))


@pytest.mark.parametrize(
    ("leader", "own", "end", "cut"),
    [
        (EpochEnd(2, 10), EpochEnd(2, 15), 20, Truncation(10, True)),  # the leader's epoch ended earlier
        (EpochEnd(2, 15), EpochEnd(2, 10), 20, Truncation(10, True)),  # ours did
        (EpochEnd(2, 15), EpochEnd(1, 10), 20, Truncation(10, False)),  # KIP-279: we never saw epoch 2
        (EpochEnd(2, 15), None, 20, Truncation(15, True)),
        (EpochEnd(2, 30), None, 20, Truncation(20, True)),
        (EpochEnd(-1, -1), EpochEnd(1, 10), 20, Truncation(20, True)),
    ],
)
def test_where_a_follower_cuts(leader, own, end, cut):
    assert truncation(leader=leader, own=own, log_end_offset=end) == cut
