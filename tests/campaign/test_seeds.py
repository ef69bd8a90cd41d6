"""Fifty seeds of a minute each, drawn with all faults and all workloads: no promise is broken, and nothing hides from the campaign."""

import os
import sys

import pytest

from tests.simulation.campaign import campaign

SEEDS = range(1_001, 1_051)


@pytest.mark.timeout(3_600)  # some five seconds a seed and processor on a quiet machine
def test_fifty_seeds_break_no_promise(capfd):
    def tell(line):
        print(f"  {line}", file=sys.stderr, flush=True)  # the one stream that reaches the terminal from a worker

    with capfd.disabled():
        tally = campaign(SEEDS, seconds=60, jobs=os.cpu_count() or 1, tell=tell)
    assert tally.seeds == len(SEEDS)
    broken = "\n\n".join(f"seed {one.plan.seed} (./play simulate --seed {one.plan.seed})\n{one.anomaly}" for one in tally.failures)
    assert not broken, broken
    assert tally.acknowledged > 100 * len(SEEDS)
    assert tally.polled > 100 * len(SEEDS)
