"""The simplest client of a simulated cluster: one idempotent acks=all send at a time, until it is taken; for tests of single faults."""

import uuid

from engine.peers.connection import Unreachable
from engine.peers.directory import Directory
from engine.protocol.codec import build
from engine.protocol.errors import ErrorCode
from engine.protocol.record_batch import Record, decode_records, encode_batch, walk
from engine.world.tasks import Expired
from tests.simulation.universe import Universe

ASK_MS = 3_000
RETRY_MS = 100
RETRIES = {
    ErrorCode.not_leader_or_follower, ErrorCode.leader_not_available, ErrorCode.unknown_topic_or_partition,
    ErrorCode.not_enough_replicas, ErrorCode.not_enough_replicas_after_append, ErrorCode.request_timed_out,
    ErrorCode.fenced_leader_epoch, ErrorCode.unknown_leader_epoch, ErrorCode.kafka_storage_error, ErrorCode.not_controller,
    ErrorCode.coordinator_load_in_progress, ErrorCode.replica_not_available, ErrorCode.offset_not_available,
    ErrorCode.broker_not_available, ErrorCode.invalid_replication_factor,
    # A deposed leader that does not know it yet has not seen what its successor acknowledged; the true leader takes the record.
    ErrorCode.out_of_order_sequence_number,
}
SEND_MS_MAX = 120_000  # longer than any fault lasts: after that a send is stuck, not slow


class Refused(AssertionError):
    """The cluster answered an error that no fault of ours explains."""


class PatientClient:
    """Knows the nodes' addresses; asks until somebody answers. workloads/ has clients that behave as Kafka's."""

    def __init__(self, universe: Universe, name: str) -> None:
        self.universe = universe
        self.world = universe.simulation.world(name)
        self.chance = self.world.chance
        addresses = {number: (f"node-{number}", 9092) for number in universe.ids}
        self._directory = Directory(world=self.world, node_id=1_000, addresses=addresses)
        self._leaders: dict[tuple[str, int], int] = {}
        self.producer_id = -1
        self.producer_epoch = -1

    async def ask_any(self, message, accept=lambda answer: True):
        """The first acceptable answer of any node."""
        while True:
            node = self.chance.choice(self.universe.ids)
            answer = await self._ask(node, message)
            if answer is not None and accept(answer):
                return answer
            await self.world.clock.sleep(RETRY_MS)

    async def _ask(self, node: int, message):
        try:
            return await self._directory.peer(node, "client").ask(message, within_ms=ASK_MS)
        except (Unreachable, Expired):
            return None

    async def create_topic(self, name: str, partitions: int, configs: dict[str, str]) -> None:
        """Replication factor 3; fine when it is there."""
        topic = {
            "name": name, "num_partitions": partitions, "replication_factor": 3, "assignments": [],
            "configs": [{"name": key, "value": value} for key, value in configs.items()],
        }
        message = build("CreateTopics", "request", 7, topics=[topic], timeout=5_000)
        done = {ErrorCode.none, ErrorCode.topic_already_exists}
        await self.ask_any(message, lambda answer: answer.topics[0].error_code in done)

    async def become_idempotent(self) -> None:
        """Takes a producer id."""
        message = build("InitProducerId", "request", 4, transactional_id=None, transaction_timeout=60_000, producer_id=-1, producer_epoch=-1)
        answer = await self.ask_any(message, lambda answer: answer.error_code == ErrorCode.none)
        self.producer_id, self.producer_epoch = answer.producer_id, answer.producer_epoch

    async def leader(self, topic: str, partition: int) -> int:
        """Asks for it until there is one."""
        message = build("Metadata", "request", 12, topics=[{"name": topic, "topic_id": None}], allow_auto_topic_creation=False)
        while (topic, partition) not in self._leaders:
            answer = await self.ask_any(message)
            for part in answer.topics[0].partitions:
                if part.leader_id >= 0:
                    self._leaders[topic, part.partition_index] = part.leader_id
            if (topic, partition) not in self._leaders:
                await self.world.clock.sleep(RETRY_MS)
        return self._leaders[topic, partition]

    async def send(self, topic: str, partition: int, sequence: int, value: bytes) -> int:
        """Sends one record until it is acknowledged by all in sync; its offset."""
        record = Record(timestamp=self.world.clock.now_ms(), value=value)
        batch = encode_batch([record], producer_id=self.producer_id, producer_epoch=self.producer_epoch, base_sequence=sequence)
        data = [{"name": topic, "partition_data": [{"index": partition, "records": bytes(batch)}]}]
        message = build("Produce", "request", 9, transactional_id=None, acks=-1, timeout=2_000, topic_data=data)
        give_up_ms = self.world.clock.now_ms() + SEND_MS_MAX
        while True:
            answer = await self._ask(await self.leader(topic, partition), message)
            result = answer.responses[0].partition_responses[0] if answer is not None else None
            if result is not None and result.error_code == ErrorCode.none:
                return result.base_offset
            if result is not None and result.error_code not in RETRIES:
                raise Refused(f"{topic}-{partition} sequence {sequence}: {result.error_code!r}")
            if self.world.clock.now_ms() > give_up_ms:
                raise Refused(f"{topic}-{partition} sequence {sequence}: stuck, last answer {result!r}")
            self._leaders.pop((topic, partition), None)
            await self.world.clock.sleep(RETRY_MS)

    async def read_all(self, topic: str, partition: int) -> list[tuple[int, bytes]]:
        """(offset, value) of everything below the high watermark, from its leader."""
        found: list[tuple[int, bytes]] = []
        offset = 0
        while True:
            data = await self._fetch(topic, partition, offset)
            if data is None:
                continue
            if offset >= data.high_watermark:
                return found
            for position, _ in walk(data.records or b""):
                for record in decode_records(data.records, position):
                    if record.offset >= offset:
                        found.append((record.offset, record.value))
                        offset = record.offset + 1

    async def _fetch(self, topic: str, partition: int, offset: int):
        wanted = {
            "partition": partition, "current_leader_epoch": -1, "fetch_offset": offset, "last_fetched_epoch": -1,
            "log_start_offset": -1, "partition_max_bytes": 1 << 20,
        }
        message = build(
            "Fetch", "request", 12, replica_id=-1, max_wait=0, min_bytes=0, max_bytes=1 << 22, isolation_level=0, session_id=0,
            session_epoch=-1, topics=[{"topic": topic, "partitions": [wanted]}], forgotten_topics_data=[], rack_id="",
        )
        answer = await self._ask(await self.leader(topic, partition), message)
        part = answer.responses[0].partitions[0] if answer is not None and answer.responses else None
        if part is None or part.error_code in RETRIES:
            self._leaders.pop((topic, partition), None)
            await self.world.clock.sleep(RETRY_MS)
            return None
        if part.error_code != ErrorCode.none:
            raise Refused(f"{topic}-{partition} at {offset}: {part.error_code!r}")
        return part


def value_of(number: int) -> bytes:
    """A value that names its record."""
    return uuid.UUID(int=number).bytes
