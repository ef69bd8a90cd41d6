"""Brokers register, beat, fall silent, leave in good order, come back: the story of each."""

import time

import pytest

from engine.controller.broker_registry import Sessions, fence_silent, heartbeat, register, unregister
from engine.protocol.codec import build
from engine.protocol.errors import BrokerIdNotRegistered, DuplicateBrokerRegistration, InconsistentClusterId, StaleBrokerEpoch
from tests.engine.controller.cluster import CLUSTER_ID, LOG_DIRS, Cluster, incarnation, told


class Registry:
    """A cluster with sessions and a clock that is set by hand."""

    def __init__(self, **how):
        self.cluster = Cluster(**how)
        self.sessions = Sessions()
        self.now_ms = 100_000.0
        self.sessions.restart(self.cluster.image, self.now_ms)

    def register(self, broker, *, life=1, previous_epoch=-1, cluster_id=CLUSTER_ID, rack=None):
        request = build(
            "BrokerRegistration", "request", 4, broker_id=broker, cluster_id=cluster_id, incarnation_id=incarnation(broker, life),
            listeners=[{"name": "PLAINTEXT", "host": "127.0.0.1", "port": 9092, "security_protocol": 0}],
            features=[{"name": "metadata.version", "min_supported_version": 7, "max_supported_version": 30}], rack=rack,
            log_dirs=LOG_DIRS[broker], previous_broker_epoch=previous_epoch,
        )  # fmt: skip
        valid = self.sessions.is_valid(broker, self.now_ms, 9000)
        decision = register(
            self.cluster.view, request, cluster_id=CLUSTER_ID, session_valid=valid, next_offset=self.cluster.next_offset
        )
        self.cluster.play(decision)
        self.sessions.touch(broker, self.now_ms)
        return decision

    def beat(self, broker, *, offset=None, want_fence=False, want_shut_down=False, epoch=None):
        known = self.cluster.image.brokers[broker]
        request = build(
            "BrokerHeartbeat", "request", 1, broker_id=broker, broker_epoch=known.epoch if epoch is None else epoch,
            current_metadata_offset=self.cluster.image.offset if offset is None else offset, want_fence=want_fence,
            want_shut_down=want_shut_down,
        )  # fmt: skip
        decision = heartbeat(self.cluster.view, self.sessions, request, 1)
        self.sessions.touch(broker, self.now_ms, request.current_metadata_offset)
        self.cluster.play(decision)
        if decision.after_commit:
            decision.after_commit(self.cluster.image.offset)
        answer = decision.answer
        return (answer.is_caught_up, answer.is_fenced, answer.should_shut_down), decision

    def expire(self):
        decision = fence_silent(self.cluster.view, self.sessions, self.now_ms)
        self.cluster.play(decision)
        return decision


def test_a_new_broker_is_fenced_until_it_has_caught_up():
    registry = Registry(brokers=0)
    decision = registry.register(1, rack="a")
    broker = registry.cluster.image.brokers[1]
    assert broker.fenced and broker.rack == "a" and broker.port == 9092
    assert broker.epoch == decision.answer == registry.cluster.image.offset  # the offset of its own record
    assert told(decision) == [("BrokerRegistered", [])]
    assert registry.beat(1, offset=broker.epoch - 1)[0] == (False, True, False)
    assert registry.beat(1, want_fence=True)[0] == (True, True, False)
    answer, decision = registry.beat(1)
    assert answer == (True, False, False)
    assert told(decision) == [("BrokerUnfenced", [])]
    assert registry.beat(1)[1].records == []


def test_the_same_process_registers_again_and_keeps_its_epoch():
    registry = Registry(brokers=0)
    first = registry.register(1).answer
    registry.beat(1)
    assert registry.register(1).answer == first
    assert not registry.cluster.image.brokers[1].fenced


def test_another_process_with_the_id_waits_for_the_session_to_end():
    registry = Registry()
    with pytest.raises(DuplicateBrokerRegistration, match="Another broker is registered with that broker id"):
        registry.register(1, life=2)
    registry.now_ms += 9001
    registry.register(1, life=2)
    assert registry.cluster.image.brokers[1].incarnation_id == incarnation(1, 2)
    assert registry.cluster.image.brokers[1].fenced


def test_another_cluster_is_refused():
    with pytest.raises(InconsistentClusterId):
        Registry().register(1, cluster_id="other")


def test_a_killed_broker_that_is_back_before_anybody_noticed_loses_its_place():
    registry = Registry()
    registry.cluster.topic("orders", [1, 2, 3])
    registry.now_ms += 9001
    decision = registry.register(1, life=2)
    assert registry.cluster.line("orders") == "leader=2@1 isr=[2 3]"
    assert told(decision)[:2] == [("BrokerFenced", []), ("IsrShrunk", ["BrokerFenced"])]


