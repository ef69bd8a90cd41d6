"""Reading partitions as a consumer does: positions, fetches with leader epochs, resets, and logs that turn out shorter than what was read.

Source: Fetcher, OffsetFetcher and SubscriptionState of Apache Kafka; KIP-320 (leader epochs of consumers).
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from engine.protocol.codec import Message, build
from engine.protocol.errors import ErrorCode
from engine.protocol.record_batch import decode_records, walk
from engine.world.tasks import gather
from tests.simulation.anomaly import Anomaly
from tests.simulation.client import ASK_MS, BACKOFF_MS, RETRIABLE, Client, Leader
from tests.simulation.history import History, Polled, Positioned, Refused

EARLIEST, LATEST = -2, -1
CONSUMER = -1  # replica id of who is no replica
PARTITION_BYTES, ANSWER_BYTES = 1 << 20, 1 << 22
UNKNOWN = -1
OUTSIDE = -1  # generation of a reader without a group

TopicPartition = tuple[str, int]


@dataclass(slots=True, eq=False)
class Position:
    """Where a reader stands. `offset` -1: to be looked up. `epoch`: of the record before; `checked_epoch`: the leader's that agreed."""

    topic: str
    topic_id: UUID
    partition: int
    offset: int = UNKNOWN
    epoch: int = UNKNOWN
    checked_epoch: int = UNKNOWN
    high_watermark: int = UNKNOWN

    @property
    def key(self) -> TopicPartition:
        return self.topic, self.partition


