"""From a plan that breaks a promise to the smallest one that still breaks the same: fewer faults, fewer clients, less time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.simulation.plan import Plan
from tests.simulation.run import Outcome, run

RUNS_MAX = 60  # a shrunken plan is for reading; a few minutes are enough
SECONDS_SPARE = 5  # of load after the last fault


def shrink(outcome: Outcome, *, tell: Callable[[str], None] = lambda line: None) -> Outcome:
    """The smallest failing run that was found; the given one if none is smaller."""
    assert outcome.anomaly is not None, "a run in which nothing is wrong cannot be shrunk"
    search = _Search(outcome, tell)
    search.without_steps()
    search.without_workloads()
    search.with_less_time()
    return search.best


class _Search:
    def __init__(self, outcome: Outcome, tell: Callable[[str], None]) -> None:
        self.best = outcome
        self._wanted = outcome.anomaly.checker
        self._tell = tell
        self._left = RUNS_MAX

    def _is_enough(self, plan: Plan) -> bool:
        if self._left == 0:
            return False
        self._left -= 1
        outcome = run(plan)
        same = outcome.anomaly is not None and outcome.anomaly.checker == self._wanted
        if same:
            self.best = outcome
            self._tell(f"{len(plan.steps)} faults, {len(plan.workloads)} workloads, {plan.seconds:g} s still break it")
        return same

    def without_steps(self) -> None:
        """Halves first, then quarters, then single ones (delta debugging)."""
        size = max(1, len(self.best.plan.steps) // 2)
        while size and self._left:
            at, smaller = 0, False
            while at < len(self.best.plan.steps):
                steps = self.best.plan.steps
                if self._is_enough(replace(self.best.plan, steps=steps[:at] + steps[at + size :])):
                    smaller = True
                else:
                    at += size
            if size == 1 and not smaller:
                return
            size = max(1, size // 2) if size > 1 or smaller else 0

    def without_workloads(self) -> None:
        for name in self.best.plan.workloads:
            others = tuple(one for one in self.best.plan.workloads if one != name)
            if others:
                self._is_enough(replace(self.best.plan, workloads=others))

    def with_less_time(self) -> None:
        last = max((step.at_ms + step.lasts_ms for step in self.best.plan.steps), default=0) / 1000
        if last + SECONDS_SPARE < self.best.plan.seconds:
            self._is_enough(replace(self.best.plan, seconds=last + SECONDS_SPARE))
