"""The chain behind a fact, where only the host knows its beginning."""

import pytest

from engine.cluster.causes import Causes
from engine.cluster.launch import BrokerProcess, Refused


def fact(kind, id, **fields):
    return {"kind": kind, "id": id, "causes": []} | fields


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
