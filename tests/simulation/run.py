"""One run: a seed, a load, faults, healing, and every checker at the end."""

from dataclasses import dataclass

from engine.protocol.errors import KafkaError
from engine.world.tasks import spawn
from engine.world.virtual_loop import run_virtually
from tests.simulation.checkers import (
    causes_come_earlier,
    high_watermark_never_falls,
    leader_epochs_grow,
    logs_are_equal,
    nothing_acknowledged_is_lost,
    one_leader_per_epoch,
)
from tests.simulation.first_client import SimulatedClient, value_of
from tests.simulation.faults import Faults
from tests.simulation.universe import Universe

TOPIC, PARTITIONS = "orders", 3
SEND_EVERY_MS = 100
HEAL_MS_MAX = 60_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run showed: its digest, how much was acknowledged, which faults fired."""

    digest: str
    acknowledged: int
    fired: dict[str, int]


def simulate(seed: int, *, seconds: float) -> Outcome:
    """Runs a seed; raises AssertionError with the broken promise."""
    return run_virtually(_run(seed, seconds))


async def _run(seed: int, seconds: float) -> Outcome:
    universe = Universe(seed)
    await universe.start()
    client = SimulatedClient(universe, "client-1")
    await client.create_topic(TOPIC, PARTITIONS, {"min.insync.replicas": "2"})
    await client.become_idempotent()
    end_ms = universe.simulation.now_ms() + int(seconds * 1_000)
    acknowledged: dict[int, list[tuple[int, bytes]]] = {partition: [] for partition in range(PARTITIONS)}
    senders = [spawn(_send(universe, client, partition, acknowledged[partition], end_ms), name=f"sender {partition}") for partition in acknowledged]
    watch = spawn(_watch(universe, end_ms), name="watch")
    faults = Faults(universe)
    await faults.go_on_until(end_ms)
    await faults.heal()
    for task in (*senders, watch):
        await task
    await universe.until(lambda: _is_healthy(universe), "every replica is in sync again", within_ms=HEAL_MS_MAX)
    read = {partition: await client.read_all(TOPIC, partition) for partition in acknowledged}
    nothing_acknowledged_is_lost.check(acknowledged, read)
    one_leader_per_epoch.check(universe.facts)
    leader_epochs_grow.check(universe.facts)
    causes_come_earlier.check(universe.facts)
    logs_are_equal.check(universe, TOPIC, PARTITIONS)
    return Outcome(universe.digest(), sum(map(len, acknowledged.values())), faults.fired)


async def _send(universe: Universe, client: SimulatedClient, partition: int, acknowledged: list, end_ms: int) -> None:
    sequence = 0
    while universe.simulation.now_ms() < end_ms:
        value = value_of(partition << 32 | sequence)
        acknowledged.append((await client.send(TOPIC, partition, sequence, value), value))
        sequence += 1
        await universe.sleep(SEND_EVERY_MS)


async def _watch(universe: Universe, end_ms: int) -> None:
    watch = high_watermark_never_falls.Watch()
    while universe.simulation.now_ms() < end_ms:
        watch.look(universe, TOPIC)
        await universe.sleep(20)


def _is_healthy(universe: Universe) -> bool:
    for number in universe.alive():
        topic = universe.nodes[number].image.topics.get(TOPIC)
        if topic is None or any(len(part.isr) < 3 or part.leader < 0 for part in topic.partitions.values()):
            return False
    return _caught_up(universe)


def _caught_up(universe: Universe) -> bool:
    for partition in range(PARTITIONS):
        try:
            logs = [node.replicas.find(TOPIC, partition).log for node in universe.nodes.values()]
        except KafkaError:
            return False  # a node that has just started has not opened it yet
        if len({log.log_end_offset for log in logs} | {log.high_watermark for log in logs}) > 1:
            return False
    return True
