"""Each fault begins and ends on a small cluster under load, and the cluster is whole afterwards; what a mixture breaks is healed in time."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from engine.world.chance import Chance
from engine.world.tasks import spawn
from engine.world.virtual_loop import run_virtually
from tests.simulation.patient_client import PatientClient, value_of
from tests.simulation.faults import FAULTS
from tests.simulation.faults.carry_out import carry_out, heal, is_whole
from tests.simulation.faults.draw import draw_plan, plan_may_lose
from tests.simulation.faults.fault import partitions_of
from tests.simulation.faults.operator import operator_of
from tests.simulation.plan import Plan, Step
from tests.simulation.universe import Universe

ROOT = Path(__file__).parents[2]
HEAL_MS_MAX = 30_000
TOPIC, PARTITIONS = "orders", 3
NEEDS_OTHERS = {"unclean election", "preferred election"}  # nothing to elect while all is well


async def load(universe, acknowledged, stop):
    """One idempotent producer; returns when it is told to stop."""
    client = PatientClient(universe, "client-1")
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
    universe = Universe(plan.seed, nodes=plan.nodes, config=plan.configs)
    await universe.start()
    acknowledged, stop = [], []
    loading = spawn(load(universe, acknowledged, stop), name="load")
    await universe.sleep(1_000)
    fired = await carry_out(universe, plan.steps)
    await heal(universe)
    stop.append(True)
    client = await loading
    story = "\n".join(map(str, plan.steps))
    await universe.until(lambda: is_whole(universe), f"whole again after\n{story}", within_ms=HEAL_MS_MAX)
    there = {partition: dict(await client.read_all(TOPIC, partition)) for partition in range(PARTITIONS)}
    lost = [(partition, offset) for partition, offset, value in acknowledged if there[partition].get(offset) != value]
    assert len(acknowledged) > 20
    return fired, universe, lost


def plan_of(*steps, **changed):
    return Plan(**{"seed": 1, "seconds": 10, "nodes": 3, "steps": steps, "workloads": ()} | changed)


def step(name, at_ms=500, *, lasts_ms=None, seed=1, **args):
    fault, chance = FAULTS[name], Chance(seed)
    length = chance.integer(*fault.lasts_ms) if lasts_ms is None else lasts_ms
    return Step(at_ms=at_ms, fault=name, lasts_ms=length, args=fault.draw(chance, [1, 2, 3]) | args)


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_it_begins_and_ends_and_the_cluster_is_whole(name):
    fired, universe, lost = run_virtually(run(plan_of(step(name))))
    assert not lost or FAULTS[name].may_lose
    assert fired[name] == 1 or name in NEEDS_OTHERS
    told = Counter(fact["kind"] for fact in universe.facts if "causes" not in fact)
    assert told.total() > 4 or name in NEEDS_OTHERS, f"the universe tells what was done to it: {told}"


def test_a_preferred_leader_that_came_back_is_elected():
    steps = (step("leader crash", lasts_ms=3_000), step("preferred election", 6_000))
    fired, _, lost = run_virtually(run(plan_of(*steps, configs={"auto.leader.rebalance.enable": "false"})))
    assert fired["preferred election"] == 1 and not lost


def test_an_operator_elects_uncleanly_where_nobody_may_lead():
    """Two replicas: one goes, then the one that was left alone in sync; the first is back and may not lead unless an operator says so."""

    async def main():
        universe = Universe(3, nodes=5)
        await universe.start()
        assert await operator_of(universe).create_topic("pair", partitions=1, replication=2)

        def partition():
            return partitions_of(universe)[0][2]

        leader, follower = partition().leader, next(number for number in partition().replicas if number != partition().leader)
        universe.crash(follower)
        await universe.until(lambda: partition().isr == (leader,), "alone in sync")
        universe.crash(leader)
        await universe.start_node(follower)
        fired = await carry_out(universe, [step("unclean election", 0)])
        assert partition().leader == follower
        await universe.start_node(leader)
        await universe.until(lambda: is_whole(universe), "whole again", within_ms=HEAL_MS_MAX)
        return fired, universe.facts

    fired, facts = run_virtually(main())
    assert fired["unclean election"] == 1
    assert any(fact["kind"] == "LeaderElected" and fact["how"] == "unclean" for fact in facts)


def test_who_left_in_good_order_may_lead_when_the_last_in_sync_is_dark():
    """KIP-966: the eligible one registers with the epoch that its clean shutdown noted, and keeps its place."""

    async def main():
        universe = Universe(2)
        await universe.start()
        assert await operator_of(universe).create_topic("orders", partitions=1, replication=3)
        assert await operator_of(universe).configure(2, "orders", "min.insync.replicas", "2")

        def partition():
            return next((found[2] for found in partitions_of(universe)), None)

        last, eligible, first = partition().leader, *sorted(set(universe.ids) - {partition().leader})
        await universe.stop_node(first)
        await universe.stop_node(eligible)
        universe.cut_power(last)
        await universe.start_node(eligible)
        await universe.start_node(first)
        await universe.until(lambda: partition() is not None and partition().leader == eligible, "the eligible one leads")
        return universe.facts

    facts = run_virtually(main())
    assert not [fact for fact in facts if fact["kind"] == "LeaderElected" and fact["how"] == "unclean"]


@pytest.mark.parametrize("power", [True, False])
def test_a_killed_process_says_goodbye_and_a_dark_machine_does_not(power):
    async def main():
        universe = Universe(1)
        await universe.start()
        world, closed = universe.simulation.world("watcher"), []
        connection = await world.network.dial("node-2", 9092)
        connection.on_closed = closed.append
        await universe.sleep(100)
        (universe.cut_power if power else universe.crash)(2)
        await universe.sleep(5_000)
        assert len(closed) == (0 if power else 1)
        await universe.start_node(2)
        connection.send(b"\0\0\0\1?")
        await universe.sleep(1_000)
        await universe.until(lambda: is_whole(universe), "whole again")
        return closed

    assert len(run_virtually(main())) == 1


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_it_tolerates_that_its_target_is_gone(name):
    """As in a plan that was cut down: nobody is left, and nothing may come of it but that it did not fire, or is mended later."""

    async def main():
        universe = Universe(1)
        await universe.start()
        for number in universe.alive():
            universe.crash(number)
        fired = await carry_out(universe, [step(name, 0, lasts_ms=100), step(name, 50, lasts_ms=10, seed=2)])
        await heal(universe)
        await universe.until(lambda: is_whole(universe), "whole again", within_ms=HEAL_MS_MAX)
        return fired

    assert run_virtually(main())[name] <= 2


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_mixture_is_healed_and_loses_nothing_that_kafka_keeps(seed):
    plan = draw_plan(seed, 20, may_lose=False)
    fired, _, lost = run_virtually(run(plan))
    assert not lost and not plan_may_lose(plan)
    assert fired.total() > 0 or {step.fault for step in plan.steps} <= NEEDS_OTHERS


def test_plans_hold_every_fault_alone_and_together_and_say_when_records_may_be_lost():
    plans = [draw_plan(seed, 60) for seed in range(600)]
    kinds = [{step.fault for step in plan.steps} for plan in plans]
    assert set().union(*kinds) == set(FAULTS)
    assert {len(one) for one in kinds} >= {1, 2, 5}
    assert all(step.at_ms + step.lasts_ms <= 60_000 for plan in plans for step in plan.steps)
    assert 50 < sum(map(plan_may_lose, plans)) < 500
    assert all(str(step).startswith(f"{step.at_ms:>7} ms  {step.fault}") for plan in plans for step in plan.steps)
    assert draw_plan(7, 60) == draw_plan(7, 60)


@pytest.mark.parametrize(
    "steps, may",
    [
        ([step("process crash"), step("cluster kill", 900)], False),
        ([step("machine crash", lasts_ms=100)], False),
        ([step("machine crash", lasts_ms=100), step("process crash", 3_000)], True),
        ([step("machine crash", lasts_ms=100), step("process crash", 60_000)], False),
        ([step("machine crash"), step("topic config", config="min.insync.replicas", value="1")], True),
        ([step("power cut")], True),
        ([step("unclean allowed")], True),
        ([step("failing disk"), step("cut from peers")], False),
    ],
)
def test_what_may_lose_acknowledged_records(steps, may):
    assert plan_may_lose(plan_of(*steps)) == may
    assert plan_may_lose(plan_of(*steps), min_insync_replicas=1) == (may or any(FAULTS[one.fault].loses_unsynced for one in steps))


def test_the_same_seed_gives_the_same_run_in_two_processes():
    script = (
        "from engine.world.virtual_loop import run_virtually; from tests.simulation.test_faults import run, draw_plan, FAULTS\n"
        "kinds = sorted(set(FAULTS) - {'power cut', 'unclean election', 'unclean allowed', 'machine crash', 'leader machine crash', 'quick reboot'})\n"
        "print(run_virtually(run(draw_plan(5, 20, kinds=kinds)))[1].digest())"
    )
    digests = set()
    for hash_seed in ("1", "2"):
        env = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", script], env=env, cwd=ROOT, capture_output=True, text=True, check=True)
        digests.add(done.stdout.strip())
    assert len(digests) == 1
