"""Time stands still under traffic for longer than any session of a member, and nobody notices; slowed, a failover takes longer."""

import time

import pytest

from tests.clients.conftest import is_whole
from tests.clients.members import Member, balanced, until
from tests.clients.traffic import PARTITIONS, Traffic, create

PAUSE_S = 30  # five sessions of a member, twenty of a broker in profile demo
FLOWS_AGAIN_S_MAX = 1.0


def leaders(picture):
    return {(topic["name"], one["partition"]): (one["leader"], one["leader_epoch"]) for topic in picture["topics"] for one in topic["partitions"]}


@pytest.mark.timeout(120)
def test_a_pause_of_thirty_seconds_is_seen_by_nobody(engine, name):
    create(engine.bootstrap, name)
    with Traffic(engine.bootstrap, name) as traffic, Member(engine.bootstrap, name, name) as first, Member(engine.bootstrap, name, name) as second:
        members = (first, second)
        until(lambda: balanced(members, PARTITIONS), what="an assignment to both")
        until(lambda: all(member.times for member in members), what="records for both")
        before = engine.state()
        rebalances = [member.rebalances for member in members]
        assert engine.do("pause")["ok"]
        paused = time.monotonic()
        until(lambda: time.monotonic() - paused > PAUSE_S, within_s=PAUSE_S + 5)  # the one thing here that is time itself
        assert all(member.times[-1] < paused + 1 for member in members)
        assert engine.do("resume")["ok"]
        resumed = time.monotonic()
        assert traffic.flows() <= FLOWS_AGAIN_S_MAX
        until(lambda: all(member.times[-1] > resumed for member in members))
        assert max(min(at for at in member.times if at > resumed) - resumed for member in members) <= FLOWS_AGAIN_S_MAX
        engine.until(is_whole)
        after = engine.state()
        assert leaders(after) == leaders(before)
        assert after["controller"] == before["controller"]
        assert [member.rebalances for member in members] == rebalances
        assert [member.errors for member in members] == [[], []]
        assert traffic.errors == []
    assert traffic.differences() == (0, 0, 0)


@pytest.mark.alone
def test_four_times_slower_a_failover_takes_four_times_as_long(engine, name):
    create(engine.bootstrap, name)
    with Traffic(engine.bootstrap, name) as traffic:
        took = {}
        for speed in (1, 4):
            broker = next(one["id"] for one in engine.state()["brokers"] if one["id"] != engine.state()["controller"])
            if speed == 4:
                assert engine.do("slow ×1/4")["ok"]
            killed = time.monotonic()
            assert engine.do(f"kill broker {broker}")["ok"]
            traffic.flows(within_s=20)
            took[speed] = traffic.worst_gap(killed)
            assert engine.do("slow ×1")["ok"]
            engine.do(f"start broker {broker}")
            engine.until(is_whole, within_s=20)
    assert 0.7 * 4 <= took[4] / took[1] <= 1.3 * 4, took
    assert traffic.differences() == (0, 0, 0)
