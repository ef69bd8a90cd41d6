"""Real connections over loopback while their links are cut, slow and healed: they stall and go on, and nothing is lost or reordered."""

import os

import pytest

from engine.world import tasks
from engine.world.chance import Chance
from engine.world.links import CLIENTS
from engine.world.real import real_world

WAIT_MS = 10_000


def frame(data):
    return len(data).to_bytes(4, "big") + data


def named(view):
    """The name that a test's first frame carries."""
    return bytes(view).decode().partition(" ")[0]


class Pair:
    """Two processes' worlds in one loop, a connection from `node-1` (or a client) to `node-2`, and what each end heard."""

    def __init__(self, dialler="node-1"):
        self.near, self.far = real_world(name=dialler), real_world(name="node-2")
        self.far.network.gates.name_of = named
        self.heard, self.answers, self.closed = [], [], []

    async def open(self):
        accepted = tasks.Promise()

        def on_connection(connection):
            connection.on_frame = lambda view: self.heard.append(bytes(view))
            connection.on_closed = self.closed.append
            accepted.resolve(connection)

        self.listener = await self.far.network.listen("127.0.0.1", 0, on_connection)
        self.dialled = await self.near.network.dial("127.0.0.1", self.listener.port, to="node-2")
        self.dialled.on_frame = lambda view: self.answers.append(bytes(view))
        self.dialled.on_closed = self.closed.append
        self.accepted = await accepted.wait()
        return self

    def links(self, *, cut=(), slow=(), ends=("near", "far")):
        """Both ends are told, or only one of them."""
        for end in ends:
            getattr(self, end).network.gates.links.become(cut=cut, slow=slow)

    async def until(self, condition):
        async def poll():
            while not condition():
                await self.near.clock.sleep(1)

        await tasks.within(self.near.clock, WAIT_MS, poll())

    async def turns(self):
        """Long enough for anything that is on its way over loopback to arrive: a whole round trip of another connection."""
        other = await Pair("node-8").open()
        other.dialled.send(frame(b"node-8 ping"))
        await other.until(lambda: other.heard)
        other.close()

    def close(self):
        self.dialled.close()
        self.accepted.close()
        self.listener.close()


BOTH_WAYS = (("node-1", "node-2"), ("node-2", "node-1"))


@pytest.mark.parametrize("ends", [("near", "far"), ("near",), ("far",)], ids="+".join)
async def test_a_cut_stalls_both_ways_whichever_end_obeys_and_a_heal_delivers_all_in_order(ends):
    pair = await Pair().open()
    pair.dialled.send(frame(b"node-1 hello"))
    await pair.until(lambda: len(pair.heard) == 1)
    pair.accepted.far = "node-1"  # as the owner says when it has read who it is
    pair.links(cut=BOTH_WAYS, ends=ends)
    for number in range(5):
        pair.dialled.send(frame(b"%d" % number))
        pair.accepted.send(frame(b"a%d" % number))
        await pair.turns()
    assert (pair.heard, pair.answers, pair.closed) == ([b"node-1 hello"], [], [])
    pair.links(ends=ends)
    await pair.until(lambda: len(pair.heard) == 6 and len(pair.answers) == 5)
    assert pair.heard[1:] == [b"%d" % number for number in range(5)]
    assert pair.answers == [b"a%d" % number for number in range(5)]
    pair.close()


async def test_a_cut_one_way_lets_the_other_way_pass():
    pair = await Pair().open()
    pair.accepted.far = "node-1"
    pair.links(cut=[("node-1", "node-2")])
    pair.dialled.send(frame(b"lost for now"))
    pair.accepted.send(frame(b"heard"))
    await pair.until(lambda: pair.answers == [b"heard"])
    await pair.turns()
    assert pair.heard == []
    pair.links()
    await pair.until(lambda: pair.heard == [b"lost for now"])
    pair.close()


