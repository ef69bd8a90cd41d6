"""The loop: one decision at a time, told at commit, refused when the lead is lost, sessions watched by the clock."""

from dataclasses import replace

import pytest

from engine.controller.controller import Controller
from engine.events.facts import BrokerFenced, BrokerUnfenced, LeaderElected, SessionExpired, TopicCreated
from engine.events.journal import Journal
from engine.metadata.delta import replay_all
from engine.protocol.codec import build
from engine.protocol.errors import DuplicateBrokerRegistration, NotController
from engine.protocol.stored.metadata import PartitionRecord, TopicRecord
from engine.world.simulated import Simulation
from engine.world.tasks import Promise, spawn
from engine.world.virtual_loop import run_virtually
from tests.engine.controller.cluster import CLUSTER_ID, LOG_DIRS, Cluster, incarnation


class Raft:
    """Commits what is appended after a moment, or when told to."""

    def __init__(self, cluster, clock):
        self.cluster, self.clock = cluster, clock
        self.is_leader, self.leader_id = True, 1
        self.hold = False
        self.appended = []
        self.waiting = []
        self.next_offset = cluster.next_offset
        self.replayed = lambda delta: None

    def append(self, records):
        if not self.is_leader:
            raise NotController
        first = self.next_offset
        self.next_offset += len(records)
        self.appended += [(first + step, record) for step, record in enumerate(records)]
        return self.next_offset - 1

    async def committed(self, offset):
        if self.cluster.image.offset >= offset:
            return
        if not self.hold:
            self.commit()
            return
        promise = Promise()
        self.waiting.append(promise)
        await promise.wait()

    def commit(self):
        records, self.appended = self.appended, []
        delta = replay_all(self.cluster.image, records)
        self.cluster.config.follow(self.cluster.image)
        self.replayed(delta)
        for promise in self.waiting:
            promise.resolve(None)
        self.waiting = []

    def lose(self):
        self.is_leader = False
        for promise in self.waiting:
            promise.refuse(NotController())
        self.waiting = []


def story(tell, **how):
    """Run one story in virtual time with a controller that has just become active."""
    async def main():
        world = Simulation(seed=1).world("node-1")
        cluster = Cluster(**how)
        raft = Raft(cluster, world.clock)
        journal = Journal(node=1, incarnation=1, now_ms=world.clock.now_ms)
        controller = Controller(
            image=cluster.image, raft=raft, clock=world.clock, chance=world.chance, journal=journal, config=cluster.config, cluster_id=CLUSTER_ID,
            log=lines.append,
        )  # fmt: skip
        raft.replayed = controller.on_replayed
        controller.on_leader(True, 5)
        await world.clock.sleep(1)
        await tell(controller, raft, cluster, journal, world.clock)
        controller.crash()

    lines = []
    run_virtually(main())
    assert lines == []


def creation(name, partitions=1, factor=3):
    topics = [{"name": name, "num_partitions": partitions, "replication_factor": factor, "assignments": (), "configs": ()}]
    return build("CreateTopics", "request", 7, topics=topics, timeout=1000, validate_only=False)


def registration(broker, life=1):
    return build(
        "BrokerRegistration", "request", 4, broker_id=broker, cluster_id=CLUSTER_ID, incarnation_id=incarnation(broker, life),
        listeners=[{"name": "PLAINTEXT", "host": "127.0.0.1", "port": 9092, "security_protocol": 0}], features=[], rack=None,
        log_dirs=LOG_DIRS[broker], previous_broker_epoch=-1,
    )  # fmt: skip


def beat(cluster, broker):
    return build(
        "BrokerHeartbeat", "request", 1, broker_id=broker, broker_epoch=cluster.image.brokers[broker].epoch,
        current_metadata_offset=cluster.image.offset, want_fence=False, want_shut_down=False,
    )  # fmt: skip


def test_a_new_cluster_gets_its_features_a_broker_and_a_topic():
    async def tell(controller, raft, cluster, journal, clock):
        assert cluster.image.features["metadata.version"] == 30
        answer = await controller.register_broker(registration(1), 4)
        assert answer.broker_epoch == cluster.image.brokers[1].epoch == cluster.image.offset
        assert not (await controller.broker_heartbeat(beat(cluster, 1), 1)).is_fenced
        answer = await controller.create_topics(creation("orders", factor=1), 7)
        assert answer.topics[0].error_code == 0
        assert [type(fact).__name__ for fact in journal.recent()] == ["BrokerRegistered", "BrokerUnfenced", "TopicCreated"]
        assert journal.recent(BrokerUnfenced)[0].at_ms > 0

    story(tell, brokers=0, elr=False)


