"""Producers: idempotent with acks=all, careless with acks=1, and with acks=0."""

from collections.abc import Callable

from engine.world.tasks import gather
from tests.simulation.client import Client
from tests.simulation.history import ALL, LEADER, NONE, History
from tests.simulation.producer_client import Producer
from tests.simulation.universe import Universe
from tests.simulation.workloads.topics import CLICKS, CONFIGS, METRICS, ORDERS, PARTITIONS
from tests.simulation.workloads.workload import Workload

BETWEEN_MS = (40, 160)  # ten batches a second
RECORDS = (1, 1, 1, 2, 3)  # of a batch
BACKLOG_MAX = 20  # batches of a partition; then the producer waits, as with a full buffer.memory
METADATA_AGE_MS = 5_000


async def keep_producing(producer: Producer, topic: str, until_ms: int, *, between_ms: tuple[int, int] = BETWEEN_MS) -> None:
    """Batches to random partitions of the topic until the universe's time is `until_ms`."""
    client = producer.client
    chance = client.chance.split("load")
    refreshed_ms = client.now_ms()
    while client.now_ms() < until_ms:
        partition = chance.choice(sorted(client.topics[topic].leaders))
        records = chance.choice(RECORDS)
        if producer.backlog(topic, partition) < BACKLOG_MAX:
            producer.send(topic, partition, records)
        await client.sleep(chance.integer(*between_ms))
        client.check()
        if client.now_ms() - refreshed_ms > METADATA_AGE_MS:
            refreshed_ms = client.now_ms()
            client.wants_metadata()  # new partitions, and a topic that was created anew


class Producers:
    """Several producers of one kind on one topic."""

    def __init__(self, name: str, topic: str, promise: str, *, acks: int, idempotent: bool, count: int) -> None:
        self.name, self.topic, self.promise = name, topic, promise
        self.acks, self.idempotent, self.count = acks, idempotent, count
        self._producers: list[Producer] = []

    async def prepare(self, universe: Universe, history: History) -> None:
        """The topic, and producers with their ids."""
        for number in range(1, self.count + 1):
            client = Client(universe, f"{self.name}-{number}")
            await client.create_topic(self.topic, partitions=PARTITIONS, configs=CONFIGS[self.topic])
            producer = Producer(client, history, acks=self.acks, idempotent=self.idempotent)
            await producer.start()
            self._producers.append(producer)

    async def run(self, universe: Universe, history: History, until_ms: int) -> None:
        """Each at its own pace."""
        await gather(*(keep_producing(producer, self.topic, until_ms) for producer in self._producers))

    async def finish(self, universe: Universe, history: History) -> None:
        """Nothing is left unanswered."""
        for producer in self._producers:
            await producer.flush()
            producer.close()


def idempotent() -> Producers:
    """acks=all."""
    promise = "What was acknowledged stands in the log once, at its offset, in the order in which it was sent."
    return Producers("shop", ORDERS, promise, acks=ALL, idempotent=True, count=2)


def leader_only() -> Producers:
    """acks=1."""
    promise = "What was acknowledged is lost only with a leader that others had not copied yet; it may be there twice or out of order."
    return Producers("browser", CLICKS, promise, acks=LEADER, idempotent=False, count=1)


def unanswered() -> Producers:
    """acks=0."""
    promise = "Anything may be lost; what is there was sent."
    return Producers("sensor", METRICS, promise, acks=NONE, idempotent=False, count=1)


WORKLOADS: dict[str, Callable[[], Workload]] = {"acks-all": idempotent, "acks-1": leader_only, "acks-0": unanswered}
