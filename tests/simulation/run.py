"""Plays a plan: nodes, clients and faults on virtual time; then heals, reads everything and asks every checker."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.world.simulated import START_MS
from engine.world.tasks import gather, spawn
from engine.world.virtual_loop import run_virtually
from tests.simulation import coverage
from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers import CHECKERS
from tests.simulation.faults.carry_out import carry_out, heal, is_whole
from tests.simulation.faults.draw import plan_may_lose
from tests.simulation.history import Acknowledged, History, Polled
from tests.simulation.plan import Plan
from tests.simulation.record import Record
from tests.simulation.story import tell
from tests.simulation.universe import Universe
from tests.simulation.workloads import WORKLOADS, read_everything

LOOK_EVERY_MS = 50
WHOLE_WITHIN_MS = 120_000  # after the last fault: the longest of sessions, backoffs and lags, several times


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run showed. `fired`: fault -> how often it hit something; `taken`: moves of the state tables; `story`: facts in words."""

    plan: Plan
    digest: str
    acknowledged: int
    polled: int
    fired: dict[str, int]
    taken: frozenset[tuple[str, str, str]]
    anomaly: Anomaly | None = None
    story: tuple[str, ...] = field(default=(), repr=False)


def run(plan: Plan, *, told: bool = False) -> Outcome:
    """Plays the plan to its end. An anomaly is an outcome; any other error is a bug of the engine or of this house, and raised.

    `told`: keep the story also of a run in which nothing is wrong.
    """
    record: list[Record] = []
    fired: dict[str, int] = {}
    anomaly = None
    with coverage.watching() as taken:
        try:
            run_virtually(_play(plan, record, fired))
        except Anomaly as found:
            anomaly = found
        except Exception as error:
            anomaly = Anomaly("engine", f"nothing crashes: {error!r}", _where(error))
    universe, history = record[0].universe, record[0].history
    return Outcome(
        plan=plan,
        digest=universe.digest(),
        acknowledged=len(history.of(Acknowledged)),
        polled=len(history.of(Polled)),
        fired=fired,
        taken=frozenset(taken),
        anomaly=anomaly,
        story=tuple(tell(universe.facts, start_ms=START_MS)) if anomaly or told else (),
    )


async def _play(plan: Plan, kept: list[Record], fired: dict[str, int]) -> None:
    universe = Universe(plan.seed, nodes=plan.nodes, config=plan.configs)
    notes = {"may_lose": plan_may_lose(plan), "may_lose_alone": plan_may_lose(plan, min_insync_replicas=1)}
    record = Record(plan=plan, universe=universe, history=History(), notes=notes)
    kept.append(record)
    watcher = spawn(_watch(record), name="checkers that look")
    main = spawn(_story(record, fired), name="the run")
    watcher.add_done_callback(lambda done: main.cancel())
    try:
        await main
    except BaseException:
        if watcher.done() and not watcher.cancelled() and watcher.exception():
            raise watcher.exception() from None
        raise
    finally:
        watcher.cancel()


async def _story(record: Record, fired: dict[str, int]) -> None:
    plan, universe, history = record.plan, record.universe, record.history
    await universe.start()
    loads = [WORKLOADS[name]() for name in plan.workloads]
    for load in loads:
        await load.prepare(universe, history)
    end_ms = universe.simulation.now_ms() + int(plan.seconds * 1000)
    running = [spawn(load.run(universe, history, end_ms), name=f"workload {name}") for name, load in zip(plan.workloads, loads, strict=True)]
    fired.update(await carry_out(universe, plan.steps))
    await universe.sleep(max(0, end_ms - universe.simulation.now_ms()))
    await heal(universe)
    await gather(*running)
    for load in loads:
        await load.finish(universe, history)
    await universe.until(lambda: is_whole(universe), "every replica is in sync again", within_ms=WHOLE_WITHIN_MS)
    record.healed = True
    await read_everything(universe, history)
    for checker in CHECKERS:
        if hasattr(checker, "check"):
            checker.check(record)


async def _watch(record: Record) -> None:
    looking = [checker for checker in CHECKERS if hasattr(checker, "look")]
    while True:
        for checker in looking:
            checker.look(record)
        await record.universe.sleep(LOOK_EVERY_MS)


def _where(error: BaseException) -> str:
    """The last line of ours in its traceback."""
    lines = []
    while error is not None:
        trace = error.__traceback__
        while trace is not None:
            lines.append(f"{trace.tb_frame.f_code.co_filename.rsplit('/', 3)[-1]}:{trace.tb_lineno} {trace.tb_frame.f_code.co_name}")
            trace = trace.tb_next
        error = error.__cause__
    return " < ".join(reversed(lines[-6:]))

