"""Many seeds one after another on several processors: progress, what fired, what was never tried, and the first things that broke."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, field

from tests.simulation import coverage
from tests.simulation.faults import FAULTS
from tests.simulation.faults.draw import draw_plan
from tests.simulation.plan import Plan
from tests.simulation.run import Outcome, run
from tests.simulation.workloads import WORKLOADS

SHOWN_EVERY_S = 10
GC_THRESHOLDS = (20_000, 10, 20)  # a seventh of the time; a run's universe is one great circle, so not too seldom
FAILURES_KEPT = 10  # the rest is counted: whoever mends ten starts the campaign again


@dataclass(slots=True)
class Tally:
    """Of all runs so far."""

    began_s: float = field(default_factory=time.monotonic)
    seeds: int = 0
    acknowledged: int = 0
    polled: int = 0
    fired: Counter[str] = field(default_factory=Counter)
    taken: set[coverage.Move] = field(default_factory=set)
    failures: list[Outcome] = field(default_factory=list)
    failed: int = 0

    def add(self, outcome: Outcome) -> None:
        self.seeds += 1
        self.acknowledged += outcome.acknowledged
        self.polled += outcome.polled
        self.fired.update(outcome.fired)
        self.taken |= outcome.taken
        if outcome.anomaly is not None:
            self.failed += 1
            if len(self.failures) < FAILURES_KEPT:
                self.failures.append(outcome)

    @property
    def seeds_per_hour(self) -> float:
        return self.seeds / max(time.monotonic() - self.began_s, 0.001) * 3600

    def never_fired(self) -> list[str]:
        return sorted(set(FAULTS) - set(self.fired))

    def never_taken(self) -> list[coverage.Move]:
        return sorted(coverage.all_moves() - self.taken - set(coverage.NEVER_TAKEN))

    def line(self, of: int) -> str:
        return (
            f"{self.seeds} of {of} seeds, {self.failed} broken, {self.seeds_per_hour:.0f} seeds/h, "
            f"{self.acknowledged} acknowledged, {self.polled} polled, {sum(self.fired.values())} faults fired"
        )


def play(seed: int, seconds: float) -> Outcome:
    """One seed, in whatever process."""
    return run(plan_of(seed, seconds))


def plan_of(seed: int, seconds: float) -> Plan:
    """The campaign's own: any faults, all workloads."""
    return draw_plan(seed, seconds, workloads=sorted(WORKLOADS))


def campaign(seeds: Iterable[int], *, seconds: float, jobs: int, tell: Callable[[str], None]) -> Tally:
    """Plays all seeds; `tell` gets a line every few seconds and one for every broken promise."""
    wanted = list(seeds)
    tally, said = Tally(), time.monotonic()
    for outcome in outcomes(wanted, seconds=seconds, jobs=jobs):
        tally.add(outcome)
        if outcome.anomaly is not None:
            tell(f"seed {outcome.plan.seed}: {outcome.anomaly.checker}: {outcome.anomaly.sentence}")
        if time.monotonic() - said > SHOWN_EVERY_S:
            said = time.monotonic()
            tell(tally.line(len(wanted)))
    return tally


def outcomes(seeds: list[int], *, seconds: float, jobs: int) -> Iterable[Outcome]:
    """As they come, from several processes."""
    if jobs == 1:
        yield from (play(seed, seconds) for seed in seeds)
        return
    with ProcessPoolExecutor(jobs, initializer=gc.set_threshold, initargs=GC_THRESHOLDS) as pool:
        rest, open_ = iter(seeds), set()
        for seed in rest:
            open_.add(pool.submit(play, seed, seconds))
            if len(open_) >= 2 * jobs:
                done, open_ = wait(open_, return_when=FIRST_COMPLETED)
                yield from (one.result() for one in done)
        for one in open_:
            yield one.result()