def test_decisions_wait_for_the_one_before_and_see_what_it_did():
    async def tell(controller, raft, cluster, journal, clock):
        raft.hold = True
        first = spawn(controller.create_topics(creation("orders"), 7), name="first")
        second = spawn(controller.create_topics(creation("orders"), 7), name="second")
        await clock.sleep(10)
        assert len(raft.appended) == 2  # the topic and its partition, once
        assert journal.recent(TopicCreated) == []  # not before it is committed
        raft.commit()
        assert (await first).topics[0].error_code.name == "none"
        assert (await second).topics[0].error_code.name == "topic_already_exists"
        assert len(journal.recent(TopicCreated)) == 1

    story(tell)


def test_losing_the_lead_refuses_what_waits():
    async def tell(controller, raft, cluster, journal, clock):
        raft.hold = True

        async def refused(number):
            with pytest.raises(NotController):
                await controller.create_topics(creation(f"t-{number}"), 7)

        asked = [spawn(refused(number), name="asked") for number in range(3)]
        await clock.sleep(10)
        raft.lose()
        controller.on_leader(False, 6)
        for task in asked:
            await task
        with pytest.raises(NotController):
            await controller.broker_heartbeat(beat(cluster, 1), 1)
        assert journal.recent(TopicCreated) == []

    story(tell)


def test_what_was_decided_before_the_lead_was_lost_is_told_when_it_is_committed_after_all():
    async def tell(controller, raft, cluster, journal, clock):
        raft.hold = True

        async def refused():
            with pytest.raises(NotController):
                await controller.create_topics(creation("orders"), 7)

        asked = spawn(refused(), name="asked")
        await clock.sleep(10)
        raft.lose()
        controller.on_leader(False, 6)
        await asked
        raft.is_leader = True  # again: its log still has what it appended, and the first record of the new epoch commits that too
        raft.commit()
        controller.on_leader(True, 7)
        await clock.sleep(10)
        assert [fact.topic for fact in journal.recent(TopicCreated)] == ["orders"]

    story(tell)


def test_a_silent_broker_is_fenced_by_the_clock_and_the_beating_are_not():
    async def tell(controller, raft, cluster, journal, clock):
        cluster.topic("orders", [1, 2, 3])
        raft.next_offset = cluster.next_offset
        began = clock.monotonic_ms()
        while not journal.recent(BrokerFenced):
            for broker in (2, 3):
                await controller.broker_heartbeat(beat(cluster, broker), 1)
            await clock.sleep(500)
        assert 9_000 <= clock.monotonic_ms() - began <= 9_600
        expired, fenced, elected = (journal.recent(kind)[0] for kind in (SessionExpired, BrokerFenced, LeaderElected))
        assert fenced.causes == (expired.id,) and fenced.id in elected.causes
        assert cluster.line("orders") == "leader=2@1 isr=[2 3]"
        await clock.sleep(4_000)
        assert len(journal.recent(BrokerFenced)) == 1

    story(tell)


def test_a_controller_that_was_held_up_reads_the_heartbeats_that_came_meanwhile_first():
    class Late:
        """A clock whose timers ring two seconds late, as in a process that stands still again and again."""

        def __init__(self, clock):
            self.clock = clock

        def __getattr__(self, name):
            return getattr(self.clock, name)

        def call_later(self, ms, ring):
            return self.clock.call_later(ms + 2_000, ring)

    async def tell(controller, raft, cluster, journal, clock):
        controller.crash()
        controller._clock = Late(clock)
        controller.on_leader(True, 6)
        await clock.sleep(9_000 + 2_000 + 50)
        for broker in (1, 2):
            await controller.broker_heartbeat(beat(cluster, broker), 1)
        assert journal.recent(BrokerFenced) == []
        await clock.sleep(2_100)
        assert [fact.broker for fact in journal.recent(BrokerFenced)] == [3]

    story(tell)


def test_a_paused_clock_ends_no_session():
    async def tell(controller, raft, cluster, journal, clock):
        await clock.sleep(8_000)
        for broker in (1, 2, 3):
            await controller.broker_heartbeat(beat(cluster, broker), 1)
        clock.pause()
        clock.resume()
        await clock.sleep(8_000)
        assert journal.recent(BrokerFenced) == []

    story(tell)


