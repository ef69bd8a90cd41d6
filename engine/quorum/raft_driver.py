"""Runs a raft node in the world: carries out its effects in order, tells it the time, asks and answers for it.

Rule: nothing is decided here. What is durable is durable before the next effect is begun, for nothing here waits in between.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from engine.events.facts import ControllerElected, ControllerLost, VoteRequested
from engine.events.journal import Journal
from engine.peers.connection import Unreachable
from engine.peers.directory import Directory
from engine.protocol.codec import Message
from engine.protocol.errors import ErrorCode, NotController, NotLeaderOrFollower
from engine.protocol.stored.metadata import MetadataRecord
from engine.quorum import messages as m
from engine.quorum import wire
from engine.quorum.describe import Moment, describe_quorum
from engine.quorum.election import Timeouts
from engine.quorum.election_store import ElectionStore
from engine.quorum.metadata_log import MetadataLog
from engine.quorum.raft_node import RaftNode
from engine.quorum.roles import Leader
from engine.quorum.voters import Voters
from engine.storage.partition_log import PartitionLog
from engine.world.clock import Timer
from engine.world.tasks import Expired, Promise, Signal, Task, spawn, within
from engine.world.world import World

CONFIGS = ("controller.quorum.fetch.timeout.ms", "controller.quorum.election.timeout.ms")  # what decides when a controller is lost
NEVER = float("inf")


def timeouts_of(config: Mapping[str, Any]) -> Timeouts:
    """The quorum's timeouts from the node's configs."""
    return Timeouts(
        election_ms=config["controller.quorum.election.timeout.ms"],
        fetch_ms=config["controller.quorum.fetch.timeout.ms"],
        election_backoff_max_ms=config["controller.quorum.election.backoff.max.ms"],
        request_ms=config["controller.quorum.request.timeout.ms"],
        retry_backoff_ms=config["controller.quorum.retry.backoff.ms"],
    )


class Raft:
    """What the node above holds: append and commit as leader, and hear what is committed and who leads.

    `on_committed(records, epoch)` gets each committed record once, in order, as (offset, record). `on_leader(leader, epoch)` is
    told of ourselves only once everything committed before our epoch is known to be, and was given to `on_committed`.
    """

    def __init__(
        self,
        *,
        world: World,
        log: PartitionLog,
        node_id: int,
        voters: Mapping[int, tuple[str, int]],
        directory: Directory,
        config: Mapping[str, Any],
        journal: Journal,
        cluster_id: str,
        directory_id: UUID | None = None,
    ) -> None:
        self.node_id, self.cluster_id, self.directory_id = node_id, cluster_id, directory_id
        self._world, self._clock = world, world.clock
        self._directory, self._journal, self._config = directory, journal, config
        self._voter_addresses = dict(voters)
        self._log = MetadataLog(log)
        self._store = ElectionStore(world.disk, log.folder, Voters(voters))
        self.node = RaftNode(
            node_id=node_id,
            voters=Voters(voters),
            timeouts=timeouts_of(config),
            chance=world.chance.split("quorum"),
            log=self._log,
            stored=self._store.load(),
            now_ms=self._clock.monotonic_ms(),
        )
        self.on_committed: Callable[[list[tuple[int, Any]], int], None] = lambda records, epoch: None
        self.on_leader: Callable[[int | None, int], None] = lambda leader, epoch: None
        self._applied = self._log.start_offset
        self._told_epoch = -1  # the epoch in which we were told to lead
        self._events: deque[Any] = deque()
        self._stepping = self._stopped = False
        self._timer: Timer | None = None
        self._timer_at = NEVER
        self._asks: dict[Task, None] = {}  # in order, so that a simulation ends them in order
        self._waiting: dict[Promise[m.Reply], None] = {}
        self._uncommitted: deque[tuple[int, Promise[None]]] = deque()
        self._led_by_another = Signal()
        self._last_lost: tuple[str, ...] = ()
        self._last_vote: tuple[str, ...] = ()

    # ---- life

    async def start(self) -> None:
        """Begin to look for a leader."""
        for voter, (host, port) in self._voter_addresses.items():
            if voter != self.node_id and voter not in self._directory.addresses:
                self._directory.set_address(voter, host, port)
        self._step(m.Tick())

    async def stop(self, graceful: bool = True) -> None:
        """As leader resign first and wait, at most a fetch timeout, until another one leads."""
        if graceful and not self._stopped:
            led = self.is_leader and len(self.node.voters.ids) > 1
            self._led_by_another.clear()
            self._step(m.Resign())
            if led:
                try:
                    await within(self._clock, self.node.timeouts.fetch_ms, self._led_by_another.wait())
                except Expired:
                    self._world.log(f"{self.node}: no other voter leads; stopping all the same")
        self.crash()

    def crash(self) -> None:
        """Stop at once; whoever waits is refused."""
        if self._stopped:
            return
        self._stopped = True
        if self._timer:
            self._timer.cancel()
        for task in list(self._asks):
            task.cancel()
        for waiting in list(self._waiting):
            waiting.refuse(NotLeaderOrFollower())
        self._refuse_uncommitted()

    # ---- what it is

    @property
    def leader_id(self) -> int | None:
        return self.node.leader

    @property
    def epoch(self) -> int:
        return self.node.epoch

    @property
    def is_leader(self) -> bool:
        """Whether `append` may be called."""
        return isinstance(self.node.role, Leader) and not self._stopped

    @property
    def high_watermark(self) -> int:
        """0 while none is known."""
        return self.node.high_watermark or 0

    @property
    def next_offset(self) -> int:
        """The offset of the next record to be appended here."""
        return self._log.end_offset

    def ends(self) -> dict[int, int]:
        """As leader, where the log of each voter and observer ends, as far as is known; else our own alone."""
        if not isinstance(self.node.role, Leader):
            return {self.node_id: self._log.end_offset}
        replicas = self.node.role.progress.replicas
        return {number: replica.end_offset or 0 for number, replica in sorted(replicas.items())}

    def __repr__(self) -> str:
        return repr(self.node)

    # ---- as leader

    def append(self, records: Sequence[MetadataRecord]) -> int:
        """One batch, on our disk when this returns; the last offset. Raises NotController, KafkaStorageError."""
        if not self.is_leader:
            raise NotController
        offset = self._log.append(records, epoch=self.epoch, now_ms=self._clock.now_ms())
        self._step(m.LogChanged())
        return offset

    async def committed(self, offset: int) -> None:
        """Returns once the record is committed and was given to `on_committed`. Raises NotController if we cannot know any more."""
        if offset < self._applied:
            return
        if not self.is_leader:
            raise NotController
        promise: Promise[None] = Promise()
        self._uncommitted.append((offset, promise))
        await promise.wait()

    def _refuse_uncommitted(self) -> None:
        waiting, self._uncommitted = self._uncommitted, deque()
        for _, promise in waiting:
            promise.refuse(NotController())

    # ---- what other nodes ask

    def answer_vote(self, request: Message, version: int) -> Message:
        return self._answer("Vote", version, request, wire.read_vote(request))

    def answer_begin_epoch(self, request: Message, version: int) -> Message:
        return self._answer("BeginQuorumEpoch", version, request, wire.read_begin(request))

    def answer_end_epoch(self, request: Message, version: int) -> Message:
        return self._answer("EndQuorumEpoch", version, request, wire.read_end(request, version))

    def _answer(self, api: str, version: int, request: Message, read: Any) -> Message:
        refusal = self._refusal(request, read)
        if refusal is not None:
            return wire.write_refusal(api, version, refusal)
        answer = self._asked(read, wait_ms=0)
        assert answer.done, f"{api} is answered at once"
        return wire.write_reply(api, version, answer.result(), addresses=self._addresses())

    async def answer_fetch(self, request: Message, version: int) -> Message:
        """May wait for news, as long as the request allows. Raises NotLeaderOrFollower when this node stops meanwhile."""
        read = wire.read_fetch(request, version)
        refusal = self._refusal(request, read)
        if refusal is not None:
            return wire.write_refusal("Fetch", version, refusal)
        reply = await self._asked(read[0], wait_ms=read[1]).wait()
        records = b"" if reply.read_from is None or not self.is_leader else self._log.read(reply.read_from)
        return wire.write_fetch_reply(version, reply, records=records, addresses=self._addresses())

    def answer_describe_quorum(self, request: Message, version: int) -> Message:
        moment = Moment(wall_ms=self._clock.now_ms(), monotonic_ms=self._clock.monotonic_ms())
        return describe_quorum(self.node, request, version, moment=moment, addresses=self._addresses())

    def _refusal(self, request: Message, read: Any) -> ErrorCode | None:
        if getattr(request, "cluster_id", None) not in (None, self.cluster_id):
            return ErrorCode.inconsistent_cluster_id
        if getattr(request, "voter_id", -1) not in (-1, self.node_id):
            return ErrorCode.invalid_voter_key
        return ErrorCode.invalid_request if read is None else None

    def _asked(self, request: Any, *, wait_ms: float) -> Promise[m.Reply]:
        answer: Promise[m.Reply] = Promise()
        if self._stopped:
            answer.refuse(NotLeaderOrFollower())
            return answer
        self._waiting[answer] = None
        answer.then(lambda done: self._waiting.pop(done, None))
        self._step(m.Asked(ref=answer, request=request, wait_ms=wait_ms))
        return answer

    def _addresses(self) -> dict[int, tuple[str, int]]:
        return self._voter_addresses | self._directory.addresses

    # ---- the loop

    def _step(self, event: Any) -> None:
        """Events that come while effects are carried out wait for their turn."""
        self._events.append(event)
        if self._stepping or self._stopped:
            return
        self._stepping = True
        try:
            while self._events and not self._stopped:
                for effect in self.node.step(self._events.popleft(), self._clock.monotonic_ms()):
                    if not self._stopped:
                        EFFECTS[type(effect)](self, effect)
        finally:
            self._stepping = False
        self._arm()

    def _arm(self) -> None:
        deadline = self.node.deadline_ms
        if self._stopped or (self._timer is not None and self._timer_at <= deadline):
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if deadline < NEVER:
            # Half a millisecond more: clocks ring that much early, and a tick before its time would only be armed again.
            self._timer_at = deadline
            self._timer = self._clock.call_later(deadline - self._clock.monotonic_ms() + 0.5, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._step(m.Tick())

    # ---- effects

    def _save(self, state: m.SaveElection) -> None:
        self._store.save(state)

    def _append_leader_change(self, effect: m.AppendLeaderChange) -> None:
        voters, now_ms = self.node.voters.ids, self._clock.now_ms()
        self._log.append_leader_change(leader=self.node_id, voters=voters, granting=effect.granting, epoch=effect.epoch, now_ms=now_ms)
        self._step(m.LogChanged())

    def _append_fetched(self, effect: m.AppendFetched) -> None:
        self._log.append_fetched(effect.records)
        self._step(m.LogChanged())

    def _truncate(self, effect: m.Truncate) -> None:
        self._log.truncate(effect.offset)
        self._step(m.LogChanged())

    def _reply(self, effect: m.Answer) -> None:
        effect.ref.resolve(effect.reply)

    def _high_watermark_moved(self, effect: m.HighWatermarkMoved) -> None:
        self._log.high_watermark_moved(effect.offset)
        for applied, epoch, records in self._log.committed(self._applied, effect.offset):
            self._applied = applied
            if records:
                self.on_committed(records, epoch)
        while self._uncommitted and self._uncommitted[0][0] < self._applied:
            self._uncommitted.popleft()[1].resolve(None)
        self._say_that_we_lead()

    def _say_that_we_lead(self) -> None:
        role = self.node.role
        if isinstance(role, Leader) and role.progress.epoch_is_committed and self._told_epoch != role.epoch:
            self._told_epoch = role.epoch
            fact = ControllerElected(leader=self.node_id, epoch=role.epoch, voters=self.node.voters.ids, causes=self._last_vote)
            self._journal.emit(fact)
            self.on_leader(self.node_id, role.epoch)

    def _leader_is(self, effect: m.LeaderIs) -> None:
        if effect.before is not None:
            configs = {name: self._config[name] for name in CONFIGS}
            lost = ControllerLost(leader=effect.before, epoch=effect.before_epoch, reason=effect.reason, configs=configs)
            self._last_lost = (self._journal.emit(lost).id,)
        self._world.log(f"{self.node}: {effect.reason}")
        if effect.leader != self.node_id:
            self._refuse_uncommitted()
            self.on_leader(effect.leader, effect.epoch)
            if effect.leader is not None:
                self._led_by_another.set()

    def _standing(self, effect: m.Standing) -> None:
        causes = self._last_lost if effect.pre_vote or not self._last_vote else self._last_vote
        asked = VoteRequested(candidate=self.node_id, epoch=effect.epoch, pre_vote=effect.pre_vote, reason=effect.reason, causes=causes)
        self._last_vote = (self._journal.emit(asked).id,)

    def _ask(self, effect: m.Ask) -> None:
        task = spawn(self._ask_peer(effect), name=f"{wire.API_OF[type(effect.request)]} to {effect.to}")
        self._asks[task] = None
        task.add_done_callback(lambda done: self._asks.pop(done, None))

    async def _ask_peer(self, effect: m.Ask) -> None:
        """Fetches have a connection of their own: answers come in order, and a vote must not wait behind a fetch that does."""
        request, timeouts = effect.request, self.node.timeouts
        fetches = isinstance(request, m.Fetch)
        peer = self._directory.peer(effect.to, "quorum fetch" if fetches else "quorum")
        wait_ms = timeouts.fetch_wait_ms if fetches else 0.0
        address = self._voter_addresses.get(self.node_id, ("", 0))
        message = wire.write_request(
            request, to=effect.to, cluster_id=self.cluster_id, directory_id=self.directory_id, address=address, wait_ms=wait_ms
        )
        try:
            response = await peer.ask(message, within_ms=wait_ms + timeouts.request_ms)
        except (Unreachable, Expired):
            return self._step(m.Unanswered(sender=effect.to, request=request))
        reply = wire.read_reply(request, response)
        if reply.error == ErrorCode.inconsistent_cluster_id:
            self._world.log(f"{self.node}: node {effect.to} belongs to another cluster than {self.cluster_id}")
        self._step(m.Answered(sender=effect.to, request=request, reply=reply))


EFFECTS: dict[type, Callable[[Raft, Any], None]] = {
    m.SaveElection: Raft._save,
    m.Ask: Raft._ask,
    m.Answer: Raft._reply,
    m.AppendLeaderChange: Raft._append_leader_change,
    m.AppendFetched: Raft._append_fetched,
    m.Truncate: Raft._truncate,
    m.HighWatermarkMoved: Raft._high_watermark_moved,
    m.LeaderIs: Raft._leader_is,
    m.Standing: Raft._standing,
}
