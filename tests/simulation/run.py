"""One run: a seed, a load, faults, healing, and every checker while it goes on and at the end."""

from dataclasses import dataclass

from engine.protocol.errors import KafkaError
from engine.world.tasks import spawn
from engine.world.virtual_loop import run_virtually
from tests.simulation.checkers import CHECKERS
from tests.simulation.client import SimulatedClient, value_of
from tests.simulation.faults import Faults
from tests.simulation.history import ALL, Acknowledged, History, Sent
from tests.simulation.plan import Plan
from tests.simulation.record import Record
from tests.simulation.universe import Universe

TOPIC, PARTITIONS = "orders", 3
SEND_EVERY_MS = 100
LOOK_EVERY_MS = 50
HEAL_MS_MAX = 60_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run showed: its digest, how much was acknowledged, which faults fired."""

    digest: str
    acknowledged: int
    fired: dict[str, int]


def simulate(seed: int, *, seconds: float) -> Outcome:
    """Runs a seed; raises Anomaly with the broken promise."""
    return run(Plan(seed=seed, seconds=seconds, nodes=3, steps=(), workloads=("orders",)))


def run(plan: Plan) -> Outcome:
    """Runs a plan; raises Anomaly with the broken promise."""
    return run_virtually(_run(plan))


async def _run(plan: Plan) -> Outcome:
    universe = Universe(plan.seed, nodes=plan.nodes, config=plan.configs)
    record = Record(plan=plan, universe=universe, history=History())
    await universe.start()
    client = SimulatedClient(universe, "client-1")
    await client.create_topic(TOPIC, PARTITIONS, {"min.insync.replicas": "2"})
    await client.become_idempotent()
    end_ms = universe.simulation.now_ms() + int(plan.seconds * 1_000)
    senders = [spawn(_send(record, client, partition, end_ms), name=f"sender {partition}") for partition in range(PARTITIONS)]
    watch = spawn(_watch(record, end_ms), name="watch")
    faults = Faults(universe)
    await faults.go_on_until(end_ms)
    await faults.heal()
    for task in (*senders, watch):
        await task
    await universe.until(lambda: _is_healthy(universe), "every replica is in sync again", within_ms=HEAL_MS_MAX)
    record.healed = True
    for partition in range(PARTITIONS):
        record.history.final[TOPIC, _topic_id(universe), partition] = await client.read_all(TOPIC, partition)
    for checker in CHECKERS:
        if hasattr(checker, "check"):
            checker.check(record)
    return Outcome(universe.digest(), len(record.history.of(Acknowledged)), faults.fired)


async def _send(record: Record, client: SimulatedClient, partition: int, end_ms: int) -> None:
    universe, number = record.universe, 0
    while universe.simulation.now_ms() < end_ms:
        sent = Sent(
            at_ms=universe.simulation.now_ms(), producer=client.world.network.name, acks=ALL, topic=TOPIC, topic_id=_topic_id(universe),
            partition=partition, number=number, value=value_of(partition << 32 | number),
        )
        record.history.note(sent)
        offset = await client.send(TOPIC, partition, number, sent.value)
        record.history.note(Acknowledged(at_ms=universe.simulation.now_ms(), sent=sent, offset=offset))
        number += 1
        await universe.sleep(SEND_EVERY_MS)


def _topic_id(universe: Universe) -> str:
    return next(fact["topic_id"] for fact in universe.facts if fact["kind"] == "TopicCreated" and fact["topic"] == TOPIC)


async def _watch(record: Record, end_ms: int) -> None:
    looks = [checker.look for checker in CHECKERS if hasattr(checker, "look")]
    while record.universe.simulation.now_ms() < end_ms:
        for look in looks:
            look(record)
        await record.universe.sleep(LOOK_EVERY_MS)


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
