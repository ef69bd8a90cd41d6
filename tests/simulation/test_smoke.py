"""Twenty seeds of a minute each, with crashes, cuts and restarts: what Kafka promises holds, and a seed decides its run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.run import simulate

ROOT = Path(__file__).parents[2]
SEEDS = range(1, 21)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_kafka_promises_holds(seed):
    outcome = simulate(seed, seconds=60)
    assert outcome.acknowledged > 100
    assert sum(outcome.fired.values()) > 3


def test_the_same_seed_gives_the_same_run_in_two_processes():
    script = "from tests.simulation.run import simulate; print(simulate(42, seconds=20).digest)"
    digests = set()
    for hash_seed in ("1", "2"):
        env = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", script], env=env, cwd=ROOT, capture_output=True, text=True, check=True)
        digests.add(done.stdout.strip())
    assert len(digests) == 1
