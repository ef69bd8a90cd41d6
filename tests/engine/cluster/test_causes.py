"""The chain behind a fact, where only the host knows its beginning."""

import pytest

from engine.cluster.causes import Causes
from engine.cluster.launch import BrokerProcess, Refused


def fact(kind, id, **fields):
    return {"kind": kind, "id": id, "node": 1, "causes": []} | fields


def test_a_session_expires_because_of_a_kill():
    causes = Causes()
    causes.see(fact("BrokerKilled", "0.1.7", broker=2))
    told = causes.complete(fact("SessionExpired", "1.1.3", broker=2, silent_ms=1500))
    assert told["causes"] == ["0.1.7"]
    assert causes.complete(fact("SessionExpired", "1.1.4", broker=3, silent_ms=1500))["causes"] == []


def test_an_isr_shrinks_because_a_leader_saw_a_frozen_follower_lag():
    causes = Causes()
    causes.see(fact("BrokerFrozen", "0.1.7", broker=3))
    lagged = causes.complete(fact("FollowerLagged", "2.1.1", topic="t", partition=0, follower=3))
    shrunk = causes.complete(fact("IsrShrunk", "1.1.9", topic="t", partition=0, isr=[1, 2], was=[1, 2, 3], reason="lag"))
    assert (lagged["causes"], shrunk["causes"]) == (["0.1.7"], ["2.1.1"])


def test_a_broker_that_is_back_explains_nothing_that_is_silent():
    causes = Causes()
    causes.see(fact("BrokerKilled", "0.1.7", broker=2))
    causes.see(fact("BrokerStarted", "0.1.8", broker=2))
    assert causes.complete(fact("BrokerUnfenced", "1.1.5", broker=2))["causes"] == ["0.1.8"]
    assert causes.complete(fact("SessionExpired", "1.1.6", broker=2, silent_ms=1500))["causes"] == []


def test_a_broker_refuses_what_its_state_does_not_allow():
    broker = BrokerProcess(id=2, rack="a", host="localhost", port=9093, voter=True, incarnation=0)
    with pytest.raises(Refused, match="broker 2 is added: it cannot kill; it can start"):
        broker.move("kill")


def test_a_replica_catches_up_because_its_broker_was_let_in_again():
    causes = Causes()
    causes.see({"kind": "BrokerStarted", "id": "0.1.7", "broker": 2, "causes": []})
    expanded = {"kind": "IsrExpanded", "id": "1.1.9", "topic": "t", "partition": 0, "was": [1], "isr": [1, 2], "causes": []}
    assert causes.complete(expanded)["causes"] == ["0.1.7"]
    causes.complete({"kind": "BrokerUnfenced", "id": "1.1.8", "broker": 2, "causes": []})
    assert causes.complete(expanded)["causes"] == ["1.1.8"]


def test_groups_are_loaded_because_their_partition_has_another_leader():
    causes = Causes()
    moved = {"kind": "LeaderElected", "id": "1.1.3", "topic": "__consumer_offsets", "partition": 4, "causes": ["1.1.2"]}
    causes.see(moved)
    loaded = {"kind": "GroupLoaded", "id": "3.1.1", "partition": 4, "causes": []}
    assert causes.complete(loaded)["causes"] == ["1.1.3"]


def cut(id, broker, others=(), *, clients=False, both_ways=True):
    return fact("LinkCut", id, broker=broker, others=list(others), clients=clients, both_ways=both_ways)


def test_a_session_expires_because_the_link_to_the_controller_is_cut():
    causes = Causes()
    causes.see(cut("0.1.7", 3, [1]))
    assert causes.complete(fact("SessionExpired", "1.1.3", broker=3, silent_ms=1500))["causes"] == ["0.1.7"]
    assert causes.complete(fact("SessionExpired", "2.1.3", node=2, broker=3, silent_ms=1500))["causes"] == []


def test_a_follower_lags_because_its_link_to_the_leader_is_cut_or_slow_or_its_fetches_are_refused():
    lagged = fact("FollowerLagged", "2.1.1", node=2, topic="t", partition=0, follower=3)
    for began in (
        cut("0.1.7", 2, [3], both_ways=False),
        cut("0.1.7", 3, [2]),
        fact("LinkSlowed", "0.1.7", broker=3, others=[1, 2], clients=False, delay_ms=900),
        fact("RequestsIntercepted", "0.1.7", broker=2, api="Fetch", how="drop"),
    ):
        causes = Causes()
        causes.see(began)
        assert causes.complete(lagged)["causes"] == ["0.1.7"], began
    for began in (cut("0.1.7", 2, [1]), cut("0.1.7", 2, clients=True)):
        causes = Causes()
        causes.see(began)
        assert causes.complete(lagged)["causes"] == [], began


def test_the_controller_is_lost_to_others_and_to_itself_because_it_is_cut_off():
    causes = Causes()
    causes.see(cut("0.1.7", 1, [2, 3]))
    lost = causes.complete(fact("ControllerLost", "2.1.1", node=2, leader=1, epoch=3))
    resigned = causes.complete(fact("ControllerLost", "1.1.1", node=1, leader=1, epoch=3))
    assert lost["causes"] == resigned["causes"] == ["0.1.7"]
    asked = causes.complete(fact("VoteRequested", "3.1.1", node=3, candidate=3, epoch=4))
    assert asked["causes"] == ["1.1.1"]


def test_what_a_heal_brings_back_follows_from_the_heal():
    causes = Causes()
    causes.see(fact("BrokerUnfenced", "1.1.1", broker=3))
    causes.see(cut("0.1.7", 3, [1]))
    causes.see(fact("LinksHealed", "0.1.8", broker=None))
    expanded = fact("IsrExpanded", "2.1.9", topic="t", partition=0, was=[1], isr=[1, 3])
    assert causes.complete(expanded)["causes"] == ["0.1.8"]
    assert causes.complete(fact("BrokerUnfenced", "1.1.5", broker=3))["causes"] == ["0.1.8"]
    assert causes.complete(fact("SessionExpired", "1.1.6", broker=3, silent_ms=1))["causes"] == []


def test_the_heal_of_one_broker_leaves_the_other_links():
    causes = Causes()
    causes.see(cut("0.1.7", 3, [1]))
    causes.see(cut("0.1.8", 2, [1]))
    causes.see(fact("LinksHealed", "0.1.9", broker=3))
    assert causes.complete(fact("SessionExpired", "1.1.6", broker=2, silent_ms=1))["causes"] == ["0.1.8"]
    assert causes.complete(fact("SessionExpired", "1.1.7", broker=3, silent_ms=1))["causes"] == []


def test_a_member_falls_silent_because_its_coordinator_is_cut_from_clients():
    causes = Causes()
    causes.see(cut("0.1.7", 1, clients=True))
    expired = fact("MemberSessionExpired", "1.1.6", group="g", member="m", silent_ms=1)
    assert causes.complete(expired)["causes"] == ["0.1.7"]
    assert causes.complete(expired | {"node": 2})["causes"] == []