async def test_a_connection_that_comes_while_its_link_is_cut_is_known_by_its_first_frame_and_kept():
    pair = await Pair().open()
    stranger = await Pair("client").open()
    for one in (pair, stranger):
        one.links(cut=BOTH_WAYS, ends=("far",))
        one.accepted.far = None
        one.far.network.gates.opened(one.accepted)
    pair.dialled.send(frame(b"node-1 first"), frame(b"second"))
    stranger.dialled.send(frame(b"clients first"), frame(b"second"))
    await stranger.until(lambda: len(stranger.heard) == 2)
    await pair.turns()
    assert (pair.heard, pair.accepted.far) == ([], "node-1")
    pair.links(ends=("far",))
    await pair.until(lambda: pair.heard == [b"node-1 first", b"second"])
    pair.close()
    stranger.close()


async def test_dialling_over_a_cut_link_times_out_and_goes_through_once_it_is_healed():
    pair = await Pair().open()
    pair.links(cut=[("node-2", "node-1")])
    pair.near.clock.pause()  # the time out is the cluster's, so it stands too
    dial = tasks.spawn(pair.near.network.dial("127.0.0.1", pair.listener.port, to="node-2"), name="dial")
    await pair.turns()
    assert not dial.done()
    pair.near.clock.resume()
    pair.links()
    (await tasks.within(pair.far.clock, WAIT_MS, dial)).close()
    pair.links(cut=[("node-2", "node-1")])
    pair.near.clock.slow(1 / 100)  # a hundred times as fast
    with pytest.raises(TimeoutError, match="timed out"):
        await pair.near.network.dial("127.0.0.1", pair.listener.port, to="node-2")
    pair.close()


async def test_a_slow_link_delays_each_frame_both_ways_and_keeps_their_order():
    pair = await Pair().open()
    pair.accepted.far = "node-1"
    pair.links(slow=[("node-1", "node-2", 40), ("node-2", "node-1", 40)])
    began = pair.near.clock.monotonic_ms()
    for number in range(50):
        pair.dialled.send(frame(b"%d" % number))
    assert pair.dialled.queued_bytes > 0
    await pair.until(lambda: len(pair.heard) == 50)
    assert pair.near.clock.monotonic_ms() - began >= 39
    pair.accepted.send(frame(b"back"))
    await pair.until(lambda: pair.answers)
    assert pair.near.clock.monotonic_ms() - began >= 78
    assert pair.heard == [b"%d" % number for number in range(50)]
    assert pair.dialled.queued_bytes == 0
    pair.close()


async def test_what_is_under_way_on_a_slow_link_is_not_overtaken_after_the_heal():
    pair = await Pair().open()
    pair.accepted.far = "node-1"
    pair.links(slow=[("node-1", "node-2", 30)])
    pair.dialled.send(frame(b"slow"))
    pair.links()
    pair.dialled.send(frame(b"later"))
    await pair.until(lambda: len(pair.heard) == 2)
    assert pair.heard == [b"slow", b"later"]
    pair.close()


async def test_a_slow_link_to_clients_delays_what_they_ask_and_what_they_hear():
    pair = await Pair("stranger").open()
    pair.accepted.far = CLIENTS
    pair.links(slow=[("node-2", CLIENTS, 30), (CLIENTS, "node-2", 30)], ends=("far",))
    began = pair.far.clock.monotonic_ms()
    for number in range(20):
        pair.dialled.send(frame(b"%d" % number))
    await pair.until(lambda: len(pair.heard) == 20)
    assert pair.far.clock.monotonic_ms() - began >= 29
    pair.accepted.send(frame(b"back"))
    await pair.until(lambda: pair.answers)
    assert pair.far.clock.monotonic_ms() - began >= 58
    assert pair.heard == [b"%d" % number for number in range(20)]
    pair.close()


async def test_a_delay_stands_still_with_a_paused_clock():
    pair = await Pair().open()
    pair.links(slow=[("node-1", "node-2", 10)])
    pair.dialled.send(frame(b"waits"))
    pair.near.clock.pause()
    await pair.turns()
    assert pair.heard == []
    pair.near.clock.resume()
    await tasks.within(pair.far.clock, WAIT_MS, heard_by(pair))
    pair.close()


