"""Raft in a whole world: three nodes with disks and connections in memory, on virtual time; Kafka's requests between them."""

import functools
import inspect
import struct

import pytest

from engine.events.facts import ControllerElected, ControllerLost, VoteRequested
from engine.events.journal import Journal
from engine.peers.directory import Directory
from engine.protocol import codec
from engine.protocol.errors import ErrorCode, KafkaError, NotController
from engine.protocol.stored import metadata as stored
from engine.quorum.metadata_log import METADATA_TOPIC, METADATA_TOPIC_ID
from engine.quorum.raft_driver import Raft
from engine.storage.log_config import LogConfig
from engine.storage.partition_log import PartitionLog
from engine.world.simulated import Simulation
from engine.world.tasks import spawn
from engine.world.virtual_loop import run_virtually

DEMO = {
    "controller.quorum.election.timeout.ms": 300,
    "controller.quorum.fetch.timeout.ms": 600,
    "controller.quorum.election.backoff.max.ms": 200,
    "controller.quorum.request.timeout.ms": 600,
    "controller.quorum.retry.backoff.ms": 20,
}
ADDRESSES = {number: (f"node-{number}", 9090 + number) for number in (1, 2, 3)}
ANSWERS = {1: "answer_fetch", 52: "answer_vote", 53: "answer_begin_epoch", 54: "answer_end_epoch", 55: "answer_describe_quorum"}


class Node:
    """One process: a log, a raft, a port."""

    def __init__(self, number, world):
        self.number, self.world = number, world
        self.journal = Journal(node=number, incarnation=1, now_ms=world.clock.now_ms)
        self.directory = Directory(world=world, node_id=number)
        self.log = PartitionLog.open(
            disk=world.disk,
            clock=world.clock,
            folder=f"data/{METADATA_TOPIC}-0",
            topic=METADATA_TOPIC,
            partition=0,
            topic_id=METADATA_TOPIC_ID,
            config=LogConfig(),
            clean=False,
            journal=self.journal,
        )
        self.raft = Raft(
            world=world,
            log=self.log,
            node_id=number,
            voters=ADDRESSES,
            directory=self.directory,
            config=DEMO,
            journal=self.journal,
            cluster_id="cluster",
        )
        self.names, self.leaders = [], []
        self.raft.on_committed = lambda records, epoch: self.names.extend(record.name for _, record in records)
        self.raft.on_leader = lambda leader, epoch: self.leaders.append((leader, epoch))

    async def start(self):
        host, port = ADDRESSES[self.number]
        await self.world.network.listen(host, port, self.accept)
        await self.raft.start()
        return self

    def accept(self, connection):
        def on_frame(frame):
            header, request = codec.decode_request(frame)
            spawn(self.serve(connection, header, request), name="serve")

        connection.on_frame = on_frame
        connection.on_closed = lambda reason: None

    async def serve(self, connection, header, request):
        try:
            answer = getattr(self.raft, ANSWERS[header.api_key])(request, header.api_version)
            answer = await answer if inspect.isawaitable(answer) else answer
        except KafkaError:
            return
        connection.send(codec.encode_response(answer, correlation_id=header.correlation_id))

    def told(self, kind):
        return [fact for fact in self.journal.recent(kind)]


class Quorum:
    def __init__(self, seed=1):
        self.simulation = Simulation(seed)
        self.nodes = {}

    async def start(self, *numbers):
        for number in numbers:
            self.nodes[number] = await Node(number, self.simulation.world(f"node-{number}")).start()
        return self

    def kill(self, number):
        node = self.nodes.pop(number)
        node.raft.crash()
        node.directory.close()
        self.simulation.crash(node.world)

    async def leader(self, *, other_than=None):
        for _ in range(400):
            for node in self.nodes.values():
                if node.leaders and node.leaders[-1] == (node.number, node.raft.epoch) and node.number != other_than:
                    return node
            await self.simulation.sleep(10)
        raise AssertionError(f"nobody leads: {list(self.nodes.values())}")

    async def agree(self):
        for _ in range(100):
            if len({tuple(node.names) for node in self.nodes.values()}) == 1:
                return
            await self.simulation.sleep(10)
        raise AssertionError({node.number: node.names for node in self.nodes.values()})


def virtually(test):
    @functools.wraps(test)
    def run():
        run_virtually(test())

    return run


def feature(name):
    return stored.FeatureLevelRecord(name=name, feature_level=1)


@virtually
async def test_what_is_committed_is_given_to_all_once_and_in_order():
    quorum = await Quorum().start(1, 2, 3)
    leader = await quorum.leader()
    offset = leader.raft.append([feature("a"), feature("b")])
    assert leader.raft.next_offset == offset + 1
    await leader.raft.committed(offset)
    assert leader.names == ["a", "b"], "given before committed() returns"
    await leader.raft.committed(leader.raft.append([feature("c")]))
    await quorum.agree()
    (elected,) = leader.told(ControllerElected)
    assert elected.leader == leader.number and elected.causes
    assert [node.leaders for node in quorum.nodes.values() if node is not leader] == [[(leader.number, 1)]] * 2
    follower = next(node for node in quorum.nodes.values() if node is not leader)
    with pytest.raises(NotController):
        follower.raft.append([feature("x")])
    assert leader.raft.ends().keys() == {1, 2, 3} and follower.raft.leader_id == leader.number


