"""A member of a classic group: joins, shares out when it leads, reads what it owns, and commits what it has processed.

Source: ConsumerCoordinator and AbstractCoordinator of Apache Kafka; KIP-345 (static), KIP-394 (member id first), KIP-429 (cooperative).
Rule: only the member's own loop changes what it owns; its heartbeats only say that something has to change.
"""

from __future__ import annotations

from engine.protocol.codec import Message, build
from engine.protocol.errors import ErrorCode
from engine.world.tasks import Task, spawn
from tests.simulation import assignors
from tests.simulation.anomaly import Anomaly
from tests.simulation.client import ASK_MS, BACKOFF_MS, Client
from tests.simulation.consumer_protocol import Subscription, read_assignment, read_subscription, write_assignment, write_subscription
from tests.simulation.coordinator_client import MOVED, Coordinator
from tests.simulation.history import Assigned, Committed, History, Refused, Revoked
from tests.simulation.reader_client import Reader, TopicPartition

SESSION_MS, REBALANCE_MS, HEARTBEAT_MS = 3_000, 5_000, 600
METADATA_AGE_MS = 5_000
POLL_WAIT_MS = 300
COMMIT_TRIES = 3
PROCESSING_MS = (100, 250)  # for what one poll has brought
NO_GENERATION = -1
HOPELESS = (ErrorCode.unknown_member_id, ErrorCode.illegal_generation, ErrorCode.rebalance_in_progress)  # a commit will not do again
PROTOCOLS = {False: "range", True: "cooperative-sticky"}


class Fenced(Exception):
    """Another process has taken our instance id."""