async def heard_by(pair):
    while not pair.heard:
        await pair.far.clock.sleep(1)


async def test_large_frames_wait_within_the_windows_of_the_sockets():
    pair = await Pair().open()
    pair.accepted.far = "node-1"
    pair.links(cut=BOTH_WAYS, ends=("far",))
    large = os.urandom(8_000_000)
    pair.dialled.send(frame(large))
    await pair.turns()
    assert pair.dialled.queued_bytes > 0  # the window is full: the sender is held by nothing but that
    pair.links(ends=("far",))
    await pair.until(lambda: pair.heard == [large])
    pair.close()


async def test_the_owner_and_a_cut_hold_reading_independently():
    pair = await Pair().open()
    pair.accepted.far = "node-1"
    pair.accepted.hold_reading(True)
    pair.links(cut=BOTH_WAYS)
    pair.dialled.send(frame(b"held twice"))
    pair.links()
    await pair.turns()
    assert pair.heard == []
    pair.accepted.hold_reading(False)
    await pair.until(lambda: pair.heard)
    pair.close()


async def test_a_healthy_connection_is_what_it_was_before_anybody_touched_its_link():
    pair = await Pair().open()
    pair.accepted.far = "node-1"
    before = [(vars(end).keys(), end.on_frame) for end in (pair.dialled, pair.accepted)]
    pair.links(slow=[("node-1", "node-2", 5), ("node-2", "node-1", 5)])
    assert "send" in vars(pair.dialled)
    pair.dialled.send(frame(b"x"))
    pair.links()
    await pair.until(lambda: pair.heard)
    await pair.until(lambda: "send" not in vars(pair.dialled))
    assert [(vars(end).keys(), end.on_frame) for end in (pair.dialled, pair.accepted)] == before
    pair.close()


async def test_links_of_others_touch_nothing():
    pair = await Pair().open()
    pair.accepted.far = "node-1"
    pair.links(cut=[("node-1", "node-3")], slow=[("node-3", "node-2", 50)])
    assert "send" not in vars(pair.dialled) and "send" not in vars(pair.accepted)
    pair.dialled.send(frame(b"passes"))
    await pair.until(lambda: pair.heard == [b"passes"])
    pair.close()


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_is_done_to_links_all_frames_arrive_once_and_in_order(seed):
    dice = Chance(seed)
    dialler = dice.choice(["node-1", CLIENTS])
    pair = await Pair(dialler).open()
    sent, answered = [], []
    names = [(dialler, "node-2"), ("node-2", dialler)]
    for step in range(60):
        what = dice.integer(0, 6)
        if what <= 2:
            sent.append(f"{dialler} {step} {'x' * dice.integer(0, 3000)}".encode())
            pair.dialled.send(frame(sent[-1]))
        elif what == 3:
            answered.append(b"%d" % step)
            pair.accepted.send(frame(answered[-1]))
        elif what == 4:
            pair.accepted.hold_reading(dice.integer(0, 1) == 0)
        else:
            cut = [link for link in names if dice.integer(0, 2) == 0]
            slow = [(*link, dice.integer(1, 9)) for link in names if dice.integer(0, 2) == 0]
            pair.links(cut=cut, slow=slow, ends=dice.choice([("near", "far"), ("far",)]))
        if dice.integer(0, 3) == 0:
            await pair.near.clock.sleep(dice.integer(0, 3))
    pair.accepted.hold_reading(False)
    pair.links()
    await pair.until(lambda: len(pair.heard) == len(sent) and len(pair.answers) == len(answered))
    assert (pair.heard, pair.answers, pair.closed) == (sent, answered, [])
    await pair.until(lambda: "send" not in vars(pair.accepted) and pair.accepted.queued_bytes == 0)
    pair.close()