@virtually
async def test_a_killed_leader_is_replaced_and_comes_back_with_everything():
    quorum = await Quorum(seed=2).start(1, 2, 3)
    first = await quorum.leader()
    await first.raft.committed(first.raft.append([feature("a")]))
    await quorum.agree()
    quorum.kill(first.number)
    began = quorum.simulation.now_ms()
    second = await quorum.leader(other_than=first.number)
    assert quorum.simulation.now_ms() - began < 600 + 150
    lost = second.told(ControllerLost)[-1]
    assert lost.leader == first.number and "fetch.timeout" in lost.reason and lost.configs["controller.quorum.fetch.timeout.ms"] == 600
    asked = second.told(VoteRequested)
    assert asked[-2].causes == (lost.id,) and asked[-1].causes == (asked[-2].id,)
    assert second.told(ControllerElected)[-1].causes == (asked[-1].id,)
    await second.raft.committed(second.raft.append([feature("b")]))
    await quorum.start(first.number)
    await quorum.agree()
    assert quorum.nodes[first.number].names == ["a", "b"]


@virtually
async def test_all_killed_at_once_come_back_with_everything():
    quorum = await Quorum(seed=3).start(1, 2, 3)
    leader = await quorum.leader()
    for number in range(10):
        await leader.raft.committed(leader.raft.append([feature(str(number))]))
    for number in (1, 2, 3):
        quorum.kill(number)
    await quorum.start(1, 2, 3)
    await quorum.leader()
    await quorum.agree()
    assert quorum.nodes[1].names == [str(number) for number in range(10)]


@virtually
async def test_who_waits_for_a_commit_hears_when_the_leader_goes():
    quorum = await Quorum(seed=4).start(1, 2, 3)
    leader = await quorum.leader()
    for number in [number for number in quorum.nodes if number != leader.number]:
        quorum.kill(number)
    with pytest.raises(NotController):
        await leader.raft.committed(leader.raft.append([feature("never")]))
    assert leader.names == [] and leader.leaders[-1][0] is None
    assert "majority" in leader.told(ControllerLost)[-1].reason


@virtually
async def test_a_graceful_stop_hands_over_first():
    quorum = await Quorum(seed=5).start(1, 2, 3)
    leader = await quorum.leader()
    began = quorum.simulation.now_ms()
    await leader.raft.stop(graceful=True)
    assert quorum.simulation.now_ms() - began < 150
    successor = await quorum.leader(other_than=leader.number)
    assert successor.told(ControllerLost)[-1].reason == "the leader resigned"


@virtually
async def test_requests_that_are_not_for_us_are_refused_in_words_of_kafka():
    quorum = await Quorum(seed=6).start(1, 2, 3)
    raft = (await quorum.leader()).raft
    strange = [{"topic_name": "t", "partitions": [{"partition_index": 0, "leader_id": 1, "leader_epoch": 1, "voter_directory_id": None}]}]
    ours = [strange[0] | {"topic_name": METADATA_TOPIC}]

    def begin(**fields):
        request = codec.build("BeginQuorumEpoch", "request", 1, leader_endpoints=[], **fields)
        return raft.answer_begin_epoch(request, 1).error_code

    assert begin(cluster_id="other", voter_id=-1, topics=ours) == ErrorCode.inconsistent_cluster_id
    assert begin(cluster_id="cluster", voter_id=9, topics=ours) == ErrorCode.invalid_voter_key
    assert begin(cluster_id="cluster", voter_id=raft.node_id, topics=strange) == ErrorCode.invalid_request
    assert begin(cluster_id=None, voter_id=-1, topics=ours) == ErrorCode.none


@virtually
async def test_describe_quorum_at_each_version():
    quorum = await Quorum(seed=7).start(1, 2, 3)
    leader = await quorum.leader()
    await quorum.simulation.sleep(500)
    topics = [{"topic_name": METADATA_TOPIC, "partitions": [{"partition_index": 0}]}]
    for version in (0, 1, 2):
        request = codec.build("DescribeQuorum", "request", version, topics=topics)
        answer = leader.raft.answer_describe_quorum(request, version)
        (partition,) = answer.topics[0].partitions
        assert (partition.leader_id, partition.leader_epoch, partition.high_watermark) == (leader.number, 1, 1)
        assert [(voter.replica_id, voter.log_end_offset) for voter in partition.current_voters] == [(1, 1), (2, 1), (3, 1)]
        if version >= 1:
            now = leader.world.clock.now_ms()
            assert all(0 <= now - voter.last_caught_up_timestamp < 400 for voter in partition.current_voters)
        if version >= 2:
            assert [node.node_id for node in answer.nodes] == [1, 2, 3] and answer.nodes[0].listeners[0].port == 9091
        assert codec.encode_response(answer, correlation_id=1)
    follower = next(node for node in quorum.nodes.values() if node is not leader)
    refused = follower.raft.answer_describe_quorum(request, 2).topics[0].partitions[0]
    assert refused.error_code == ErrorCode.not_leader_or_follower and refused.leader_id == leader.number


@virtually
async def test_the_folder_is_kafkas():
    quorum = await Quorum(seed=8).start(1, 2, 3)
    leader = await quorum.leader()
    disk = leader.world.disk
    names = disk.list(f"data/{METADATA_TOPIC}-0")
    assert {"00000000000000000000.log", "leader-epoch-checkpoint", "partition.metadata", "quorum-state"} <= set(names)
    data = disk.read_whole(f"data/{METADATA_TOPIC}-0/00000000000000000000.log")
    base_offset, length, epoch, magic = struct.unpack_from(">qiib", data)
    assert (base_offset, epoch, magic, length + 12) == (0, 1, 2, len(data))
