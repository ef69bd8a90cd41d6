"""Each workload for thirty seconds without a fault, and with the crash of a leader: its history is complete and keeps its promise."""

import hashlib
import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import astuple
from pathlib import Path

import pytest

from engine.world.tasks import gather, spawn
from engine.world.virtual_loop import run_virtually
from tests.simulation.history import ALL, Acknowledged, Assigned, Committed, GivenUp, History, Polled, Positioned, Sent
from tests.simulation.universe import Universe
from tests.simulation.workloads import WORKLOADS, read_everything

ROOT = Path(__file__).parents[2]
SECONDS = 30
PRODUCING = sorted(name for name in WORKLOADS if name != "readers")
GROUPS = sorted(name for name in WORKLOADS if name.startswith("group"))


async def crash_a_leader(universe):
    """Twelve seconds in, the node that leads most goes for four seconds."""
    await universe.sleep(12_000)
    image = universe.nodes[universe.alive()[0]].image
    led = [part.leader for topic in image.topics.values() for part in topic.partitions.values()]
    victim = max(universe.alive(), key=led.count)
    universe.crash(victim)
    await universe.sleep(4_000)
    await universe.start_node(victim)


async def live(names, seed, *, crash):
    universe, history = Universe(seed), History()
    await universe.start()
    loads = [WORKLOADS[name]() for name in names]
    for load in loads:
        await load.prepare(universe, history)
    until_ms = universe.simulation.now_ms() + SECONDS * 1_000
    crashing = spawn(crash_a_leader(universe), name="crash") if crash else None
    await gather(*(load.run(universe, history, until_ms) for load in loads))
    if crashing is not None:
        await crashing
    await universe.until(lambda: universe.unfenced() == set(universe.ids), "all brokers are unfenced")
    for load in loads:
        await load.finish(universe, history)
    await read_everything(universe, history)
    return history, universe.digest()


def run(*names, seed=1, crash=False):
    return run_virtually(live(names, seed, crash=crash))


def settled(history):
    ended = [one.sent for one in history.of(Acknowledged, GivenUp)]
    assert sorted(one.value for one in ended) == sorted(one.value for one in history.of(Sent)), "each send is settled once"
    return ended


def values(history):
    return [value for records in history.final.values() for _, value in records]


def of_partition(one):
    return one.topic, one.topic_id, one.partition


def acknowledged_stand(history):
    for one in history.of(Acknowledged):
        if one.sent.acks == ALL:
            assert (one.offset, one.sent.value) in history.final[of_partition(one.sent)]


@pytest.mark.parametrize("name", PRODUCING)
def test_without_faults_all_is_acknowledged_and_there_once(name):
    history, _ = run(name)
    assert len(settled(history)) > 100
    assert not history.of(GivenUp)
    assert sorted(values(history)) == sorted(one.value for one in history.of(Sent))
    acknowledged_stand(history)


@pytest.mark.parametrize("name", PRODUCING)
def test_a_crash_of_a_leader_loses_nothing_that_all_acknowledged(name):
    history, _ = run(name, crash=True)
    assert len(settled(history)) > 100
    acknowledged_stand(history)
    found = values(history)
    if name != "acks-1":
        assert len(found) == len(set(found)), "a record is there twice"
    assert set(found) <= {one.value for one in history.of(Sent)}


@pytest.mark.parametrize("crash", [False, True])
def test_readers_see_every_record_once_and_in_order(crash):
    history, _ = run("acks-all", "acks-1", "acks-0", "readers", crash=crash)
    polled = defaultdict(list)
    for one in history.of(Polled):
        if one.topic == "orders":
            polled[of_partition(one)].append((one.offset, one.value))
    assert polled == {key: records for key, records in history.final.items() if key[0] == "orders"}
    begun = {of_partition(one) for one in history.of(Positioned) if one.why == "earliest"}
    assert begun == set(history.final)


@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize("name", GROUPS)
def test_a_group_is_given_everything_and_commits_up_to_the_end(name, crash):
    history, _ = run(name, crash=crash)
    assert {one.value for one in history.of(Polled)} == set(values(history))
    ends = {key: records[-1][0] + 1 for key, records in history.final.items()}
    assert {key[1:]: offset for key, offset in history.final_committed.items()} == ends
    assert all(one.offset <= ends[of_partition(one)] for one in history.of(Committed))
    owners = defaultdict(set)
    for one in history.of(Assigned):
        for partition in one.owned:
            owners[one.generation, partition].add(one.member)
    assert len({one.generation for one in history.of(Assigned)}) > 2
    assert all(len(members) == 1 for members in owners.values())


def test_a_seed_decides_all_of_them_together_in_any_process():
    script = "from tests.simulation import test_workloads as t; print(t.digest_of(t.run(*sorted(t.WORKLOADS), seed=5, crash=True)))"
    digests = []
    for hash_seed in ("1", "2"):
        env = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", script], env=env, cwd=ROOT, capture_output=True, text=True, check=True)
        digests.append(done.stdout.strip())
    assert digests[0] == digests[1]


def digest_of(outcome):
    """Of the facts, and of the history without the order inside its sets."""
    history, digest = outcome
    seen = [[sorted(part) if isinstance(part, frozenset) else part for part in astuple(one)] for one in history.seen]
    return digest, hashlib.sha256(repr(seen).encode()).hexdigest()
