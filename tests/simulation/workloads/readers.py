"""Readers without a group: one process a topic, from the earliest offset on, tailing up to the high watermark."""

from collections.abc import Callable

from engine.world.tasks import gather
from tests.simulation.anomaly import Anomaly
from tests.simulation.client import Client
from tests.simulation.history import History
from tests.simulation.reader_client import Reader
from tests.simulation.universe import Universe
from tests.simulation.workloads.topics import CLICKS, CONFIGS, METRICS, ORDERS, PARTITIONS
from tests.simulation.workloads.workload import Workload

WAIT_MS = 300
PAUSE_MS = (50, 350)  # between two polls
METADATA_AGE_MS = 5_000
CATCH_UP_MS_MAX = 60_000


class Readers:
    """Reads what producers of other workloads write; an empty topic if none runs."""

    promise = "Each partition is read once, in order, without a gap, unless the log was cut: then again from where the logs part."

    def __init__(self) -> None:
        self._readers: list[Reader] = []

    async def prepare(self, universe: Universe, history: History) -> None:
        """Topics that are there already stay as they are."""
        for topic in (ORDERS, CLICKS, METRICS):
            client = Client(universe, f"reader-{topic}")
            await client.create_topic(topic, partitions=PARTITIONS, configs=CONFIGS[topic])
            self._readers.append(Reader(client, history))

    async def run(self, universe: Universe, history: History, until_ms: int) -> None:
        """All of them, each at its own pace."""
        await gather(*(self._read(reader, lambda client=reader.client: client.now_ms() >= until_ms) for reader in self._readers))

    async def finish(self, universe: Universe, history: History) -> None:
        """Up to what is the end now."""
        give_up_ms = universe.simulation.now_ms() + CATCH_UP_MS_MAX
        for reader in self._readers:
            for position in reader.positions.values():
                position.high_watermark = -1  # what we were told before does not count
            await reader.client.refresh()
            await self._read(reader, lambda reader=reader: reader.has_read_all() or reader.client.now_ms() > give_up_ms)
            if not reader.has_read_all():
                raise Anomaly("client", f"{reader.client.name} does not get to the end after healing", reader, *reader.positions.values())
            reader.client.close()

    async def _read(self, reader: Reader, is_over: Callable[[], bool]) -> None:
        client = reader.client
        chance = client.chance.split("load")
        refreshed_ms = client.now_ms()
        reader.follow_topics(client.interest)
        while not is_over():
            await reader.poll(wait_ms=WAIT_MS)
            await client.sleep(chance.integer(*PAUSE_MS))
            if client.now_ms() - refreshed_ms > METADATA_AGE_MS:
                refreshed_ms = client.now_ms()
                await client.refresh()
                reader.follow_topics(client.interest)


WORKLOADS: dict[str, Callable[[], Workload]] = {"readers": Readers}
