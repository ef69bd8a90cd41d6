"""The active controller: takes requests one at a time, decides, commits, tells, answers.

Rule: a decision sees committed state only. It is made when the records of the one before it are committed and replayed, so that
nothing has to be undone when they are not. Decisions themselves are pure functions in the files beside this one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from engine.controller import broker_registry, config_changes, election_orders, feature_changes, partitions, producer_id_blocks, topics
from engine.controller.broker_registry import SESSION, Sessions
from engine.controller.decision import Decision, tell_all
from engine.controller.inherited import tell_inherited
from engine.controller.view import View
from engine.events.journal import Journal
from engine.metadata.configs import Config
from engine.metadata.delta import Delta
from engine.metadata.image import MetadataImage
from engine.protocol.codec import Message, build
from engine.protocol.errors import KafkaError, NotController
from engine.world.chance import Chance
from engine.world.clock import Clock, Timer
from engine.world.tasks import Cancelled, Promise, Signal, spawn

NEVER = float("inf")
HELD_UP_MS = 100  # a timer that rings so late tells that this process stood still, and that what came meanwhile is unread
WAITING_MAX = 10_000  # requests that wait for their turn; more is refused, as clients ask again


class Quorum(Protocol):
    """What the controller needs of the raft driver."""

    is_leader: bool
    leader_id: int | None

    def append(self, records: list[Any]) -> int: ...
    async def committed(self, offset: int) -> None: ...
    @property
    def next_offset(self) -> int: ...


@dataclass(slots=True)
class _Order:
    what: str
    decide: Callable[[View], Decision]
    promise: Promise[Any]


class Controller:
    """One per node; acts only while its node leads the metadata log. All requests raise NotController otherwise."""

    def __init__(
        self, *, image: MetadataImage, raft: Quorum, clock: Clock, chance: Chance, journal: Journal, config: Config, cluster_id: str,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:  # fmt: skip
        self._image = image
        self._raft = raft
        self._clock = clock
        self._chance = chance
        self._journal = journal
        self._config = config
        self._cluster_id = cluster_id
        self._log = log
        self._sessions = Sessions()
        self._waiting: deque[_Order] = deque()
        self._work = Signal()
        self._replayed = Signal()
        self._task: Any = None
        self._timers: list[Timer] = []
        self._expiry: Timer | None = None
        self._own_offset = -1  # of the last records that a decision of ours appended
        self._former: int | None = None  # the node that led before us
        self._former_heard_ms = 0.0  # when the quorum cannot have heard it later
        self._note_former()
        self._was_there = False  # while another led, or since we lead: what comes then is news, and not history read at a start
        self.active = False
        self.epoch = -1

    # ---- from the node

    def on_leader(self, is_leader: bool, epoch: int) -> None:
        """The node won or lost the metadata log. May be told the same twice."""
        self._note_former()
        if is_leader and not (self.active and epoch == self.epoch):
            self._stop()
            self._start(epoch)
        elif not is_leader and self.active:
            self._stop()

    def on_replayed(self, delta: Delta) -> None:
        """Committed records are in the image now."""
        if not self._raft.is_leader:
            self._was_there = True
        elif self._was_there and self._image.offset > self._own_offset:
            # A controller before us decided this and did not live to tell it.
            tell_inherited(self._journal, self._image, delta)
        self._replayed.set()
        if not self.active:
            return
        for broker in sorted(delta.brokers_changed):
            self._note_broker(broker)
        if delta.configs_changed and any(True for _ in View(self._image, self._config).leaderless()):
            self._order("unclean leaders", election_orders.lead_uncleanly)

    def crash(self) -> None:
        """The node is gone; nobody is answered."""
        self._stop()

    def _note_broker(self, broker: int) -> None:
        if broker not in self._image.brokers:
            self._sessions.forget(broker)
        elif broker not in self._sessions.heard:
            self._sessions.touch(broker, self._clock.monotonic_ms())
        self._arm_expiry()

    def _note_former(self) -> None:
        """Also at the beginning: a node that remembers the leader from before its restart is not told of it."""
        if self._raft.leader_id not in (None, self._config["node.id"]):
            self._former, self._former_heard_ms = self._raft.leader_id, NEVER
        elif self._former_heard_ms == NEVER:
            self._former_heard_ms = self._clock.monotonic_ms() - self._config["controller.quorum.fetch.timeout.ms"]

    def _start(self, epoch: int) -> None:
        self.active, self.epoch, self._was_there = True, epoch, True
        self._restart_sessions()
        self._task = spawn(self._run(), name=f"controller epoch {epoch}")
        self._order("first feature levels", feature_changes.begin)
        self._arm_expiry()
        self._every("leader.imbalance.check.interval.seconds", 1000, self._balance)

    def _restart_sessions(self) -> None:
        """Everybody begins anew, but the node that led before us: it had been silent for a fetch timeout when the quorum lost it.

        If it lives it beats before the rest of its session, a third at least, is over. If it is dead, its partitions would else
        wait for one timeout after the other.
        """
        now_ms = self._clock.monotonic_ms()
        self._sessions.restart(self._image, now_ms)
        if self._former in self._image.brokers:
            self._sessions.touch(self._former, max(self._former_heard_ms, now_ms - self._config[SESSION] * 2 / 3))

    def _stop(self) -> None:
        self.active = False
        # Nobody will tell what we appended last. If it is committed when we lead again, it is news as another's would be.
        self._own_offset = -1
        for timer in (*self._timers, *([self._expiry] if self._expiry else [])):
            timer.cancel()
        self._timers, self._expiry = [], None
        if self._task:
            self._task.cancel()
            self._task = None
        waiting, self._waiting = self._waiting, deque()
        for order in waiting:
            order.promise.refuse(NotController())

    # ---- one at a time

    def _order(self, what: str, decide: Callable[[View], Decision]) -> Promise[Any]:
        promise: Promise[Any] = Promise()
        self._waiting.append(_Order(what, decide, promise))
        self._work.set()
        return promise

    async def _ask(self, what: str, decide: Callable[[View], Decision]) -> Any:
        if not self.active or len(self._waiting) >= WAITING_MAX:
            raise NotController
        return await self._order(what, decide).wait()

    async def _run(self) -> None:
        # What controllers before us appended may be committed only now, with the first record of our epoch.
        try:
            await self._raft.committed(self._raft.next_offset - 1)
        except NotController:
            return
        while True:
            await self._work.wait()
            self._work.clear()
            while self._waiting:
                await self._serve(self._waiting.popleft())

    async def _serve(self, order: _Order) -> None:
        try:
            decision = order.decide(View(self._image, self._config))
            if decision.records:
                await self._commit(decision)
            elif decision.tellings:
                tell_all(self._journal, decision.tellings)
        except KafkaError as error:
            order.promise.refuse(error)
        except Cancelled:
            order.promise.refuse(NotController())
            raise
        except Exception as bug:  # one bad decision must not end the controller
            self._log(f"controller: {order.what} failed, a bug: {bug!r}")
            order.promise.refuse(bug)
        else:
            order.promise.resolve(decision.answer)

    async def _commit(self, decision: Decision) -> None:
        # Set first: a quorum of one commits and replays inside append.
        self._own_offset = self._raft.next_offset + len(decision.records) - 1
        offset = self._raft.append(decision.records)
        assert offset == self._own_offset, f"only the controller appends, but {offset} is not {self._own_offset}"
        await self._raft.committed(offset)
        while self._image.offset < offset:
            self._replayed.clear()
            await self._replayed.wait()
        if decision.after_commit:
            decision.after_commit(offset)
        tell_all(self._journal, decision.tellings)

    # ---- time

    def _every(self, config: str, factor_ms: int, act: Callable[[], None]) -> None:
        def ring() -> None:
            self._timers.remove(timer)
            act()
            self._every(config, factor_ms, act)

        timer = self._clock.call_later(self._config[config] * factor_ms, ring)
        self._timers.append(timer)

    def _balance(self) -> None:
        if self._config["auto.leader.rebalance.enable"]:
            self._order("balance leaders", election_orders.balance)

    def _arm_expiry(self) -> None:
        """Wake when the next session may be over. Heartbeats only move the time further; we look again then."""
        if self._expiry is not None:
            return
        due = self._sessions.next_expiry_ms(self._image, self._config[SESSION])
        if due is not None:
            self._look_after(max(1.0, due - self._clock.monotonic_ms() + 1))

    def _look_after(self, ms: float, *, again: bool = False) -> None:
        due_ms = self._clock.monotonic_ms() + ms
        self._expiry = self._clock.call_later(ms, lambda: self._check_sessions(due_ms, again=again))

    def _check_sessions(self, due_ms: float, *, again: bool) -> None:
        self._expiry = None
        now_ms = self._clock.monotonic_ms()
        if now_ms - due_ms > HELD_UP_MS and not again:
            self._look_after(HELD_UP_MS, again=True)  # heartbeats are read meanwhile
        elif self._sessions.silent(self._image, now_ms, self._config[SESSION]):
            promise = self._order("expired sessions", self._fence_silent)
            promise.then(lambda done: self._arm_expiry() if self.active else None)
        else:
            self._arm_expiry()

    def _fence_silent(self, view: View) -> Decision:
        return broker_registry.fence_silent(view, self._sessions, self._clock.monotonic_ms())

    # ---- requests: codec messages in, codec messages out

    async def register_broker(self, request: Message, version: int) -> Message:
        """Raises InconsistentClusterId, DuplicateBrokerRegistration, InvalidRegistration."""

        def decide(view: View) -> Decision:
            now_ms = self._clock.monotonic_ms()
            valid = self._sessions.is_valid(request.broker_id, now_ms, self._config[SESSION])
            return broker_registry.register(
                view, request, cluster_id=self._cluster_id, session_valid=valid, next_offset=self._raft.next_offset
            )

        epoch = await self._ask("register broker", decide)
        self._sessions.touch(request.broker_id, self._clock.monotonic_ms())
        return build("BrokerRegistration", "response", version, broker_epoch=epoch)

    async def broker_heartbeat(self, request: Message, version: int) -> Message:
        """Raises StaleBrokerEpoch. Counts as heard when it comes in, however long the queue is."""
        if not self.active:
            raise NotController
        view = View(self._image, self._config)
        broker = partitions.check_broker_epoch(view, request.broker_id, request.broker_epoch)
        self._sessions.touch(broker.id, self._clock.monotonic_ms(), request.current_metadata_offset)
        decision = broker_registry.heartbeat(view, self._sessions, request, version)
        if not decision.records:
            return decision.answer
        answer = await self._ask("heartbeat", lambda view: broker_registry.heartbeat(view, self._sessions, request, version))
        self._arm_expiry()
        return answer

    async def alter_partition(self, request: Message, version: int) -> Message:
        """Raises StaleBrokerEpoch."""
        return await self._ask("alter partition", lambda view: partitions.alter_partition(view, request, version))

    async def create_topics(self, request: Message, version: int) -> Message:
        return await self._ask("create topics", lambda view: topics.create_topics(view, request, version, self._chance))

    async def delete_topics(self, request: Message, version: int) -> Message:
        """Raises TopicDeletionDisabled."""
        return await self._ask("delete topics", lambda view: topics.delete_topics(view, request, version))

    async def create_partitions(self, request: Message, version: int) -> Message:
        return await self._ask("create partitions", lambda view: topics.create_partitions(view, request, version, self._chance))

    async def elect_leaders(self, request: Message, version: int) -> Message:
        return await self._ask("elect leaders", lambda view: election_orders.elect_leaders(view, request, version))

    async def incremental_alter_configs(self, request: Message, version: int) -> Message:
        return await self._ask("alter configs", lambda view: config_changes.incremental_alter(view, request, version))

    async def alter_configs(self, request: Message, version: int) -> Message:
        return await self._ask("replace configs", lambda view: config_changes.alter(view, request, version))

    async def allocate_producer_ids(self, request: Message, version: int) -> Message:
        """Raises StaleBrokerEpoch."""
        return await self._ask("producer ids", lambda view: producer_id_blocks.allocate(view, request, version))

    async def unregister_broker(self, request: Message, version: int) -> Message:
        """Raises BrokerIdNotRegistered."""
        await self._ask("unregister broker", lambda view: broker_registry.unregister(view, request.broker_id))
        return build("UnregisterBroker", "response", version)

    def __repr__(self) -> str:
        state = f"active epoch={self.epoch}" if self.active else "inactive"
        return f"<Controller {state} waiting={len(self._waiting)}>"
