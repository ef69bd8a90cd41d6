"""Frames arrive whole, in order and unharmed, over sockets and over simulated links."""

import os
import time

import pytest

from engine.world import tasks
from engine.world.links import CLIENTS
from engine.world.memory_network import RESET
from engine.world.network import FRAME_BYTES_MAX
from engine.world.os_network import READ_BYTES, TURN_S_MAX
from engine.world.real import real_world
from engine.world.simulated import Simulation
from engine.world.virtual_loop import run_virtually

WAIT_MS = 10_000


def frame(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


async def pair(world, server, host, port=0):
    """A dialled connection and the accepted one, and what the accepted one hears."""
    accepted, heard, closed = tasks.Promise(), [], tasks.Promise()

    def on_connection(connection):
        connection.on_frame = lambda view: heard.append(bytes(view))
        connection.on_closed = closed.resolve
        accepted.resolve(connection)

    listener = await server.network.listen(host, port, on_connection)
    dialled = await world.network.dial(host, listener.port)
    return dialled, await accepted.wait(), heard, closed, listener


async def until(world, condition):
    async def poll():
        while not condition():
            await world.clock.sleep(1)

    await tasks.within(world.clock, WAIT_MS, poll())


@pytest.mark.parametrize("sizes", [[0, 1, 5], [READ_BYTES - 4, READ_BYTES, 3], [3_000_000, 2, 1_048_577], [7] * 5_000])
async def test_frames_of_all_sizes_arrive_in_order(sizes):
    world = real_world()
    dialled, _, heard, _, listener = await pair(world, world, "localhost")
    sent = [os.urandom(size) for size in sizes]
    for data in sent:
        dialled.send(frame(data))
    await until(world, lambda: len(heard) == len(sent))
    assert heard == sent
    dialled.close()
    listener.close()


@pytest.mark.parametrize("size", [100, 65_536, 1_000_000])
async def test_a_range_of_a_file_is_sent_between_bytes(tmp_path, size):
    world = real_world()
    dialled, accepted, _, _, listener = await pair(world, world, "127.0.0.1")
    file = world.disk.open(str(tmp_path / "log"))
    file.append(os.urandom(size + 10))
    answers = []
    dialled.on_frame = lambda view: answers.append(bytes(view))
    for _ in range(20):
        accepted.send((size + 4).to_bytes(4, "big"), b"head", file.slice(10, size))
    await until(world, lambda: len(answers) == 20)
    assert set(answers) == {b"head" + file.read(10, size)}
    dialled.close()
    listener.close()


async def test_an_answer_of_many_pieces_to_a_reader_that_is_late_comes_whole(tmp_path):
    world = real_world()
    dialled, accepted, _, _, listener = await pair(world, world, "127.0.0.1")
    file = world.disk.open(str(tmp_path / "log"))
    file.append(os.urandom(1_000_000))
    answers = []
    dialled.on_frame = lambda view: answers.append(bytes(view))
    dialled.hold_reading(True)
    pieces = [part for number in range(50) for part in (b"head", bytearray(b"tail"), file.slice(number * 100, 20_000 if number % 7 else 100_000))]
    size = sum(map(len, pieces))
    for _ in range(10):
        accepted.send(size.to_bytes(4, "big"), *pieces)
    assert 0 < accepted.queued_bytes < 10 * (size + 4)
    dialled.hold_reading(False)
    await until(world, lambda: len(answers) == 10)
    assert set(answers) == {b"".join(bytes(part) if isinstance(part, bytes | bytearray) else part.read() for part in pieces)}
    assert accepted.queued_bytes == 0
    dialled.close()
    listener.close()


@pytest.mark.parametrize("size", [100, 100_000])
async def test_a_file_that_was_cut_before_it_was_sent_ends_the_connection(tmp_path, size):
    world = real_world()
    dialled, accepted, _, _, listener = await pair(world, world, "127.0.0.1")
    file = world.disk.open(str(tmp_path / "log"))
    file.append(os.urandom(size))
    piece, reasons = file.slice(0, size), []
    file.truncate(0)
    accepted.on_closed = reasons.append
    accepted.send(size.to_bytes(4, "big"), piece)
    assert len(reasons) == 1 and "ends before" in reasons[0]
    dialled.close()
    listener.close()


@pytest.mark.parametrize("length", [-1, FRAME_BYTES_MAX + 1, 2**31 - 1])
async def test_an_impossible_length_closes_the_connection_with_its_reason(length):
    world = real_world()
    dialled, _, heard, closed, listener = await pair(world, world, "127.0.0.1")
    dialled.send(length.to_bytes(4, "big", signed=True) + b"whatever")
    assert str(length) in await tasks.within(world.clock, WAIT_MS, closed.wait())
    assert heard == []
    listener.close()


async def test_an_announced_length_takes_no_memory_before_its_bytes_come():
    world = real_world()
    dialled, accepted, heard, _, listener = await pair(world, world, "127.0.0.1")
    dialled.send(FRAME_BYTES_MAX.to_bytes(4, "big") + b"only a little")
    await until(world, lambda: len(accepted._begun) > 4)
    assert accepted._large is None and heard == []
    dialled.close()
    listener.close()


async def test_reading_can_be_held_and_nothing_is_lost():
    world = real_world()
    dialled, accepted, heard, _, listener = await pair(world, world, "127.0.0.1")
    accepted.on_frame = lambda view: (heard.append(bytes(view)), accepted.hold_reading(len(heard) == 2))
    dialled.send(*[frame(bytes([n])) for n in range(6)])
    await until(world, lambda: len(heard) == 2)
    dialled.send(frame(b"later"))
    await world.clock.sleep(20)
    assert len(heard) == 2
    accepted.hold_reading(False)
    await until(world, lambda: len(heard) == 7)
    assert heard == [bytes([n]) for n in range(6)] + [b"later"]
    dialled.close()
    listener.close()


async def test_who_floods_is_not_served_alone():
    world = real_world()
    dialled, accepted, heard, _, listener = await pair(world, world, "127.0.0.1")
    turns, each_s = [], TURN_S_MAX / 4

    def take(view):
        heard.append(bytes(view))
        if not turns:
            world.clock.call_soon(lambda: turns.append(len(heard)))
        ends = time.monotonic() + each_s
        while time.monotonic() < ends:
            pass

    accepted.on_frame = take
    sent = [bytes([n % 250]) for n in range(200)]
    dialled.send(b"".join(map(frame, sent)))
    await until(world, lambda: len(heard) == len(sent))
    assert turns[0] <= 5, "whoever else is due waits for a moment only"
    assert heard == sent
    dialled.close()
    listener.close()


async def test_a_large_frame_that_drips_in_is_not_copied_for_each_drop():
    world = real_world()
    dialled, accepted, heard, _, listener = await pair(world, world, "127.0.0.1")
    data = os.urandom(16 * READ_BYTES)
    dialled.send(len(data).to_bytes(4, "big") + data[:READ_BYTES])
    await until(world, lambda: len(accepted._begun) == READ_BYTES + 4)
    begun = accepted._begun
    dialled.send(data[READ_BYTES : READ_BYTES + 1])
    await until(world, lambda: len(accepted._begun) == READ_BYTES + 5)
    assert accepted._begun is begun
    dialled.send(data[READ_BYTES + 1 :])
    await until(world, lambda: heard == [data])
    dialled.close()
    listener.close()


async def test_a_taken_port_says_so():
    world = real_world()
    listener = await world.network.listen("127.0.0.1", 0, lambda connection: None)
    with pytest.raises(OSError, match="in use"):
        await world.network.listen("127.0.0.1", listener.port, lambda connection: None)
    listener.close()


def test_a_cut_link_stalls_and_a_healed_one_delivers_everything_in_order():
    async def main():
        run = Simulation(3)
        one, two = run.world("node-1"), run.world("node-2")
        dialled, _, heard, _, _ = await pair(two, one, "node-1", 9092)
        run.links.cut("node-2", "node-1")
        for number in range(5):
            dialled.send(frame(bytes([number])))
            await run.sleep(100)
        assert heard == []
        run.links.heal()
        await run.sleep(1_000)
        return heard

    assert run_virtually(main()) == [bytes([n]) for n in range(5)]


def test_a_connection_that_is_forgotten_takes_with_it_what_it_carried_and_both_ends_hear_of_it():
    async def main():
        run = Simulation(3)
        one, two = run.world("node-1"), run.world("node-2")
        dialled, accepted, heard, _, _ = await pair(two, one, "node-1", 9092)
        ends = []
        dialled.on_closed = accepted.on_closed = ends.append
        run.links.cut("node-2", "node-1")
        dialled.send(frame(b"lost"))
        await run.sleep(500)
        run.links.heal()
        one.network.wither("node-2")
        await run.sleep(1_000)
        return heard, ends

    assert run_virtually(main()) == ([], [RESET, RESET])


def test_a_crashed_node_refuses_and_its_peers_hear_the_end():
    async def main():
        run = Simulation(4)
        one, two = run.world("node-1"), run.world("node-2")
        dialled, _, _, _, _ = await pair(two, one, "node-1", 9092)
        ended = tasks.Promise()
        dialled.on_closed = ended.resolve
        run.crash(one)
        await tasks.within(two.clock, 1_000, ended.wait())
        with pytest.raises(ConnectionRefusedError):
            await two.network.dial("node-1", 9092)

    run_virtually(main())


def test_what_was_sent_before_a_close_arrives_before_the_news_of_it():
    async def main():
        run = Simulation(5)
        one, two = run.world("node-1"), run.world("node-2")
        dialled, _, heard, closed, _ = await pair(two, one, "node-1", 9092)
        dialled.send(frame(b"a"), frame(b"b"))
        dialled.close()
        assert "closed" in await tasks.within(one.clock, 1_000, closed.wait())
        return heard

    assert run_virtually(main()) == [b"a", b"b"]


def test_a_held_connection_hears_of_the_end_only_after_what_it_has_not_read():
    async def main():
        run = Simulation(5)
        one, two = run.world("node-1"), run.world("node-2")
        dialled, accepted, heard, closed, _ = await pair(two, one, "node-1", 9092)
        accepted.hold_reading(True)
        dialled.send(frame(b"a"))
        dialled.close()
        await run.sleep(1_000)
        assert not closed.done and heard == []
        accepted.hold_reading(False)
        await tasks.within(one.clock, 1_000, closed.wait())
        return heard

    assert run_virtually(main()) == [b"a"]


def test_a_machine_without_power_says_nothing_until_it_is_back_and_knows_nothing():
    async def main():
        run = Simulation(6)
        one, two = run.world("node-1"), run.world("node-2")
        dialled, _, heard, _, _ = await pair(two, one, "node-1", 9092)
        ended = tasks.Promise()
        dialled.on_closed = ended.resolve
        run.lose_power(one)
        dialled.send(frame(b"into the dark"))
        await run.sleep(30_000)
        assert not ended.done
        with pytest.raises(TimeoutError):
            await two.network.dial("node-1", 9092)
        run.world("node-1")
        assert "reset" in await tasks.within(two.clock, 1_000, ended.wait())
        with pytest.raises(ConnectionRefusedError):
            await two.network.dial("node-1", 9092)
        return heard

    assert run_virtually(main()) == []


def test_a_frozen_node_is_dialled_hears_nothing_and_then_everything_in_order():
    async def main():
        run = Simulation(7)
        one, two = run.world("node-1"), run.world("node-2")
        dialled, accepted, heard, _, _ = await pair(two, one, "node-1", 9092)
        rung = []
        one.clock.call_later(500, lambda: rung.append(round(one.clock.monotonic_ms())))
        one.clock.call_later(100, lambda: accepted.send(frame(b"late")))
        answers = []
        dialled.on_frame = lambda view: answers.append(bytes(view))
        process = run.process_of(one)
        process.freeze()
        for number in range(3):
            dialled.send(frame(bytes([number])))
        await tasks.within(two.clock, 1_000, two.network.dial("node-1", 9092))
        await run.sleep(2_000)
        assert heard == rung == answers == [] and not dialled.closed
        process.thaw()
        await run.sleep(10)
        assert heard == [b"\0", b"\1", b"\2"] and answers == [b"late"]
        return rung

    (rung,) = run_virtually(main())
    assert rung >= 2_000, "its clock went on, as CLOCK_MONOTONIC does"


def test_a_frozen_node_that_is_killed_ends_its_connections():
    async def main():
        run = Simulation(8)
        one, two = run.world("node-1"), run.world("node-2")
        dialled, _, heard, _, _ = await pair(two, one, "node-1", 9092)
        ended = tasks.Promise()
        dialled.on_closed = ended.resolve
        run.process_of(one).freeze()
        dialled.send(frame(b"unread"))
        await run.sleep(100)
        run.crash(one)
        await tasks.within(two.clock, 1_000, ended.wait())
        return heard

    assert run_virtually(main()) == []


@pytest.mark.parametrize("seed", range(20))
def test_on_a_breaking_link_a_connection_keeps_its_order_and_its_last_bytes_are_late_or_lost(seed):
    async def main():
        run = Simulation(seed)
        one, two = run.world("node-1"), run.world("node-2")
        dialled, _, heard, closed, _ = await pair(two, one, "node-1", 9092)
        ended = tasks.Promise()
        dialled.on_closed = ended.resolve
        run.links.breaking("node-1", "node-2", share=0.2)
        sent = 0
        while not ended.done:
            dialled.send(frame(bytes([sent])))
            sent += 1
            await run.sleep(10)
        soon = len(heard)
        run.links.heal()
        await run.sleep(60_000)
        return sent, soon, heard, closed.done

    sent, soon, heard, _ = run_virtually(main())
    assert heard == [bytes([number]) for number in range(len(heard))] and soon <= len(heard) <= sent


def test_breaking_links_lose_and_delay_and_leave_ends_that_never_hear():
    async def main(seed):
        run = Simulation(seed)
        one, two = run.world("node-1"), run.world("node-2")
        dialled, _, heard, closed, _ = await pair(two, one, "node-1", 9092)
        run.links.breaking("node-1", "node-2", share=1)
        dialled.send(frame(b"only"))
        await run.sleep(15)
        assert dialled.closed and heard == []
        await run.sleep(60_000)
        return bool(heard), closed.done

    outcomes = {run_virtually(main(seed)) for seed in range(30)}
    assert outcomes == {(True, True), (True, False), (False, True), (False, False)}


def test_a_node_is_cut_off_from_its_clients_whatever_they_are_called():
    async def main():
        run = Simulation(9)
        one, two, client = run.world("node-1"), run.world("node-2"), run.world("somebody")
        await one.network.listen("node-1", 9092, lambda connection: None)
        run.links.cut("node-1", CLIENTS)
        await two.network.dial("node-1", 9092)
        with pytest.raises(TimeoutError):
            await client.network.dial("node-1", 9092)
        run.links.cut("node-1", CLIENTS)
        run.links.mend("node-1", CLIENTS)
        assert not run.links.passes("node-1", "somebody"), "two cuts want two mends"
        run.links.mend("node-1", CLIENTS)
        await client.network.dial("node-1", 9092)

    run_virtually(main())
