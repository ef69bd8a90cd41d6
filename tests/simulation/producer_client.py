"""A producer as Java's: pipelined batches per partition, retried in order with the same sequences, epoch bumped when a gap is certain.

Source: Sender and TransactionManager of Apache Kafka, KIP-98, KIP-360. Stricter on purpose, so that no duplicate is this client's doing:
the epoch is raised only when no request of the partition is unanswered, and no batch goes that would push an unsettled one out of the
five that brokers remember. (Kafka counts five for each connection; after a change of leader there are two.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from engine.protocol.codec import Message, build
from engine.protocol.errors import ErrorCode
from engine.protocol.record_batch import Record, encode_batch
from engine.world.tasks import Task, spawn
from tests.simulation.anomaly import Anomaly
from tests.simulation.client import ASK_MS, BACKOFF_MS, RETRIABLE, Client
from tests.simulation.history import ALL, NONE, Acknowledged, BegunAnew, GivenUp, History, Refused, Sent
from tests.simulation.silent_line import SilentLines

IN_FLIGHT_MAX = 5  # max.in.flight.requests.per.connection, of one partition here
DELIVERY_MS = 30_000  # delivery.timeout.ms
PRODUCE_TIMEOUT_MS = 2_000  # how long a leader waits for its followers
TICK_MS = 50
UNSEQUENCED = -1
EPOCH_MAX = 32_767


@dataclass(slots=True, eq=False)
class Batch:
    """Records that travel together. `sequence` -1: never sent by an idempotent producer."""

    sent: list[Sent]
    timestamp: int
    deadline_ms: int
    sequence: int = UNSEQUENCED
    identity: tuple[int, int] = (-1, -1)
    tries: int = 0
    not_before_ms: int = 0
    last_error: str = "silence"

    @property
    def last_sequence(self) -> int:
        return self.sequence + len(self.sent) - 1


@dataclass(slots=True, eq=False)
class Lane:
    """One partition of one topic id: what waits, what is unanswered, and where its sequences stand."""

    topic: str
    topic_id: UUID
    partition: int
    queue: deque[Batch] = field(default_factory=deque)
    in_flight: list[Batch] = field(default_factory=list)
    identity: tuple[int, int] = (-1, -1)
    next_sequence: int = 0
    last_acked: int = -1
    recent: deque[int] = field(default_factory=lambda: deque(maxlen=IN_FLIGHT_MAX))  # sequences of the batches begun last
    unresolved: int = UNSEQUENCED  # the last sequence of a batch that was given up though it may stand in the log
    must_begin_anew: bool = False
    refused_by: int = UNSEQUENCED  # the leader epoch of whom it asked when it found that it must
    count: int = 0

    def first_unfinished(self) -> int:
        """The lowest sequence that was sent and is not settled."""
        return min((one.sequence for one in (*self.in_flight, *self.queue) if one.sequence >= 0), default=UNSEQUENCED)

    def would_forget(self) -> bool:
        """Would one batch more push an unsettled one out of a broker's window?"""
        first = self.first_unfinished()
        return first != UNSEQUENCED and len(self.recent) == IN_FLIGHT_MAX and self.recent[0] >= first


