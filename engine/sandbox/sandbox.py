"""A cluster and its apps behind one front door: commands go in, numbered facts and traffic come out.

Rule: the picture changes only by apply(); whoever folds the same frames has the same picture.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.cluster.launch import Refused
from engine.events.facts import (
    AppFailed,
    AppResumed,
    BrokerAdded,
    BrokerFailed,
    BrokerStarted,
    BrokerUnfenced,
    CommandGiven,
    CommandRefused,
    Fact,
    InterceptionEnded,
    LinksHealed,
    to_wire,
)
from engine.events.journal import Journal
from engine.sandbox.admin import Admin, KafkaRefused
from engine.sandbox.app_causes import AppCauses
from engine.sandbox.apply import apply
from engine.sandbox.apply_traffic import apply_traffic
from engine.sandbox.apps import Apps, AppsRefused, NoApps
from engine.sandbox.command_causes import CommandCauses
from engine.sandbox.commands import BadLine, parse
from engine.sandbox.commands_of_brokers import RUNNING, find_broker
from engine.sandbox.commands_of_clients import ChangeClient, CloseClient
from engine.sandbox.doing import ASKED_OF_BROKERS, Doing
from engine.sandbox.grammar import Command
from engine.sandbox.heal import WHY, heal
from engine.sandbox.numbering import Numbering, plain
from engine.sandbox.snapshot import Snapshot
from engine.sandbox.traffic_sum import TrafficSum
from engine.world.tasks import Promise, within
from engine.world.world import World

TOLD_WITHIN_MS = 250  # then a fact that ought to have come is made up for
RECENT_MAX = 500  # facts that a new viewer is given to read
DONE, REFUSED, BAD = "done", "refused", "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a line. `number`: of the fact that it was given; `kafka`: Kafka's own line for the same."""

    status: str
    message: str
    number: int | None = None
    kafka: str | None = None

    @property
    def ok(self) -> bool:
        """Was it done?"""
        return self.status == DONE