class Member:
    """One consumer process. `instance`: static membership; `cooperative`: keeps what it owns through a rebalance."""

    def __init__(
        self, client: Client, history: History, *, group: str, topics: list[str], cooperative: bool = False, instance: str | None = None
    ) -> None:
        self.client, self.history, self.group, self.topics = client, history, group, topics
        self.cooperative, self.instance = cooperative, instance
        self.reader = Reader(client, history, group=group)
        self.coordinator = Coordinator(client, group)
        self.id = ""
        self.generation = NO_GENERATION
        self.owned: frozenset[TopicPartition] = frozenset()
        self.must_join = True
        self.came_back = False  # to the lead, as the instance that it was: what it finds stays, whatever was added to the topic meanwhile
        self._owned_since = NO_GENERATION
        self._heard: ErrorCode | None = None  # what a heartbeat was answered, for the loop
        self._stopping = self._is_stable = False
        self._processed: set[TopicPartition] = set()  # and not committed
        self._seen: dict[str, int] = {}  # topic -> partitions, when we led the last rebalance
        self._tasks: list[Task] = []

    @property
    def called(self) -> str:
        """In the history: a static member is its instance, whatever ids its processes are given one after the other."""
        return self.instance or self.id

    @property
    def ended(self) -> bool:
        """Is it over, though nobody told it to leave? Its instance was taken: whoever watches processes starts it again."""
        return self._tasks[0].done() and not self.client.gone

    def enforce_rebalance(self) -> None:
        """As Java's consumer (KIP-568): the whole group shares out anew."""
        self.came_back, self.must_join = False, True

    # ---- its life

    def start(self) -> None:
        """Reads until it is told to leave, or crashes."""
        living = spawn(self._live(), name=f"{self.client.name} lives")
        self._tasks = [living, spawn(self._heartbeats(), name=f"{self.client.name} heartbeats")]

    async def leave(self) -> None:
        """Finishes what it does, says good-bye (a static member does not), and ends."""
        self._stopping = True
        await self._tasks[0]
        self._tasks[1].cancel()
        self._note_lost(self.owned)
        if self.instance is None and self.id:
            members = [{"member_id": self.id, "group_instance_id": None, "reason": "the consumer is being closed"}]
            message = build("LeaveGroup", "request", 5, group_id=self.group, members=members)
            await self.coordinator.ask(message, within_ms=ASK_MS)
        self.client.close()

    def crash(self) -> None:
        """Gone without a word."""
        for task in self._tasks:
            task.cancel()
        self.client.crash()

    async def _live(self) -> None:
        refreshed_ms = 0
        try:
            while not self._stopping:
                if self.client.now_ms() - refreshed_ms > METADATA_AGE_MS:
                    refreshed_ms = self.client.now_ms()
                    await self._look_around()
                if self._heard is not None:
                    heard, self._heard = self._heard, None
                    self._accepts("Heartbeat", heard, self)
                if self.must_join:
                    await self._rejoin()
                else:
                    await self._read_on()
        except Fenced:
            self._refused("JoinGroup", ErrorCode.fenced_instance_id)
            self._is_stable = False
        except Anomaly as anomaly:
            self.client.anomaly = self.client.anomaly or anomaly

    async def _look_around(self) -> None:
        for topic in self.topics:
            if topic not in self.client.topics:
                await self.client.find_topic(topic)
        await self.client.refresh()
        # As enable.auto.commit: where it stands is committed again, though nothing came. An earlier commit may have arrived late, behind a newer one.
        self._processed |= {key for key, position in self.reader.positions.items() if position.offset >= 0}
        if self._seen and self._seen != self._partitions():
            self.must_join = True  # the leader asks for another rebalance when partitions were added
        anew = [key for key, position in sorted(self.reader.positions.items()) if self.client.is_former(position.topic_id)]
        if anew:
            await self._take_up(anew)

    def _partitions(self) -> dict[str, int]:
        return {topic: len(self.client.topics[topic].leaders) for topic in self.topics}

    async def _read_on(self) -> None:
        if not self.reader.positions:
            await self.client.sleep(POLL_WAIT_MS)
            return
        records = await self.reader.poll(wait_ms=POLL_WAIT_MS)
        await self.client.sleep(self.client.chance.integer(*PROCESSING_MS))
        self._processed |= {position.key for position, _ in records}
        if self._processed:
            await self._commit()

    # ---- joining

    async def _rejoin(self) -> None:
        """Until there is a generation that we have our part of, or an error sends us round once more."""
        self._is_stable = False
        if not self.cooperative:
            self._give_up(self.owned)
        self.must_join = True
        joined = await self._join()
        if joined is None:
            return await self.client.sleep(BACKOFF_MS)
        self.id, self.generation = joined.member_id, joined.generation_id
        leads = joined.leader == self.id
        self._seen = self._partitions() if leads else {}
        self.came_back = leads and joined.skip_assignment  # ConsumerCoordinator.onLeaderElected: what is there now is what it knows
        assignments = self._share_out(joined) if leads and not self.came_back else {}
        message = build(
            "SyncGroup", "request", 5, group_id=self.group, generation_id=self.generation, member_id=self.id,
            group_instance_id=self.instance, protocol_type="consumer", protocol_name=joined.protocol_name,
            assignments=[{"member_id": member, "assignment": data} for member, data in assignments.items()],
        )  # fmt: skip
        answer = await self.coordinator.ask(message, within_ms=REBALANCE_MS + ASK_MS)
        if answer is None or not self._accepts("SyncGroup", answer.error_code, answer):
            return await self.client.sleep(BACKOFF_MS)
        self._is_stable = True
        self.must_join = False
        await self._own(read_assignment(answer.assignment))
        return None

    async def _join(self) -> Message | None:
        sure = self.cooperative and self.owned
        subscription = Subscription(
            topics=tuple(self.topics), owned=self.owned if sure else frozenset(), generation=self._owned_since if sure else NO_GENERATION
        )
        protocol = {"name": PROTOCOLS[self.cooperative], "metadata": write_subscription(subscription)}
        message = build(
            "JoinGroup", "request", 9, group_id=self.group, session_timeout=SESSION_MS, rebalance_timeout=REBALANCE_MS, member_id=self.id,
            group_instance_id=self.instance, protocol_type="consumer", protocols=[protocol], reason="",
        )  # fmt: skip
        answer = await self.coordinator.ask(message, within_ms=REBALANCE_MS + ASK_MS)
        if answer is None:
            return None
        if answer.error_code == ErrorCode.member_id_required:
            self.id = answer.member_id
            return await self._join()
        if not self._accepts("JoinGroup", answer.error_code, answer):
            return None
        if answer.leader == answer.member_id and not answer.members and not answer.skip_assignment:
            sentence = f"{self.group}: {answer.member_id} leads generation {answer.generation_id} and hears of no members"
            raise Anomaly("client", sentence, answer)
        return answer

    def _share_out(self, joined: Message) -> dict[str, bytes]:
        members = [
            assignors.GroupMember(id=one.member_id, instance=one.group_instance_id, subscription=read_subscription(one.metadata))
            for one in joined.members
        ]
        assign = assignors.assign_cooperatively if self.cooperative else assignors.assign_range
        return {member: write_assignment(owned) for member, owned in sorted(assign(members, self._seen).items())}

    # ---- owning

    async def _own(self, assigned: frozenset[TopicPartition]) -> None:
        """What is no longer ours goes first; what is new is taken up where the group stands."""
        self.reader.generation = self.generation
        lost, new = self.owned - assigned, sorted(assigned - self.owned)
        self._give_up(lost)
        self.owned, self._owned_since = assigned, self.generation
        self.history.note(
            Assigned(
                at_ms=self.client.now_ms(), reader=self.client.name, member=self.called, group=self.group, generation=self.generation,
                owned=assigned,
            )
        )  # fmt: skip
        if lost and self.cooperative:
            self.must_join = True  # KIP-429: now that they are free, somebody else may have them
        await self._take_up(new)

    async def _take_up(self, new: list[TopicPartition]) -> None:
        while any(index not in self.client.topics[topic].leaders for topic, index in new):
            await self.client.refresh()  # the leader of the group has seen partitions that we have not
            await self.client.sleep(BACKOFF_MS)
        wanted = [(topic, self.client.topics[topic].id, index) for topic, index in new]
        found = await self.coordinator.committed(wanted, within_ms=ASK_MS) if wanted else {}
        if found is None:
            # Ours they are, but we do not know where we stand: as Java's consumer we would ask again; a rebalance does it too.
            self._give_up(frozenset(new))
            self.must_join = True
            await self.client.sleep(POLL_WAIT_MS)
            return await self.client.refresh()
        for topic, topic_id, index in wanted:
            position = self.reader.begin(topic, index)
            offset, epoch = found.get((topic, topic_id, index), (-1, -1))
            if offset >= 0:
                self.reader.stand_at(position, offset, "committed", epoch=epoch)
        return None

    def _give_up(self, partitions: frozenset[TopicPartition]) -> None:
        self._note_lost(partitions)
        self.owned -= partitions
        self._processed -= partitions
        for key in sorted(partitions):
            self.reader.positions.pop(key, None)

    def _note_lost(self, partitions: frozenset[TopicPartition]) -> None:
        if partitions:
            self.history.note(
                Revoked(
                    at_ms=self.client.now_ms(), reader=self.client.name, member=self.called, group=self.group, generation=self.generation,
                    lost=partitions,
                )
            )  # fmt: skip

    # ---- what the coordinator says

    def _accepts(self, api: str, code: ErrorCode, evidence: object) -> bool:
        """Is it all right? If not, what follows from the code is done, except joining again, which is for our loop."""
        if code == ErrorCode.none:
            return True
        self.client.expect(code, f"{api} of {self.client.name} in {self.group}", evidence)
        self.coordinator.heard(code)
        if code == ErrorCode.fenced_instance_id:
            raise Fenced
        if code in (ErrorCode.unknown_member_id, ErrorCode.illegal_generation):
            self._refused(api, code)
            self._is_stable, self.must_join = False, True
            if code == ErrorCode.unknown_member_id:
                self.id = ""
            self._give_up(self.owned)  # the group went on without us
            self.generation = NO_GENERATION
        elif code == ErrorCode.rebalance_in_progress:
            self.must_join = True
        return False

    def _refused(self, api: str, code: ErrorCode) -> None:
        self.history.note(Refused(at_ms=self.client.now_ms(), client=self.client.name, api=api, error=code.name.upper()))

    async def _heartbeats(self) -> None:
        while True:
            await self.client.sleep(HEARTBEAT_MS)
            if not self._is_stable or self.must_join:
                continue
            generation = self.generation
            message = build(
                "Heartbeat", "request", 4, group_id=self.group, generation_id=generation, member_id=self.id, group_instance_id=self.instance
            )
            answer = await self.coordinator.ask(message, within_ms=SESSION_MS)
            if answer is None or generation != self.generation or not self._is_stable:
                continue  # silence, or it speaks of a generation that is over
            self.coordinator.heard(answer.error_code)
            if answer.error_code not in (ErrorCode.none, *MOVED, ErrorCode.coordinator_load_in_progress):
                self._heard, self.must_join = answer.error_code, True

    # ---- committing

    async def _commit(self) -> None:
        """The offsets behind what was processed. What cannot be committed now is committed after the next poll, if it is ours then."""
        behind = {key: self.reader.positions[key] for key in sorted(self._processed)}
        topics: dict = {}
        for key in sorted(behind):
            position = behind[key]
            part = {
                "partition_index": position.partition, "committed_offset": position.offset, "committed_leader_epoch": position.epoch,
                "committed_metadata": "",
            }  # fmt: skip
            topics.setdefault(position.topic_id, []).append(part)
        message = build(
            "OffsetCommit", "request", 10, group_id=self.group, generation_id_or_member_epoch=self.generation, member_id=self.id,
            group_instance_id=self.instance, topics=[{"topic_id": topic, "partitions": parts} for topic, parts in topics.items()],
        )  # fmt: skip
        offsets = {(position.topic_id, position.partition): (position, position.offset) for position in behind.values()}
        for _ in range(COMMIT_TRIES):
            answer = await self.coordinator.ask(message, within_ms=ASK_MS)
            if answer is not None and self._note_committed(answer, offsets):
                return
            await self.client.sleep(BACKOFF_MS)

    def _note_committed(self, answer: Message, offsets: dict) -> bool:
        """Is nothing left to be tried again?"""
        settled = True
        member, generation = self.called, self.generation
        for topic in answer.topics:
            for part in topic.partitions:
                position, offset = offsets[topic.topic_id, part.partition_index]
                code = part.error_code
                if code == ErrorCode.none:
                    self._processed.discard(position.key)
                    self.history.note(
                        Committed(
                            at_ms=self.client.now_ms(), group=self.group, member=member, generation=generation, topic=position.topic,
                            topic_id=str(position.topic_id), partition=position.partition, offset=offset,
                        )
                    )  # fmt: skip
                elif self.generation != generation or not self.owned:
                    continue  # one of the answers before has told us that we are out
                else:
                    self._accepts("OffsetCommit", code, answer)
                    settled &= code in HOPELESS
        return settled

    def __repr__(self) -> str:
        return f"<Member {self.client.name} of {self.group} generation={self.generation} owns={sorted(self.owned)}>"
