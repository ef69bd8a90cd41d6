"""The campaign's command line.

    ./play simulate --seeds 1000 --minutes 1 --jobs 2     many seeds; the exit status is 1 when one broke a promise
    ./play simulate --first-seed 5000 --seeds 100         others
    ./play simulate --seed 17 --trace                     one seed as a story
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.simulation import coverage, kept
from tests.simulation.campaign import Tally, campaign, plan_of
from tests.simulation.run import Outcome, run
from tests.simulation.shrink import shrink

STORY_LINES = 120  # of a broken run, before its end; --trace shows all


def main(arguments: list[str]) -> int:
    options = _parsed(arguments)
    seconds = options.minutes * 60
    if options.replay:
        plan, sentence = kept.from_json(Path(options.replay).read_text())
        print(sentence)
        return _one(run(plan, told=True), lines=None if options.trace else STORY_LINES)
    if options.seed is not None:
        return _one(run(plan_of(options.seed, seconds), told=True), lines=None if options.trace else STORY_LINES)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    tally = campaign(seeds, seconds=seconds, jobs=options.jobs, tell=lambda line: print(line, file=sys.stderr, flush=True))
    _report(tally, len(seeds))
    for outcome in tally.failures[: options.shrink]:
        print(f"\n# seed {outcome.plan.seed}: shrinking", file=sys.stderr, flush=True)
        small = shrink(outcome, tell=lambda line: print(f"  {line}", file=sys.stderr, flush=True))
        _one(small, lines=STORY_LINES)
        print(kept.to_json(small.plan, sentence=f"{small.anomaly.checker}: {small.anomaly.sentence}"))
    return 1 if tally.failed else 0


def _one(outcome: Outcome, *, lines: int | None) -> int:
    print(f"# seed {outcome.plan.seed}, {outcome.plan.seconds:g} s, {outcome.plan.nodes} nodes, {', '.join(outcome.plan.workloads)}")
    for step in outcome.plan.steps:
        print(f"#   {step}")
    story = outcome.story if lines is None else outcome.story[-lines:]
    print("\n".join(story))
    print(f"# {outcome.acknowledged} acknowledged, {outcome.polled} polled, digest {outcome.digest[:16]}")
    print(f"# {outcome.anomaly}" if outcome.anomaly else "# nothing is wrong")
    return 1 if outcome.anomaly else 0


def _report(tally: Tally, of: int) -> None:
    print(f"# {tally.line(of)}")
    print("# faults: " + ", ".join(f"{name} {count}" for name, count in sorted(tally.fired.items())))
    if never := tally.never_fired():
        print(f"# never fired: {', '.join(never)}")
    for table, was, to in tally.never_taken():
        print(f"# never taken: {table}: {was} -> {to}")
    for (table, was, to), why in sorted(coverage.NEVER_TAKEN.items()):
        print(f"# not to be taken: {table}: {was} -> {to}: {why}")
    if tally.failures:
        print(f"# broken: {', '.join(f'{one.plan.seed} ({one.anomaly.checker})' for one in tally.failures)}")


def _parsed(arguments: list[str]) -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="./play simulate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seeds", type=int, default=20, help="how many (20)")
    options.add_argument("--first-seed", type=int, default=1, help="the first of them (1)")
    options.add_argument("--minutes", type=float, default=1.0, help="of virtual time under load, each (1)")
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (one a processor)")
    options.add_argument("--shrink", type=int, default=1, metavar="N", help="how many broken runs to make small and show (1)")
    options.add_argument("--seed", type=int, help="this one alone")
    options.add_argument("--replay", metavar="FILE", help="a plan that was kept, tests/simulation/regressions/NAME.json")
    options.add_argument("--trace", action="store_true", help="the whole story, not only its end")
    chosen = options.parse_args(arguments)
    if chosen.seeds < 1 or chosen.jobs < 1 or chosen.minutes <= 0:
        options.error("--seeds, --jobs and --minutes: more than nothing")
    return chosen


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