class Sandbox:
    """`cluster` is a cluster.Cluster whose host-side facts go to `journal`; `state` is the picture to go on from."""

    def __init__(self, *, world: World, cluster: Any, journal: Journal, state: Snapshot, apps: Apps | None = None) -> None:
        self._world = world
        self._cluster = cluster
        self._journal = journal
        self._state = state
        self._folded = state  # facts of the frame to come are in it already
        self._numbering = Numbering(state["number"])
        self._app_causes = AppCauses()
        self._command_causes = CommandCauses()
        self._traffic = TrafficSum()
        self._fresh: list[dict[str, Any]] = []
        self._waiting: list[tuple[Callable[[Snapshot], bool], Promise[None]]] = []
        self.recent: deque[dict[str, Any]] = deque(maxlen=RECENT_MAX)
        self.on_fact: Callable[[dict[str, Any]], None] = lambda fact: None
        self.on_traffic: Callable[[], None] = lambda: None
        self._doing = Doing(
            cluster=cluster,
            admin=Admin("", world.clock),
            apps=apps or NoApps(),
            journal=journal,
            state=lambda: self._folded,
        )
        journal.listen(self._emitted)
        self._born: set[str] = set()  # ids of topics that were created while we listened
        self._gone: set[str] = set()  # and of those that were deleted
        cluster.on_fact = self._told
        cluster.on_traffic = self._moved
        cluster.on_image = self._compare_later

    # ---- life

    def remember(self, facts: list[dict[str, Any]]) -> None:
        """Facts that were numbered before this start, oldest first: viewers may read them, causes may be among them."""
        for fact in facts:
            self._numbering.remember(fact)
            self.recent.append(fact)
            if fact["number"] > self._folded["number"]:
                self._folded = apply(self._folded, fact)
        self._state = self._folded

    async def start(self) -> None:
        """Starts the cluster. Brokers that the picture shows running are not: their processes ended with the last host."""
        for broker in self._folded["clusters"][0]["brokers"]:
            if broker["state"] in RUNNING:
                self._journal.emit(BrokerFailed(broker=broker["id"], reason="the playground ended"))
        self._mend()
        await self._cluster.start()

    def _mend(self) -> None:
        """What was cut, slow or intercepted ended with the last host too."""
        brokers = self._folded["clusters"][0]["brokers"]
        if any(broker.get("links") for broker in brokers):
            self._journal.emit(LinksHealed(broker=None))
        if any(broker.get("rules") for broker in brokers):
            self._journal.emit(InterceptionEnded(broker=None))

    async def close(self) -> None:
        """Controlled shutdown of all brokers."""
        await self._cluster.close()

    async def until(self, seen: Callable[[Snapshot], bool], *, within_ms: float) -> None:
        """Returns once the picture is so. Raises Expired."""
        if seen(self._folded):
            return
        promise: Promise[None] = Promise()
        self._waiting.append((seen, promise))
        await within(self._world.clock, within_ms, promise.wait())

    # ---- commands

    async def do(self, line: str, *, by: str = "", door: str = "line") -> Outcome:
        """Does a line; never raises. A line that is not a command leaves no fact."""
        try:
            command = parse(line)
        except BadLine as error:
            return Outcome(status=BAD, message=str(error))
        given = self._journal.emit(CommandGiven(line=command.format(), verb=command.verb, by=by, door=door))
        number = self._numbering.of(given.id)
        kafka = command.kafka_line(self._folded)
        if reason := self.refusal(command):
            return self._refuse(command, reason, given, kafka)
        if isinstance(command, (ChangeClient, CloseClient)):
            self._app_causes.closing(command.client, given.id)
        try:
            message = await self._doing.action(command)(command, (given.id,))
        except (KafkaRefused, AppsRefused, Refused, OSError) as error:
            return self._refuse(command, str(error) or type(error).__name__, given, kafka)
        return Outcome(status=DONE, message=message, number=number, kafka=kafka)

    def refusal(self, command: Command) -> str | None:
        """Why it cannot be done now, as far as the picture tells."""
        if self._folded["time"]["paused"] and isinstance(command, ASKED_OF_BROKERS):
            return "time stands still and no broker answers; resume first"
        return command.refusal(self._folded)

    def explain(self, line: str) -> dict[str, Any]:
        """What a line means, without doing it. Raises BadLine."""
        command = parse(line)
        return {"line": command.format(), "kafka": command.kafka_line(self._folded), "refusal": self.refusal(command)}

    def _refuse(self, command: Command, reason: str, given: Fact, kafka: str | None) -> Outcome:
        self._journal.emit(CommandRefused(line=command.format(), message=reason, causes=(given.id,)))
        return Outcome(status=REFUSED, message=reason, number=self._numbering.of(given.id), kafka=kafka)

    # ---- what comes out

    def snapshot(self) -> Snapshot:
        """The picture after the last frame."""
        return self._state

    @property
    def pending(self) -> bool:
        """Are there facts that no frame has carried yet?"""
        return bool(self._fresh)

    def report(self, client: str, report: dict[str, Any]) -> None:
        """How one of the apps fares; rides on the next frame."""
        self._traffic.report(client, report)
        self.on_traffic()

    def client_failed(self, client: str, error: str) -> None:
        """One of the apps ended by itself."""
        self._journal.emit(AppFailed(client=client, error=error))

    def client_back(self, client: str) -> None:
        """An app that was gone runs again."""
        self._journal.emit(AppResumed(client=client))

    @property
    def bootstrap_servers(self) -> str:
        """Where clients begin."""
        return self._folded["clusters"][0]["bootstrap_servers"]

    def take_frame(self) -> dict[str, Any]:
        """What happened since the last frame; the picture moves on by it."""
        traffic = self._traffic.take()
        frame = {
            "from": self._state["number"],
            "number": self._folded["number"],
            "at_ms": self._cluster.clock.now_ms(),
            "facts": self._fresh,
            "traffic": traffic,
        }
        self._fresh = []
        self._folded = apply_traffic(self._folded, traffic) | {"at_ms": frame["at_ms"]}
        self._state = self._folded
        return frame

    def _told(self, wire: dict[str, Any]) -> None:
        fact = self._command_causes.complete(self._app_causes.complete(plain(wire)))
        self._app_causes.see(fact)
        self._command_causes.see(fact)
        fact = self._numbering.number(fact)
        if fact["kind"] == "TopicCreated" and fact["node"]:
            self._born.add(fact["topic_id"])
        elif fact["kind"] == "TopicDeleted" and fact["node"]:
            self._gone.add(fact["topic_id"])
        self._folded = apply(self._folded, fact)
        self._fresh.append(fact)
        self.recent.append(fact)
        still = []
        for seen, promise in self._waiting:
            if seen(self._folded):
                promise.resolve(None)
            else:
                still.append((seen, promise))
        self._waiting = still
        self.on_fact(fact)

    def _emitted(self, fact: Fact) -> None:
        if not self._folded["clusters"][0]["id"] and isinstance(fact, BrokerAdded):
            self._name_cluster()
        self._told(to_wire(fact))
        if isinstance(fact, BrokerStarted):
            process = self._cluster.brokers[fact.broker]
            process.unfenced.then(lambda risen: risen.error or self._rise_later(fact.broker, risen.result()))

    def _name_cluster(self) -> None:
        """Its id is found with its first broker, and never changes."""
        first, *others = self._folded["clusters"]
        self._folded = self._folded | {"clusters": [first | {"id": self._cluster.cluster_id}, *others]}

    def _rise_later(self, broker: int, epoch: int) -> None:
        """The controller tells it, usually; through another pipe, so it may have come before the start did."""
        self._world.clock.call_later(TOLD_WITHIN_MS, lambda: self._rise(broker, epoch))

    def _rise(self, broker: int, epoch: int) -> None:
        found = find_broker(self._folded, broker)
        if found and found["state"] == "starting":
            self._journal.emit(BrokerUnfenced(broker=broker, broker_epoch=epoch, configs=WHY))

    def _moved(self, sample: dict[str, Any]) -> None:
        self._traffic.add(sample)
        self.on_traffic()

    def _compare_later(self, node: int, image: dict[str, Any]) -> None:
        """What the controller has told meanwhile is newer than the image; only what nobody tells is made up for."""
        self._world.clock.call_later(TOLD_WITHIN_MS, lambda: self._compare(image))

    def _compare(self, image: dict[str, Any]) -> None:
        for fact in heal(self._folded["clusters"][0], plain(image), born=self._born, gone=self._gone):
            self._journal.emit(fact)

    def __repr__(self) -> str:
        return f"<Sandbox number={self._folded['number']} brokers={len(self._folded['clusters'][0]['brokers'])}>"
