"""Twenty seeds of a minute each, with crashes, cuts, full disks and restarts: what Kafka promises holds, and a seed decides its run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.campaign import outcomes

ROOT = Path(__file__).parents[2]
SEEDS = list(range(1, 21))


@pytest.fixture(scope="module")
def played():
    """All of them, on all processors."""
    return {outcome.plan.seed: outcome for outcome in outcomes(SEEDS, seconds=60, jobs=os.cpu_count() or 1)}


@pytest.mark.parametrize("seed", SEEDS)
def test_what_kafka_promises_holds(seed, played):
    outcome = played[seed]
    assert outcome.anomaly is None, f"./play simulate --seed {seed}\n{outcome.anomaly}"
    assert outcome.acknowledged > 100 and outcome.polled > 100
    assert outcome.fired


def test_all_seeds_together_see_most_faults(played):
    fired = {fault for outcome in played.values() for fault in outcome.fired}
    assert len(fired) > 15


def test_the_same_seed_gives_the_same_run_in_two_processes():
    script = "from tests.simulation.campaign import play; print(play(42, 20).digest)"
    digests = set()
    for hash_seed in ("1", "2"):
        env = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", script], env=env, cwd=ROOT, capture_output=True, text=True, check=True)
        digests.add(done.stdout.strip())
    assert len(digests) == 1
