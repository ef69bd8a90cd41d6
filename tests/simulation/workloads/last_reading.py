"""After healing: every record of every topic, and every offset that a group has committed, as a last reader finds them."""

from engine.coordination.shards import OFFSETS_TOPIC
from engine.protocol.codec import build
from tests.simulation.anomaly import Anomaly
from tests.simulation.client import BACKOFF_MS, Client
from tests.simulation.coordinator_client import Coordinator
from tests.simulation.history import Committed, History
from tests.simulation.reader_client import Reader
from tests.simulation.universe import Universe

WITHIN_MS = 60_000


async def read_everything(universe: Universe, history: History) -> None:
    """Fills `history.final` and `history.final_committed`. Its own polls are not part of the history."""
    client = Client(universe, "last-reader")
    give_up_ms = client.now_ms() + WITHIN_MS
    await _learn_all_topics(client)
    own = History()
    reader = Reader(client, own)
    reader.follow_topics(client.interest)
    while reader.positions and not reader.has_read_all():
        if client.now_ms() > give_up_ms:
            raise Anomaly("client", "after healing not everything can be read", reader, *reader.positions.values())
        await reader.poll(wait_ms=0)
    for position in reader.positions.values():
        history.final[position.topic, str(position.topic_id), position.partition] = []
    for polled in own.seen:
        if hasattr(polled, "value"):
            history.final[polled.topic, polled.topic_id, polled.partition].append((polled.offset, polled.value))
    for group in sorted({one.group for one in history.of(Committed)}):
        await _read_committed(client, history, group, give_up_ms)
    client.close()


async def _learn_all_topics(client: Client) -> None:
    message = build("Metadata", "request", 12, topics=None, allow_auto_topic_creation=False)
    while (answer := await client.ask_any(message)) is None:
        await client.sleep(BACKOFF_MS)
    client.learn(answer)
    client.interest = [name for name in sorted(client.topics) if name != OFFSETS_TOPIC]


async def _read_committed(client: Client, history: History, group: str, give_up_ms: int) -> None:
    wanted = [(name, client.topics[name].id, index) for name in client.interest for index in sorted(client.topics[name].leaders)]
    coordinator = Coordinator(client, group)
    while (found := await coordinator.committed(wanted, within_ms=3_000)) is None:
        if client.now_ms() > give_up_ms:
            raise Anomaly("client", f"after healing nobody tells what group {group} has committed")
        await client.sleep(BACKOFF_MS)
    for (topic, topic_id, partition), (offset, _) in found.items():
        if offset >= 0:
            history.final_committed[group, topic, str(topic_id), partition] = offset