def test_an_unclean_end_costs_the_eligibility_and_a_clean_one_does_not():
    for previous, line in ((-1, "leader=-1@1 isr=[] last=[1]"), (None, "leader=-1@1 isr=[] elr=[1] last=[1]")):
        registry = Registry()
        registry.cluster.topic("orders", [1, 2], isr=[1])
        epoch = registry.cluster.image.brokers[1].epoch
        registry.now_ms += 9001
        for other in (2, 3):
            registry.sessions.touch(other, registry.now_ms)
        registry.expire()
        assert registry.cluster.line("orders") == "leader=-1@1 isr=[] elr=[1] last=[1]"
        registry.register(1, life=2, previous_epoch=epoch if previous is None else previous)
        assert registry.cluster.line("orders") == line


def test_a_silent_broker_is_fenced_with_its_reason():
    registry = Registry()
    registry.cluster.topic("orders", [1, 2, 3], [2, 3, 1])
    registry.now_ms += 8999
    for broker in (2, 3):
        registry.beat(broker)
    assert registry.expire().records == []
    registry.now_ms += 2
    decision = registry.expire()
    assert told(decision) == [
        ("SessionExpired", []),
        ("BrokerFenced", ["SessionExpired"]),
        ("IsrShrunk", ["BrokerFenced"]),
        ("LeaderElected", ["BrokerFenced", "IsrShrunk"]),
        ("IsrShrunk", ["BrokerFenced"]),
    ]
    expired, fenced = (telling.fact for telling in decision.tellings[:2])
    assert (expired.silent_ms, expired.configs) == (9001, {"broker.session.timeout.ms": 9000})
    assert (fenced.partitions, fenced.reason) == (2, "session")
    assert registry.cluster.line("orders") == "leader=2@1 isr=[2 3]"
    assert registry.expire().records == []  # once
    assert registry.beat(1)[0] == (True, False, False)  # it was only slow: it comes back


def test_controlled_shutdown_moves_leaders_first_and_ends_when_all_know():
    registry = Registry()
    registry.cluster.topic("orders", [1, 2, 3])
    answer, decision = registry.beat(1, want_shut_down=True)
    assert answer == (True, False, False)
    assert told(decision)[0] == ("ControlledShutdownBegan", [])
    assert registry.cluster.line("orders") == "leader=2@1 isr=[2 3]"
    assert registry.beat(1, want_shut_down=True)[0] == (True, False, False)  # others have not heard of it yet
    registry.beat(2)
    registry.beat(3)
    answer, decision = registry.beat(1, want_shut_down=True)
    assert answer == (True, True, True)
    assert told(decision) == [("BrokerFenced", [])]
    assert registry.cluster.image.brokers[1].fenced


def test_a_broker_that_leads_nothing_may_go_at_once():
    registry = Registry()
    registry.cluster.topic("orders", [2, 1, 3])
    assert registry.beat(1, want_shut_down=True)[0] == (True, True, True)
    assert registry.cluster.line("orders") == "leader=2@0 isr=[2 3]"
    assert registry.beat(1, want_shut_down=True)[0] == (True, True, True)


def test_the_last_broker_of_a_cluster_can_leave():
    registry = Registry(brokers=1)
    registry.cluster.topic("orders", [1])
    registry.beat(1, want_shut_down=True)
    assert registry.cluster.line("orders") == "leader=-1@1 isr=[] elr=[1] last=[1]"
    assert registry.beat(1, want_shut_down=True)[0] == (True, True, True)


def test_a_beat_of_another_life_is_refused():
    with pytest.raises(StaleBrokerEpoch):
        Registry().beat(1, epoch=99)


def test_a_broker_goes_for_good():
    registry = Registry()
    registry.cluster.topic("orders", [1, 2, 3])
    decision = unregister(registry.cluster.view, 1)
    registry.cluster.play(decision)
    assert 1 not in registry.cluster.image.brokers
    assert registry.cluster.line("orders") == "leader=2@1 isr=[2 3]"
    with pytest.raises(BrokerIdNotRegistered, match="Broker ID 1 is not currently registered"):
        unregister(registry.cluster.view, 1)


def test_fencing_a_broker_with_a_thousand_replicas_is_quick():
    registry = Registry()
    registry.cluster.topic("orders", *([1, 2, 3] for _ in range(1000)))
    registry.now_ms += 9001
    for other in (2, 3):
        registry.sessions.touch(other, registry.now_ms)
    began = time.perf_counter()
    decision = registry.expire()
    assert len(decision.records) == 1001
    assert time.perf_counter() - began < 0.5  # some 20 ms