def test_a_new_controller_gives_everybody_a_fresh_session():
    async def tell(controller, raft, cluster, journal, clock):
        await clock.sleep(8_000)
        controller.on_leader(False, 6)
        controller.on_leader(True, 7)
        await clock.sleep(8_000)
        assert journal.recent(BrokerFenced) == []
        with pytest.raises(DuplicateBrokerRegistration):
            await controller.register_broker(registration(1, life=2), 4)
        await clock.sleep(2_000)
        assert {fact.broker for fact in journal.recent(BrokerFenced)} == {1, 2, 3}

    story(tell)


def test_the_controller_before_has_less_time_left_than_the_others():
    async def tell(controller, raft, cluster, journal, clock):
        raft.is_leader, raft.leader_id = False, 2
        controller.on_leader(False, 6)
        await clock.sleep(20_000)
        raft.is_leader, raft.leader_id = True, 1
        controller.on_leader(True, 7)
        began = clock.monotonic_ms()
        while not journal.recent(BrokerFenced):
            await clock.sleep(100)
        assert [fact.broker for fact in journal.recent(BrokerFenced)] == [2]
        assert 7_000 <= clock.monotonic_ms() - began <= 7_300  # 9 s of session, less 2 s without a fetch

    story(tell)


def test_a_long_election_counts_against_the_controller_before():
    async def tell(controller, raft, cluster, journal, clock):
        raft.is_leader, raft.leader_id = False, 2
        controller.on_leader(False, 6)
        raft.leader_id = None
        controller.on_leader(False, 6)
        await clock.sleep(3_000)
        raft.is_leader, raft.leader_id = True, 1
        controller.on_leader(True, 7)
        began = clock.monotonic_ms()
        while not journal.recent(BrokerFenced):
            await clock.sleep(100)
        assert [fact.broker for fact in journal.recent(BrokerFenced)] == [2]
        assert 4_000 <= clock.monotonic_ms() - began <= 4_300  # 9 s of session, less 2 s without a fetch, less the election

    story(tell)


def test_a_controller_that_is_known_from_before_a_restart_counts_too():
    async def tell(controller, raft, cluster, journal, clock):
        raft.is_leader, raft.leader_id = False, 2
        again = Controller(
            image=cluster.image, raft=raft, clock=clock, chance=controller._chance, journal=journal, config=cluster.config, cluster_id=CLUSTER_ID
        )
        raft.leader_id = None
        again.on_leader(False, 6)
        raft.is_leader, raft.leader_id = True, 1
        again.on_leader(True, 7)
        controller.crash()
        raft.replayed = again.on_replayed
        began = clock.monotonic_ms()
        while not journal.recent(BrokerFenced):
            await clock.sleep(100)
        assert [fact.broker for fact in journal.recent(BrokerFenced)] == [2]
        assert clock.monotonic_ms() - began <= 7_300
        again.crash()

    story(tell)


def test_preferred_leaders_come_back_by_themselves():
    async def tell(controller, raft, cluster, journal, clock):
        cluster.topic("orders", [1, 2, 3])
        raft.next_offset = cluster.next_offset
        await controller.elect_leaders(build("ElectLeaders", "request", 2, election_type=0, topic_partitions=None), 2)
        before = cluster.image.partition("orders", 0)
        cluster.image.topics["orders"].partitions[0] = replace(before, leader=2)
        for _ in range(12):
            for broker in (1, 2, 3):
                await controller.broker_heartbeat(beat(cluster, broker), 1)
            await clock.sleep(500)
        assert cluster.image.partition("orders", 0).leader == 1
        assert journal.recent(LeaderElected)[0].how == "preferred"

    story(tell, config={"leader.imbalance.check.interval.seconds": "5"})


def test_what_a_controller_before_decided_is_told_when_it_comes_to_light():
    async def tell(controller, raft, cluster, journal, clock):
        other = Cluster()
        other.topic("orders", [1, 2, 3])
        raft.appended = []
        topic = other.image.topics["orders"]
        records = [
            TopicRecord(name="orders", topic_id=topic.id),
            PartitionRecord(partition_id=0, topic_id=topic.id, replicas=(1, 2, 3), isr=(1, 2, 3), leader=1, leader_epoch=0, partition_epoch=0),
        ]
        raft.next_offset += 2
        controller.on_replayed(replay_all(cluster.image, [(raft.next_offset - 2 + step, record) for step, record in enumerate(records)]))
        assert [fact.topic for fact in journal.recent(TopicCreated)] == ["orders"]

    story(tell)
