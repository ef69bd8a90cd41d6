"""Draws a plan from a seed: which faults come when, alone and in combination; and says which plans may lose what was acknowledged."""

from collections.abc import Iterable
from dataclasses import replace

from engine.world.chance import Chance
from tests.simulation.faults import FAULTS
from tests.simulation.plan import Plan, Step

PAUSES_MS = ((300, 1_500), (800, 4_000), (3_000, 9_000))  # a stormy run, a usual one, a quiet one
KINDS_MAX = 7  # a run with few kinds of faults shows more of each of their combinations than one with all
RESYNC_MS = 20_000  # a replica that came back without its records has caught up by then, if nothing else is wrong


def draw_plan(
    seed: int,
    seconds: float,
    *,
    workloads: Iterable[str] = (),
    kinds: Iterable[str] | None = None,
    nodes: int | None = None,
    may_lose: bool | None = None,
) -> Plan:
    """`kinds`: only these faults. `may_lose` False: no plan whose losses Kafka would excuse; True: nothing is asked."""
    chance = Chance(seed).split("plan")
    many = nodes or chance.choice((3, 3, 3, 4, 5))
    known = sorted(FAULTS if kinds is None else kinds)
    chosen = known if kinds is not None else _some(chance, known)
    if may_lose is False:
        chosen = [kind for kind in chosen if not FAULTS[kind].may_lose] or ["process crash"]
    steps = _steps(chance, chosen, int(seconds * 1_000), list(range(1, many + 1)))
    plan = Plan(seed=seed, seconds=seconds, nodes=many, steps=tuple(steps), workloads=tuple(workloads))
    return _without_losses(plan) if may_lose is False else plan


def _without_losses(plan: Plan) -> Plan:
    """Step by step what still excuses no loss: the first machine that crashes stays, what ends another broker near it goes."""
    kept = replace(plan, steps=())
    for step in plan.steps:
        longer = replace(kept, steps=(*kept.steps, step))
        if not plan_may_lose(longer):
            kept = longer
    return kept


def _some(chance: Chance, known: list[str]) -> list[str]:
    """One kind alone in a fifth of the runs, else a few, the heavier ones more often."""
    count = 1 if chance.real() < 0.2 else chance.integer(2, KINDS_MAX)
    chosen: list[str] = []
    while len(chosen) < count:
        kind = _weighted(chance, known)
        if kind not in chosen:
            chosen.append(kind)
    for kind in list(chosen):
        if FAULTS[kind].beside and not set(FAULTS[kind].beside).intersection(chosen):
            chosen.append(chance.choice(FAULTS[kind].beside))
    return sorted(chosen)


def _weighted(chance: Chance, kinds: list[str]) -> str:
    at = chance.real() * sum(FAULTS[kind].weight for kind in kinds)
    for kind in kinds:
        at -= FAULTS[kind].weight
        if at < 0:
            return kind
    return kinds[-1]


def _steps(chance: Chance, kinds: list[str], until_ms: int, nodes: list[int]) -> Iterable[Step]:
    """They overlap as it comes; the last ones end with the load at the latest."""
    pause = chance.choice(PAUSES_MS)
    at_ms = chance.integer(*pause)
    while at_ms < until_ms:
        fault = FAULTS[_weighted(chance, kinds)]
        lasts_ms = min(chance.integer(*fault.lasts_ms), until_ms - at_ms)
        yield Step(at_ms=at_ms, fault=fault.name, lasts_ms=lasts_ms, args=fault.draw(chance, nodes))
        at_ms += chance.integer(*pause)


def plan_may_lose(plan: Plan, *, min_insync_replicas: int = 2) -> bool:
    """May a record that acks=all acknowledged be gone, and Kafka's would be too? For topics with three replicas.

    Unclean elections and power cuts of all may lose. So may a change of min.insync.replicas while a partition is without leader: it clears
    the eligible replicas, and then only an unclean election helps. A machine's crash may when another broker ends uncleanly near it (machines.py), or when
    one replica was enough to acknowledge. Disks that refuse never give back less than they took, so they lose nothing alone, but they end brokers.
    """
    steps = [(step, FAULTS[step.fault]) for step in plan.steps]
    if any(fault.may_lose for _, fault in steps):
        return True
    if any(fault.unclean for _, fault in steps) and any(step.args.get("config") == "min.insync.replicas" for step in plan.steps):
        return True
    machines = [step for step, fault in steps if fault.loses_unsynced]
    alone_suffices = min_insync_replicas < 2 or any(
        step.args.get("config") == "min.insync.replicas" and step.args["value"] == "1" for step in plan.steps
    )
    if machines and alone_suffices:
        return True
    return any(_near(machine, step) for machine in machines for step, fault in steps if fault.unclean and step is not machine)


def _near(one: Step, other: Step) -> bool:
    first, second = sorted((one, other), key=lambda step: step.at_ms)
    return second.at_ms < first.at_ms + first.lasts_ms + RESYNC_MS
