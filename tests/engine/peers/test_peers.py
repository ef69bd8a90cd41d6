"""Asking another node: pipelined, refused when the connection breaks, and dialled again."""

import asyncio

import pytest

from engine.peers.connection import Peer, Unreachable
from engine.peers.directory import Directory
from engine.protocol import codec
from engine.world.chance import Chance
from engine.world.clock import Clock
from engine.world.tasks import Expired
from engine.world.world import World


class Line:
    """The asking side of a connection, with what was sent on it."""

    def __init__(self):
        self.sent = []
        self.closed = False
        self.queued_bytes = 0

    def send(self, *parts):
        self.sent.append(b"".join(parts))

    def close(self):
        self.closed = True

    def asked(self):
        return [codec.decode_request(memoryview(frame)[4:]) for frame in self.sent]

    def answer(self, correlation_id: int, leader: int):
        message = codec.build("BeginQuorumEpoch", "response", 0, error_code=0, topics=[topic(leader)])
        self.on_frame(memoryview(bytearray(codec.encode_response(message, correlation_id=correlation_id)))[4:])


def topic(leader: int) -> dict:
    return {"topic_name": "__cluster_metadata", "partitions": [{"partition_index": 0, "error_code": 0, "leader_id": leader, "leader_epoch": 1}]}


class Switchboard:
    """A network of which this test is the other end."""

    def __init__(self):
        self.lines = []
        self.dialled = []
        self.refuses = False

    async def dial(self, host, port, *, to):
        self.dialled.append((host, port))
        if self.refuses:
            raise ConnectionRefusedError("nobody listens")
        self.lines.append(Line())
        return self.lines[-1]


def question():
    return codec.build("BeginQuorumEpoch", "request", 0, cluster_id="c", topics=[])


@pytest.fixture
async def network():
    return Switchboard()


@pytest.fixture
async def peer(network):
    world = World(clock=Clock(start_ms=0), network=network, disk=None, chance=Chance(1), log=print)
    return Peer(world=world, node_id=2, address=("h", 9092), client_id="node-1")


async def turns(count=5):
    for _ in range(count):
        await asyncio.sleep(0)


def leader_of(message) -> int:
    return message.topics[0].partitions[0].leader_id


async def test_several_asks_share_one_connection_and_are_answered_in_any_order(network, peer):
    first = asyncio.ensure_future(peer.ask(question(), within_ms=1000))
    second = asyncio.ensure_future(peer.ask(question(), within_ms=1000))
    await turns()
    (line,) = network.lines
    ids = [header.correlation_id for header, _ in line.asked()]
    assert ids == [1, 2] and line.asked()[0][0].client_id == "node-1"
    line.answer(2, leader=7)
    line.answer(1, leader=6)
    assert [leader_of(await first), leader_of(await second)] == [6, 7]


async def test_a_broken_connection_refuses_the_waiting_and_the_next_ask_dials_again(network, peer):
    waiting = asyncio.ensure_future(peer.ask(question(), within_ms=1000))
    await turns()
    network.lines[0].on_closed("reset by peer")
    with pytest.raises(Unreachable, match="node 2: reset by peer"):
        await waiting
    again = asyncio.ensure_future(peer.ask(question(), within_ms=1000))
    await turns()
    network.lines[1].answer(2, leader=1)
    assert leader_of(await again) == 1


async def test_a_refused_dial_is_unreachable_and_the_next_one_waits_a_little(network, peer):
    network.refuses = True
    with pytest.raises(Unreachable, match="nobody listens"):
        await peer.ask(question(), within_ms=1000)
    asked = asyncio.ensure_future(peer.ask(question(), within_ms=1000))
    await turns()
    assert len(network.dialled) == 1
    with pytest.raises(Unreachable):
        await asked
    assert len(network.dialled) == 2


async def test_an_ask_that_expires_takes_its_connection_with_it(network, peer):
    hanging = asyncio.ensure_future(peer.ask(question(), within_ms=10_000))
    with pytest.raises(Expired):
        await peer.ask(question(), within_ms=1)
    assert network.lines[0].closed and not peer.connected
    with pytest.raises(Unreachable, match="timed out"):
        await hanging


async def test_an_answer_that_cannot_be_read_breaks_the_connection(network, peer):
    waiting = asyncio.ensure_future(peer.ask(question(), within_ms=1000))
    await turns()
    network.lines[0].on_frame(memoryview(b"\0\0\0\1\0"))
    with pytest.raises(Unreachable):
        await waiting
    assert network.lines[0].closed


async def test_an_answer_that_nobody_asked_for_breaks_the_connection(network, peer):
    waiting = asyncio.ensure_future(peer.ask(question(), within_ms=1000))
    await turns()
    network.lines[0].answer(99, leader=1)
    with pytest.raises(Unreachable, match="nobody asked"):
        await waiting


async def test_a_raw_ask_gives_the_whole_frame(network, peer):
    waiting = asyncio.ensure_future(peer.ask_raw(lambda number: b"\0\0\0\4" + number.to_bytes(4, "big"), within_ms=1000))
    await turns()
    assert network.lines[0].sent == [b"\0\0\0\4\0\0\0\1"]
    network.lines[0].on_frame(memoryview(bytearray(b"\0\0\0\1rest")))
    assert await waiting == b"\0\0\0\1rest"


async def test_the_directory_keeps_one_peer_a_purpose_and_redials_a_node_that_moved(network):
    world = World(clock=Clock(start_ms=0), network=network, disk=None, chance=Chance(1), log=print)
    directory = Directory(world=world, node_id=1, addresses={2: ("h", 9092)})
    assert directory.peer(2) is directory.peer(2) and directory.peer(2, "raft") is not directory.peer(2)
    waiting = asyncio.ensure_future(directory.peer(2).ask(question(), within_ms=1000))
    await turns()
    directory.set_address(2, "h", 9093)
    with pytest.raises(Unreachable, match="moved"):
        await waiting
    again = asyncio.ensure_future(directory.peer(2).ask(question(), within_ms=1000))
    await turns()
    assert network.dialled == [("h", 9092), ("h", 9093)]
    directory.close()
    with pytest.raises(Unreachable, match="this node is going"):
        await again


async def test_a_node_whose_address_is_not_known_is_unreachable(network):
    world = World(clock=Clock(start_ms=0), network=network, disk=None, chance=Chance(1), log=print)
    with pytest.raises(Unreachable, match="node 9: its address is not known"):
        await Directory(world=world, node_id=1).peer(9).ask(question(), within_ms=1000)