class Producer:
    """Sends to any topic that its client knows; `acks` ALL, LEADER or NONE."""

    def __init__(self, client: Client, history: History, *, acks: int, idempotent: bool) -> None:
        assert acks == ALL or not idempotent, "an idempotent producer needs acks=all"
        self.client, self.history = client, history
        self.acks, self.idempotent = acks, idempotent
        self.identity = (-1, -1)  # producer id and epoch
        self._lanes: dict[tuple[UUID, int], Lane] = {}
        self._silent = SilentLines(client)
        self._ticking: Task | None = None

    async def start(self) -> None:
        """Takes a producer id if it is idempotent."""
        if self.idempotent:
            await self._take_identity()
        self._ticking = spawn(self._tick(), name=f"{self.client.name} ticks")

    async def _take_identity(self) -> None:
        message = build(
            "InitProducerId", "request", 4, transactional_id=None, transaction_timeout=60_000, producer_id=-1, producer_epoch=-1
        )
        while True:
            answer = await self.client.ask_any(message)
            if answer is not None and answer.error_code == ErrorCode.none:
                self.identity = (answer.producer_id, answer.producer_epoch)
                return
            await self.client.sleep(BACKOFF_MS)

    # ---- what the workload does

    def send(self, topic: str, partition: int, records: int) -> None:
        """Hands over so many records as one batch; the topic is what metadata says it is now."""
        known, now_ms = self.client.topics[topic], self.client.now_ms()
        lane = self._lanes.get((known.id, partition))
        if lane is None:
            lane = self._lanes[known.id, partition] = Lane(topic, known.id, partition, identity=self.identity)
        sent = []
        for _ in range(records):
            value = f"{self.client.name} {topic}-{partition} {lane.count} {known.id.hex[:8]}".encode()
            one = Sent(
                at_ms=now_ms, producer=self.client.name, acks=self.acks, topic=topic, topic_id=str(known.id), partition=partition,
                number=lane.count, value=value,
            )  # fmt: skip
            lane.count += 1
            sent.append(one)
            self.history.note(one)
        lane.queue.append(Batch(sent, now_ms, now_ms + DELIVERY_MS))
        self._pump(lane)

    def backlog(self, topic: str, partition: int) -> int:
        """Batches of the partition that are not settled: a full buffer makes a producer wait."""
        known = self.client.topics[topic]
        lane = self._lanes.get((known.id, partition))
        return len(lane.queue) + len(lane.in_flight) if lane else 0

    async def flush(self) -> None:
        """Returns when each record is acknowledged or given up."""
        while any(lane.queue or lane.in_flight for lane in self._lanes.values()):
            await self.client.sleep(TICK_MS)
            self.client.check()
        self.client.check()

    def close(self) -> None:
        """After `flush`."""
        if self._ticking is not None:
            self._ticking.cancel()
        self._silent.close()
        self.client.close()

    async def _tick(self) -> None:
        while True:
            await self.client.sleep(TICK_MS)
            for lane in self._lanes.values():
                if lane.queue or lane.must_begin_anew:
                    self._expire(lane)
                    self._pump(lane)

    # ---- which batch may go

    def _pump(self, lane: Lane) -> None:
        self._resolve(lane)
        while lane.queue and len(lane.in_flight) < IN_FLIGHT_MAX and self._may_go(lane, lane.queue[0]):
            batch = lane.queue.popleft()
            if self.idempotent and batch.sequence == UNSEQUENCED:
                batch.sequence, batch.identity = lane.next_sequence, lane.identity
                lane.next_sequence += len(batch.sent)
                lane.recent.append(batch.sequence)
            batch.tries += 1
            lane.in_flight.append(batch)
            spawn(self._attempt(lane, batch), name=f"{self.client.name} sends {lane.topic}-{lane.partition}")

    def _may_go(self, lane: Lane, batch: Batch) -> bool:
        if lane.must_begin_anew or batch.not_before_ms > self.client.now_ms():
            return False
        if not self.idempotent:
            return True
        if batch.sequence != UNSEQUENCED:
            # A retry goes alone: first the lowest sequence, then the next one.
            return batch.sequence == lane.first_unfinished()
        if lane.unresolved != UNSEQUENCED or lane.would_forget():
            return False
        if lane.identity != self.identity:
            if lane.in_flight:
                return False  # another partition has raised the epoch; what is under way here keeps the old one
            self._begin_anew(lane)
        return True

    def _resolve(self, lane: Lane) -> None:
        """Once nothing sent is open: is the gap that a given-up batch may have left really there?"""
        if lane.in_flight:
            return
        if lane.unresolved != UNSEQUENCED and lane.first_unfinished() == UNSEQUENCED:
            lane.must_begin_anew = lane.must_begin_anew or lane.last_acked < lane.unresolved
            lane.unresolved = UNSEQUENCED
        if lane.must_begin_anew:
            # KIP-360: the idempotent producer raises its epoch itself, and begins with sequence 0.
            self.history.note(
                BegunAnew(
                    at_ms=self.client.now_ms(), producer=self.client.name, topic=lane.topic, topic_id=str(lane.topic_id),
                    partition=lane.partition, acknowledged=lane.last_acked >= 0, leader_epoch=lane.refused_by,
                )
            )  # fmt: skip
            self._raise_epoch()
            self._begin_anew(lane)

    def _raise_epoch(self) -> None:
        producer_id, epoch = self.identity
        assert epoch < EPOCH_MAX, "a run is too short for so many epochs"
        self.identity = (producer_id, epoch + 1)

    def _begin_anew(self, lane: Lane) -> None:
        lane.must_begin_anew, lane.unresolved, lane.refused_by = False, UNSEQUENCED, UNSEQUENCED
        lane.identity, lane.next_sequence, lane.last_acked = self.identity, 0, -1
        lane.recent.clear()
        for batch in lane.queue:
            if batch.sequence != UNSEQUENCED:
                batch.sequence, batch.identity = lane.next_sequence, lane.identity
                lane.next_sequence += len(batch.sent)
                lane.recent.append(batch.sequence)

    # ---- one try

    async def _attempt(self, lane: Lane, batch: Batch) -> None:
        leader = self.client.leader(lane.topic, lane.topic_id, lane.partition)
        if leader is None:
            self._failed(lane, batch, ErrorCode.leader_not_available)
        elif self.acks == NONE:
            went = await self._silent.send(leader.node, self._message(lane, batch))
            self._succeeded(lane, batch, -1) if went else self._failed(lane, batch, None)
        else:
            answer = await self.client.ask(leader.node, self._message(lane, batch), "produce")
            try:
                self._answered(lane, batch, answer, leader.epoch)
            except Anomaly as anomaly:
                self.client.anomaly = self.client.anomaly or anomaly
                self._give_up(lane, batch, "anomaly")
        self._pump(lane)
        if any(one.tries for one in lane.queue):
            await self.client.refresh()

    def _message(self, lane: Lane, batch: Batch) -> Message:
        records = [Record(timestamp=batch.timestamp, value=one.value) for one in batch.sent]
        data = encode_batch(records, producer_id=batch.identity[0], producer_epoch=batch.identity[1], base_sequence=batch.sequence)
        partition = {"index": lane.partition, "records": bytes(data)}
        topics = [{"topic_id": lane.topic_id, "partition_data": [partition]}]
        return build("Produce", "request", 13, transactional_id=None, acks=self.acks, timeout=PRODUCE_TIMEOUT_MS, topic_data=topics)

    def _answered(self, lane: Lane, batch: Batch, answer: Message | None, leader_epoch: int) -> None:
        if answer is None:
            return self._failed(lane, batch, None)
        result = answer.responses[0].partition_responses[0]
        code = result.error_code
        self.client.expect(code, f"Produce to {lane.topic}-{lane.partition} {batch.identity} sequence {batch.sequence}", result)
        if code == ErrorCode.none:
            if result.base_offset < 0:
                raise Anomaly("client", f"{lane.topic}-{lane.partition}: acknowledged without an offset", batch.sent[0], result)
            return self._succeeded(lane, batch, result.base_offset)
        if code == ErrorCode.out_of_order_sequence_number and self.idempotent:
            if lane.unresolved != UNSEQUENCED or batch.sequence == lane.last_acked + 1:
                lane.must_begin_anew, lane.refused_by = True, leader_epoch  # it was the next one: what stood before it is lost
            return self._failed(lane, batch, code)
        if code in RETRIABLE:
            return self._failed(lane, batch, code)
        self.history.note(Refused(at_ms=self.client.now_ms(), client=self.client.name, api="Produce", error=code.name.upper()))
        return self._give_up(lane, batch, code.name.upper())

    def _succeeded(self, lane: Lane, batch: Batch, base_offset: int) -> None:
        lane.in_flight.remove(batch)
        lane.last_acked = max(lane.last_acked, batch.last_sequence)
        for delta, sent in enumerate(batch.sent):
            self.history.note(Acknowledged(at_ms=self.client.now_ms(), sent=sent, offset=base_offset + delta if base_offset >= 0 else -1))

    def _failed(self, lane: Lane, batch: Batch, code: ErrorCode | None) -> None:
        """To be tried again, unless its time is over or its topic was replaced."""
        batch.last_error = "silence" if code is None else code.name.upper()
        now_ms = self.client.now_ms()
        if now_ms >= batch.deadline_ms or self.client.is_former(lane.topic_id):
            return self._give_up(lane, batch, batch.last_error)
        lane.in_flight.remove(batch)
        batch.not_before_ms = now_ms + BACKOFF_MS
        if self.idempotent:
            behind = next((at for at, one in enumerate(lane.queue) if not 0 <= one.sequence < batch.sequence), len(lane.queue))
            lane.queue.insert(behind, batch)
        else:
            lane.queue.appendleft(batch)  # so do Java's retries: without idempotence several in flight may change places
        return None

    def _give_up(self, lane: Lane, batch: Batch, error: str) -> None:
        if batch in lane.in_flight:
            lane.in_flight.remove(batch)
        if self.idempotent and batch.sequence != UNSEQUENCED:
            lane.unresolved = max(lane.unresolved, batch.last_sequence)
        for sent in batch.sent:
            self.history.note(GivenUp(at_ms=self.client.now_ms(), sent=sent, error=error))

    def _expire(self, lane: Lane) -> None:
        now_ms, former = self.client.now_ms(), self.client.is_former(lane.topic_id)
        over: Sequence[Batch] = [one for one in lane.queue if former or now_ms >= one.deadline_ms]
        for batch in over:
            lane.queue.remove(batch)
            self._give_up(lane, batch, batch.last_error if batch.tries else "NOT_SENT")

    def __repr__(self) -> str:
        return f"<Producer {self.client.name} acks={self.acks} identity={self.identity} lanes={len(self._lanes)}>"


assert ASK_MS > PRODUCE_TIMEOUT_MS, "a leader that waits for its followers answers before its client gives up"
