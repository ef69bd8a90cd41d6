"""A node whose disk refuses ends at once, whatever it was writing; nothing acknowledged is lost, and with room again it comes back."""

import pytest

from engine.world.tasks import spawn
from engine.world.virtual_loop import run_virtually
from tests.simulation.patient_client import PatientClient
from tests.simulation.universe import Universe

TOPIC = "orders"


async def fill(universe, client, until_ms):
    """Sends until then; (offset, value) of what was acknowledged."""
    acknowledged, number = [], 0
    while universe.simulation.now_ms() < until_ms:
        value = b"%d" % number
        acknowledged.append((await client.send(TOPIC, 0, number, value), value))
        number += 1
        await universe.sleep(20)
    return acknowledged


async def a_disk_refuses(seed, *, full, victim):
    universe = Universe(seed)
    await universe.start()
    client = PatientClient(universe, "client-1")
    await client.create_topic(TOPIC, 1, {"min.insync.replicas": "2"})
    await client.become_idempotent()
    filling = spawn(fill(universe, client, universe.simulation.now_ms() + 12_000), name="load")
    await universe.sleep(2_000)
    number = victim(universe)
    node, disk, told = universe.nodes[number], universe.simulation.disk(f"node-{number}"), []
    node.on_failed_storage = lambda reason: (told.append(reason), universe.crash(number))
    if full:
        disk.bytes_max = disk.used + 300
    else:
        disk.failing = True
    await universe.until(lambda: told, "the disk's failure is noticed")
    assert told == [f"its log directory failed: {'No space left on device' if full else 'Input/output error'}"]
    assert [fact["node"] for fact in universe.facts if fact["kind"] == "StorageFailed"] == [number]
    await universe.until(lambda: len(universe.unfenced()) == 2, "the others go on without it")
    disk.failing, disk.bytes_max = False, None
    await universe.start_node(number)
    acknowledged = await filling
    await universe.until(lambda: len(universe.unfenced()) == 3, "it is back")
    assert len(acknowledged) > 100
    found = await client.read_all(TOPIC, 0)
    assert found == acknowledged


def leader(universe):
    return universe.nodes[1].image.partition(TOPIC, 0).leader


def follower(universe):
    return next(number for number in universe.ids if number != leader(universe))


def controller(universe):
    return next(number for number, node in sorted(universe.nodes.items()) if node.controller.active)


@pytest.mark.parametrize("victim", [leader, follower, controller])
@pytest.mark.parametrize("full", [False, True], ids=["failing", "full"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_node_whose_disk_refuses_ends_at_once_and_nothing_acknowledged_is_lost(seed, full, victim):
    run_virtually(a_disk_refuses(seed, full=full, victim=victim))


def test_without_another_word_the_node_crashes_itself():
    async def story():
        universe = Universe(4)
        await universe.start()
        universe.simulation.disk("node-3").failing = True
        client = PatientClient(universe, "client-1")
        await client.create_topic(TOPIC, 1, {"min.insync.replicas": "2"})  # a metadata record is the next thing it must write
        await universe.until(lambda: universe.unfenced() == {1, 2}, "node 3 is silent, and fenced")

    run_virtually(story())
