"""Carries out a plan's steps in a universe, counts which fired, and heals everything in the end."""

from collections import Counter
from collections.abc import Iterable

from engine.world.tasks import gather, spawn
from tests.simulation.faults import FAULTS
from tests.simulation.faults.fault import partitions_of
from tests.simulation.faults.operator import UNCLEAN, operator_of
from tests.simulation.plan import Step
from tests.simulation.universe import Universe


UNFENCED_WITHIN_MS = 60_000


async def carry_out(universe: Universe, steps: Iterable[Step]) -> Counter[str]:
    """Each step at its time from now, whatever the others do; returns when all have ended. How often which fault fired."""
    fired: Counter[str] = Counter()
    tasks = [spawn(_one(universe, step, fired), name=f"step {step}") for step in steps]
    await gather(*tasks)
    return fired


async def _one(universe: Universe, step: Step, fired: Counter[str]) -> None:
    fault, args = FAULTS[step.fault], dict(step.args)
    await universe.sleep(step.at_ms)
    if await fault.begin(universe, args):
        fired[fault.name] += 1
        await universe.sleep(step.lasts_ms)
        await fault.end(universe, args)


async def heal(universe: Universe) -> None:
    """Links, disks and clocks are well, and every node of the cluster runs; replicas that a broken disk took offline come back with a restart."""
    universe.simulation.links.heal()
    for number in universe.ids:
        universe.simulation.disk(f"node-{number}").get_well()
        universe.simulation.drift(f"node-{number}", 1)
        if number in universe.nodes and universe.process(number).frozen:
            universe.thaw(number)
    universe.tell("Healed")
    for number in list(universe.ids):
        if number in universe.nodes and universe.simulation.disk(f"node-{number}").refusals and _lacks_replicas(universe, number):
            universe.crash(number)
        await universe.start_node(number)
    await universe.until(lambda: universe.unfenced() == set(universe.ids), "all brokers are back", within_ms=UNFENCED_WITHIN_MS)
    await _lead_again(universe)


async def _lead_again(universe: Universe) -> None:
    """Who changed min.insync.replicas while nobody was in sync has cleared the eligible replicas (KIP-966); only an operator can help then."""
    forlorn = [
        (topic, index) for topic, index, partition in partitions_of(universe) if partition.leader < 0 and not (partition.isr or partition.elr)
    ]
    if forlorn:
        universe.tell("Asked", what=f"elect unclean leaders of {forlorn}")
        await operator_of(universe).elect(UNCLEAN, forlorn)


def _lacks_replicas(universe: Universe, number: int) -> bool:
    here = {(replica.topic, replica.index) for replica in universe.nodes[number].replicas.all()}
    return any(number in partition.replicas and (topic, index) not in here for topic, index, partition in partitions_of(universe))


def is_whole(universe: Universe) -> bool:
    """All nodes run, unfenced; every partition has its leader and all its replicas in sync, which end alike."""
    if universe.alive() != sorted(universe.ids) or universe.stopping or universe.unfenced() != set(universe.ids):
        return False
    return all(_is_in_sync(universe, *place) for place in partitions_of(universe))


def _is_in_sync(universe: Universe, topic: str, index: int, partition) -> bool:
    if partition.leader < 0 or set(partition.isr) != set(partition.replicas):
        return False
    logs = []
    for number in partition.replicas:
        found = [replica for replica in universe.nodes[number].replicas.all() if (replica.topic, replica.index) == (topic, index)]
        if not found:
            return False
        logs.append(found[0].log)
    return len({log.log_end_offset for log in logs} | {log.high_watermark for log in logs}) == 1
