"""A client of the simulated cluster: asks nodes over the wire, and knows from metadata who leads what.

Rule: what a node says about a topic counts only when it is not older than what we know (leader epoch, topic id), as in Kafka's clients.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from engine.peers.connection import Peer, Unreachable
from engine.protocol.codec import Message, build
from engine.protocol.errors import ErrorCode
from engine.world.tasks import Expired, Promise, Signal, spawn
from tests.simulation.anomaly import Anomaly
from tests.simulation.universe import PORT, Universe

ASK_MS = 3_000  # request.timeout.ms: shorter than Kafka's 30 s, so that a run of a minute sees many
BACKOFF_MS = 100  # retry.backoff.ms

# Errors that Kafka's clients retry (RetriableException), most of them after asking for metadata again.
RETRIABLE = frozenset({
    ErrorCode.unknown_topic_or_partition, ErrorCode.leader_not_available, ErrorCode.not_leader_or_follower, ErrorCode.request_timed_out,
    ErrorCode.replica_not_available, ErrorCode.network_exception, ErrorCode.not_enough_replicas, ErrorCode.not_controller,
    ErrorCode.not_enough_replicas_after_append, ErrorCode.kafka_storage_error, ErrorCode.fenced_leader_epoch,
    ErrorCode.unknown_leader_epoch, ErrorCode.offset_not_available, ErrorCode.unknown_topic_id, ErrorCode.inconsistent_topic_id,
    ErrorCode.broker_not_available, ErrorCode.coordinator_load_in_progress, ErrorCode.coordinator_not_available,
    ErrorCode.not_coordinator,
})  # fmt: skip

# Answers that no fault of ours explains: whoever gets one has met a bug, of the engine or of this client.
INEXPLICABLE = frozenset({
    ErrorCode.unknown_server_error, ErrorCode.invalid_request, ErrorCode.unsupported_version, ErrorCode.corrupt_message,
    ErrorCode.invalid_record, ErrorCode.duplicate_sequence_number, ErrorCode.invalid_required_acks, ErrorCode.invalid_timestamp,
    ErrorCode.inconsistent_group_protocol, ErrorCode.invalid_group_id, ErrorCode.invalid_session_timeout,
    ErrorCode.unsupported_for_message_format, ErrorCode.message_too_large, ErrorCode.fetch_session_id_not_found,
})  # fmt: skip


class Leader(NamedTuple):
    """Who leads a partition; node -1: nobody just now."""

    node: int
    epoch: int


@dataclass(slots=True)
class KnownTopic:
    """What metadata told of a topic. A topic that was created anew is another one."""

    name: str
    id: UUID
    leaders: dict[int, Leader] = field(default_factory=dict)


class Client:
    """One client process on a host of its own name; links to and from it can be cut as those of a node."""

    def __init__(self, universe: Universe, name: str) -> None:
        self.universe = universe
        self.name = name
        self.world = universe.simulation.world(name)
        self.chance = self.world.chance
        self.topics: dict[str, KnownTopic] = {}
        self.interest: list[str] = []  # topics that a refresh asks about
        self.anomaly: Anomaly | None = None  # met where nobody waits for the result; `check` raises it
        self.gone = False
        self._nodes: dict[int, tuple[str, int]] = {number: (f"node-{number}", PORT) for number in universe.ids}
        self._peers: dict[tuple[int, str], Peer] = {}
        self._former: set[UUID] = set()
        self._refreshing: Promise[None] | None = None
        self._awake = Signal()
        self._awake.set()

    def now_ms(self) -> int:
        """The universe's time: what histories are written in, whatever our own clock says."""
        return self.universe.simulation.now_ms()

    async def sleep(self, ms: float) -> None:
        """On our own clock, which a freeze stops."""
        await self.world.clock.sleep(ms)
        await self._awake.wait()

    # ---- asking

    async def ask(self, node: int, message: Message, purpose: str, *, within_ms: int = ASK_MS) -> Message | None:
        """The node's answer; None for silence. One connection for each purpose: a long poll must not hold up other answers."""
        try:
            answer = await self._peer(node, purpose).ask(message, within_ms=within_ms)
        except (Unreachable, Expired):
            answer = None
        await self._awake.wait()
        return answer

    async def ask_any(self, message: Message) -> Message | None:
        """A node chosen by our dice."""
        return await self.ask(self.chance.choice(sorted(self._nodes)), message, "any")

    def address_of(self, node: int) -> tuple[str, int]:
        """Where the node listens, as far as we know."""
        return self._nodes.get(node, (f"node-{node}", PORT))

    def _peer(self, node: int, purpose: str) -> Peer:
        key = (node, purpose)
        if key not in self._peers:
            self._peers[key] = Peer(world=self.world, node_id=node, address=self.address_of(node), client_id=self.name)
        return self._peers[key]

    # ---- metadata

    async def refresh(self) -> None:
        """Asks one node about all topics of interest. Who calls while another refresh is on its way shares it."""
        if self._refreshing is not None:
            return await self._refreshing.wait()
        promise = self._refreshing = Promise()
        topics = [{"name": name, "topic_id": None} for name in self.interest]
        try:
            answer = await self.ask_any(build("Metadata", "request", 12, topics=topics, allow_auto_topic_creation=False))
            if answer is not None:
                self.learn(answer)
        finally:
            self._refreshing = None
            promise.resolve(None)
        return None

    def wants_metadata(self) -> None:
        """Refreshes beside what goes on: something showed that what we know is old."""
        if not self.gone and self._refreshing is None:
            spawn(self.refresh(), name=f"{self.name} refreshes")

    def learn(self, answer: Message) -> None:
        """Takes from a Metadata answer what is new."""
        for broker in answer.brokers:
            self._nodes.setdefault(broker.node_id, (broker.host, broker.port))
        for told in answer.topics:
            if told.error_code != ErrorCode.none or told.name is None or told.topic_id in self._former:
                continue
            known = self.topics.get(told.name)
            if known is None or known.id != told.topic_id:
                if known is not None:
                    self._former.add(known.id)
                known = self.topics[told.name] = KnownTopic(told.name, told.topic_id)
            for part in told.partitions:
                before = known.leaders.get(part.partition_index)
                if before is None or part.leader_epoch >= before.epoch:
                    known.leaders[part.partition_index] = Leader(part.leader_id, part.leader_epoch)

    def leader(self, topic: str, topic_id: UUID, partition: int) -> Leader | None:
        """None: nobody that we know of, or the topic is another one by now."""
        known = self.topics.get(topic)
        leader = known.leaders.get(partition) if known is not None and known.id == topic_id else None
        return leader if leader is not None and leader.node >= 0 else None

    def saw_epoch(self, topic: str, topic_id: UUID, partition: int, epoch: int) -> None:
        """A record or a committed offset is of this leader epoch: who leads by older metadata leads no more (KIP-320)."""
        known = self.topics.get(topic)
        if known is None or known.id != topic_id:
            return
        leader = known.leaders.get(partition)
        if leader is not None and leader.epoch < epoch:
            known.leaders[partition] = Leader(-1, epoch)
            self.wants_metadata()

    def is_former(self, topic_id: UUID) -> bool:
        """Was the topic replaced by a new one of its name?"""
        return topic_id in self._former

    async def create_topic(self, name: str, *, partitions: int, configs: dict[str, str] | None = None) -> KnownTopic:
        """On as many nodes as there are, three at most; fine when it is there. Returns when all partitions have leaders."""
        topic = {
            "name": name, "num_partitions": partitions, "replication_factor": min(3, len(self.universe.ids)), "assignments": [],
            "configs": [{"name": key, "value": value} for key, value in sorted((configs or {}).items())],
        }  # fmt: skip
        message = build("CreateTopics", "request", 7, topics=[topic], timeout=5_000)
        while True:
            answer = await self.ask_any(message)
            if answer is not None and answer.topics[0].error_code in (ErrorCode.none, ErrorCode.topic_already_exists):
                break
            await self.sleep(BACKOFF_MS)
        return await self.find_topic(name, partitions=partitions)

    async def delete_topic(self, name: str) -> None:
        """Fine when it is gone."""
        message = build("DeleteTopics", "request", 6, topics=[{"name": name, "topic_id": None}], timeout=5_000)
        done = (ErrorCode.none, ErrorCode.unknown_topic_or_partition)
        while (answer := await self.ask_any(message)) is None or answer.responses[0].error_code not in done:
            await self.sleep(BACKOFF_MS)

    async def find_topic(self, name: str, *, partitions: int = 1) -> KnownTopic:
        """Waits until metadata shows it with leaders for all partitions."""
        if name not in self.interest:
            self.interest.append(name)
        while True:
            await self.refresh()
            known = self.topics.get(name)
            if known is not None and len(known.leaders) >= partitions and all(one.node >= 0 for one in known.leaders.values()):
                return known
            await self.sleep(BACKOFF_MS)

    # ---- what can befall a client

    def freeze(self) -> None:
        """As SIGSTOP: its clock stands and it takes no answers, while the cluster goes on."""
        self.world.clock.pause()
        self._awake.clear()

    def thaw(self) -> None:
        """It goes on where it stood."""
        self.world.clock.resume()
        self._awake.set()

    def close(self) -> None:
        """Its connections end."""
        self.gone = True
        for key in sorted(self._peers):
            self._peers[key].close()

    def crash(self) -> None:
        """The process is gone without a word. Its tasks are for its owner to cancel."""
        self.close()
        self.universe.simulation.crash(self.world)

    # ---- anomalies

    def expect(self, code: ErrorCode, what: str, answer: Any) -> None:
        """Raises Anomaly for an error that nothing explains."""
        if code in INEXPLICABLE:
            raise Anomaly("client", f"{self.name}: {what} is answered {code.name.upper()}, which no fault explains", answer)

    def check(self) -> None:
        """Raises the anomaly that was met meanwhile, if any."""
        if self.anomaly is not None:
            raise self.anomaly

    def __repr__(self) -> str:
        return f"<Client {self.name} topics={sorted(self.topics)} {'gone' if self.gone else 'runs'}>"
