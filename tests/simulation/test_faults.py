"""Each fault begins and ends on a small cluster under load, and the cluster is whole afterwards; what a mixture breaks is healed in time."""

import pytest

from engine.world.chance import Chance
from engine.world.virtual_loop import run_virtually
from tests.simulation.first_client import SimulatedClient, value_of
from tests.simulation.faults import FAULTS
from tests.simulation.faults.carry_out import carry_out, heal, is_whole
from tests.simulation.faults.draw import draw_plan, plan_may_lose
from tests.simulation.plan import Plan, Step
from tests.simulation.universe import Universe
from engine.world.tasks import spawn

HEAL_MS_MAX = 60_000
TOPIC, PARTITIONS = "orders", 3


async def load(universe, acknowledged, stop):
    """One idempotent producer; returns when it is told to stop."""
    client = SimulatedClient(universe, "client-1")
    await client.create_topic(TOPIC, PARTITIONS, {"min.insync.replicas": "2"})
    await client.become_idempotent()
    sequence = 0
    while not stop:
        for partition in range(PARTITIONS):
            value = value_of(partition << 32 | sequence)
            acknowledged.append((partition, await client.send(TOPIC, partition, sequence, value), value))
        sequence += 1
        await universe.sleep(20)
    return client


async def run(plan):
    """The plan under load; what fired, the universe, and which acknowledged records are not there in the end."""
    universe = Universe(plan.seed, nodes=plan.nodes)
    await universe.start()
    acknowledged, stop = [], []
    loading = spawn(load(universe, acknowledged, stop), name="load")
    await universe.sleep(1_000)
    fired = await carry_out(universe, plan.steps)
    await heal(universe)
    stop.append(True)
    client = await loading
    await universe.until(lambda: is_whole(universe), f"whole again after {[str(step) for step in plan.steps]}", within_ms=HEAL_MS_MAX)
    there = {partition: dict(await client.read_all(TOPIC, partition)) for partition in range(PARTITIONS)}
    lost = [(partition, offset) for partition, offset, value in acknowledged if there[partition].get(offset) != value]
    assert len(acknowledged) > 20
    return fired, universe, lost


def one(name, seed, *, lasts_ms=None):
    fault = FAULTS[name]
    chance = Chance(seed)
    step = Step(at_ms=500, fault=name, lasts_ms=chance.integer(*fault.lasts_ms) if lasts_ms is None else lasts_ms, args=fault.draw(chance, [1, 2, 3]))
    return Plan(seed=seed, seconds=10, nodes=3, steps=(step,), workloads=())


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", sorted(FAULTS))
def test_it_begins_and_ends_and_the_cluster_is_whole(name, seed):
    plan = one(name, seed)
    fired, universe, lost = run_virtually(run(plan))
    assert not lost or FAULTS[name].may_lose
    assert fired[name] == 1 or name in NEEDS_OTHERS
    told = [fact["kind"] for fact in universe.facts if "causes" not in fact]
    assert len(told) > 4, "the universe tells what was done to it"


NEEDS_OTHERS = {"unclean election", "preferred election"}  # nothing to elect while all is well