class Reader:
    """Positions of one consumer process; `group` and `generation` are written into its history."""

    def __init__(self, client: Client, history: History, *, group: str | None = None) -> None:
        self.client, self.history, self.group = client, history, group
        self.generation = OUTSIDE
        self.positions: dict[TopicPartition, Position] = {}

    # ---- where it stands

    def begin(self, topic: str, partition: int) -> Position:
        """A partition more; it is looked up where it begins, unless somebody says `stand_at`."""
        position = Position(topic, self.client.topics[topic].id, partition)
        self.positions[position.key] = position
        return position

    def stand_at(self, position: Position, offset: int, why: str, *, epoch: int = UNKNOWN) -> None:
        """From here on; `epoch` of the record before, where it is known."""
        position.offset, position.epoch, position.checked_epoch = offset, epoch, UNKNOWN
        self.client.saw_epoch(position.topic, position.topic_id, position.partition, epoch)
        self.history.note(
            Positioned(
                at_ms=self.client.now_ms(), reader=self.client.name, group=self.group, generation=self.generation, topic=position.topic,
                topic_id=str(position.topic_id), partition=position.partition, offset=offset, why=why,
            )
        )  # fmt: skip

    def follow_topics(self, topics: list[str]) -> None:
        """Partitions that came to be, and topics that were created anew: the latter are read from their beginning."""
        for topic in topics:
            known = self.client.topics.get(topic)
            for partition in sorted(known.leaders) if known is not None else ():
                position = self.positions.get((topic, partition))
                if position is None or position.topic_id != known.id:
                    self.begin(topic, partition)

    def has_read_all(self) -> bool:
        """Does it stand at the high watermark everywhere, as far as it was told?"""
        return all(0 <= position.high_watermark <= position.offset for position in self.positions.values())

    # ---- one poll

    async def poll(self, *, wait_ms: int) -> list[tuple[Position, Polled]]:
        """The next records of all partitions; each leader is asked once, all at the same time."""
        by_leader: dict[int, list[Position]] = {}
        leaders: dict[TopicPartition, Leader] = {}
        for key in sorted(self.positions):
            position = self.positions[key]
            leader = self.client.leader(position.topic, position.topic_id, position.partition)
            if leader is not None:
                leaders[key] = leader
                by_leader.setdefault(leader.node, []).append(position)
        asked = [self._poll_node(node, by_leader[node], leaders, wait_ms) for node in sorted(by_leader)]
        found = [one for part in await gather(*asked) for one in part]
        if len(leaders) < len(self.positions):
            await self.client.refresh()
        if not by_leader:
            await self.client.sleep(BACKOFF_MS)
        return found

    async def _poll_node(self, node: int, positions: list[Position], leaders: dict, wait_ms: int) -> list[tuple[Position, Polled]]:
        ready = []
        for position in positions:
            leader = leaders[position.key]
            if position.offset == UNKNOWN:
                await self._look_up(node, position, leader)
            elif position.checked_epoch != leader.epoch:
                await self._compare(node, position, leader)
            if position.offset != UNKNOWN and position.checked_epoch == leader.epoch:
                ready.append(position)
        return await self._fetch(node, ready, wait_ms) if ready else []

    async def _look_up(self, node: int, position: Position, leader: Leader) -> None:
        """Where the log begins."""
        offset = await list_offset(self.client, node, position, leader, EARLIEST)
        if offset is not None:
            self.stand_at(position, offset, "earliest")
            position.checked_epoch = leader.epoch

    async def _compare(self, node: int, position: Position, leader: Leader) -> None:
        """Does the new leader's log hold what we have read? If not we go back to where the logs part (KIP-320)."""
        if position.epoch == UNKNOWN:
            position.checked_epoch = leader.epoch
            return
        wanted = {"partition": position.partition, "current_leader_epoch": leader.epoch, "leader_epoch": position.epoch}
        topics = [{"topic": position.topic, "partitions": [wanted]}]
        answer = await self.client.ask(node, build("OffsetForLeaderEpoch", "request", 4, replica_id=CONSUMER, topics=topics), "fetch")
        told = answer.topics[0].partitions[0] if answer is not None else None
        if told is None or told.error_code != ErrorCode.none:
            return await self._refused("OffsetForLeaderEpoch", None if told is None else told.error_code, told)
        if told.end_offset < 0 or told.leader_epoch < 0:
            position.offset = UNKNOWN  # it knows of no such epoch: where our policy says
        elif told.end_offset < position.offset:
            self.stand_at(position, told.end_offset, "truncated", epoch=told.leader_epoch)
        position.checked_epoch = leader.epoch
        return None

    async def _fetch(self, node: int, positions: list[Position], wait_ms: int) -> list[tuple[Position, Polled]]:
        wanted: dict[UUID, list[dict]] = {}
        for position in positions:
            one = {
                "partition": position.partition, "current_leader_epoch": position.checked_epoch, "fetch_offset": position.offset,
                "last_fetched_epoch": UNKNOWN, "log_start_offset": UNKNOWN, "partition_max_bytes": PARTITION_BYTES,
            }  # fmt: skip
            wanted.setdefault(position.topic_id, []).append(one)
        message = build(
            "Fetch", "request", 17, max_wait=wait_ms, min_bytes=1, max_bytes=ANSWER_BYTES, isolation_level=0, session_id=0,
            session_epoch=-1, topics=[{"topic_id": topic, "partitions": parts} for topic, parts in wanted.items()],
            replica_state={"replica_id": CONSUMER, "replica_epoch": -1}, forgotten_topics_data=[], rack_id="",
        )  # fmt: skip
        answer = await self.client.ask(node, message, "fetch", within_ms=wait_ms + ASK_MS)
        if answer is None or answer.error_code != ErrorCode.none:
            await self._refused("Fetch", None if answer is None else answer.error_code, answer)
            return []
        known = {(position.topic_id, position.partition): position for position in positions}
        found: list[tuple[Position, Polled]] = []
        for topic in answer.responses:
            for part in topic.partitions:
                position = known.get((topic.topic_id, part.partition_index))
                if position is None:
                    raise Anomaly("client", f"{self.client.name} is sent a partition that it did not ask for", topic.topic_id, part)
                await self._take(position, part, found)
        return found

    async def _take(self, position: Position, part: Message, found: list[tuple[Position, Polled]]) -> None:
        code = part.error_code
        if code == ErrorCode.offset_out_of_range:
            position.offset = UNKNOWN  # auto.offset.reset=earliest
            return None
        if code != ErrorCode.none:
            return await self._refused("Fetch", code, part)
        position.high_watermark = part.high_watermark
        asked_from = position.offset
        for at, header in walk(part.records or b""):
            for record in decode_records(part.records, at, header):
                if record.offset < position.offset:
                    continue  # a batch is sent whole, also when we ask for its middle
                if record.offset >= part.high_watermark:
                    raise Anomaly("client", f"{self.client.name} was sent offset {record.offset} above the high watermark", position, part)
                polled = Polled(
                    at_ms=self.client.now_ms(), reader=self.client.name, group=self.group, generation=self.generation, topic=position.topic,
                    topic_id=str(position.topic_id), partition=position.partition, position_was=asked_from, offset=record.offset,
                    value=record.value,
                )  # fmt: skip
                self.history.note(polled)
                found.append((position, polled))
                position.offset, position.epoch = record.offset + 1, header.leader_epoch
        return None

    async def _refused(self, api: str, code: ErrorCode | None, evidence: object) -> None:
        """Metadata anew, or a note of what we do not retry."""
        if code is not None:
            self.client.expect(code, api, evidence)
            if code not in RETRIABLE:
                self.history.note(Refused(at_ms=self.client.now_ms(), client=self.client.name, api=api, error=code.name.upper()))
        await self.client.sleep(BACKOFF_MS)
        await self.client.refresh()

    def __repr__(self) -> str:
        stands = {f"{topic}-{index}": position.offset for (topic, index), position in sorted(self.positions.items())}
        return f"<Reader {self.client.name} group={self.group} generation={self.generation} {stands}>"


async def list_offset(client: Client, node: int, position: Position, leader: Leader, timestamp: int) -> int | None:
    """The first or last offset as the leader tells it; None: ask again later."""
    wanted = {"partition_index": position.partition, "current_leader_epoch": leader.epoch, "timestamp": timestamp}
    topics = [{"name": position.topic, "partitions": [wanted]}]
    answer = await client.ask(node, build("ListOffsets", "request", 9, replica_id=CONSUMER, isolation_level=0, topics=topics), "fetch")
    told = answer.topics[0].partitions[0] if answer is not None else None
    if told is None or told.error_code != ErrorCode.none:
        if told is not None:
            client.expect(told.error_code, "ListOffsets", told)
        await client.sleep(BACKOFF_MS)
        await client.refresh()
        return None
    return told.offset
