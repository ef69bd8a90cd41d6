"""A whole cluster in one process on virtual time: nodes that crash, freeze, lose power, leave in good order and come back.

Whatever is done to it is told as a fact of the universe, so that a transcript reads as a story.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

from engine.broker.node import Node
from engine.broker.node_spec import NodeSpec
from engine.broker.traffic_sample import image_on_wire
from engine.events.facts import to_wire
from engine.events.journal import Journal
from engine.metadata.configs import demo_values
from engine.protocol.errors import KafkaStorageError
from engine.sandbox.numbering import plain
from engine.sandbox.sandbox import TOLD_WITHIN_MS
from engine.world.memory_disk import MemoryDisk
from engine.world.memory_process import MemoryProcess
from engine.world.simulated import Simulation
from engine.world.tasks import Cancelled, spawn
from engine.world.world import World

T = TypeVar("T")

PORT = 9092
CLUSTER_ID = "simulated-cluster-id-0"
VOTERS_MAX = 3


class Universe:
    """Nodes by id, all facts that they told in order, and the links between them. `ids`: who belongs to the cluster, running or not."""

    def __init__(self, seed: int, *, nodes: int = 3, config: dict[str, str] | None = None) -> None:
        self.lines: list[str] = []
        self.simulation = Simulation(seed, self.lines.append)
        self.facts: list[dict] = []
        self.images: list[tuple[int, dict]] = []  # (before which fact a host would compare it, what a node that has caught up knows)
        self.nodes: dict[int, Node] = {}
        self.worlds: dict[int, World] = {}
        self.stopping: set[int] = set()
        self.guests: dict[str, Any] = {}  # what a fault keeps in this universe, such as its client, under its own name
        self._incarnations: dict[int, int] = {}
        self._digest = hashlib.sha256()
        self._config = {name: str(value) for name, value in demo_values().items()} | (config or {})
        self.voters = {number: (f"node-{number}", PORT) for number in range(1, min(nodes, VOTERS_MAX) + 1)}
        self.ids = list(range(1, nodes + 1))
        self._next_id = nodes + 1
        asyncio.get_running_loop().on_crash = self._process_ended

    async def start(self) -> None:
        """Starts all nodes; returns when one of them is the active controller and all are unfenced."""
        for number in self.ids:
            await self.start_node(number)
        await self.until(lambda: self.unfenced() == set(self.ids), "all brokers are unfenced")

    # ---- who is there

    def alive(self) -> list[int]:
        """Ids of the nodes whose process is there, sorted. A frozen one is among them."""
        return sorted(self.nodes)

    def process(self, number: int) -> MemoryProcess:
        """Of a node that is there."""
        return self.simulation.process_of(self.worlds[number])

    def disk_of(self, number: int) -> MemoryDisk:
        """It outlives the node's processes."""
        return self.simulation.disk(f"node-{number}")

    def runs(self, number: int) -> bool:
        """Is its process there, not frozen and not leaving?"""
        return number in self.nodes and not self.process(number).frozen and number not in self.stopping

    def controller(self) -> int | None:
        """The active controller of the newest epoch; an older one may not know yet that it is none."""
        active = [number for number in self.alive() if self.nodes[number].controller is not None and self.nodes[number].controller.active]
        return max(active, key=lambda number: self.nodes[number].raft.epoch, default=None)

    def unfenced(self) -> set[int]:
        """Brokers that the active controller's image has unfenced."""
        number = self.controller()
        return set() if number is None else {broker.id for broker in self.nodes[number].image.brokers.values() if not broker.fenced}

    # ---- beginning and ending

    async def start_node(self, number: int) -> bool:
        """A new incarnation on the old disk. False when its disk refuses or it is killed meanwhile: it is not there then."""
        if number in self.worlds:
            return True
        incarnation = self._incarnations[number] = self._incarnations.get(number, 0) + 1
        world = self.worlds[number] = self.simulation.world(f"node-{number}")
        journal = Journal(node=number, incarnation=incarnation, now_ms=world.clock.now_ms)
        process = self.process(number)
        journal.listen(lambda fact: process.dead or self._heard(to_wire(fact)))  # the dead tell nothing
        spec = NodeSpec(
            node_id=number, cluster_id=CLUSTER_ID, host=f"node-{number}", port=PORT, advertised_host=f"node-{number}",
            rack="abcdefghij"[(number - 1) % 10], folder="/data", voters=self.voters, config=self._config, incarnation=incarnation,
        )
        self.tell("Started", number, incarnation=incarnation)
        node = self.process(number).context.run(lambda: Node(spec=spec, world=world, journal=journal))
        node.on_failed_storage = lambda reason: self._died(number, node, OSError(reason))

        async def begin() -> None:
            self.nodes[number] = node  # not before it begins: nobody sees a node without its rooms
            spawn(self._note_image(node), name=f"node {number} tells what it knows")
            await node.start()

        try:
            await self._as_process(number, begin())
        except (OSError, KafkaStorageError) as error:
            self._died(number, node, error)
        return self.nodes.get(number) is node

    async def _note_image(self, node: Node) -> None:
        """As a broker's process sends it to its host, which compares it a little later: what was told meanwhile is newer."""
        await node.caught_up.wait()
        image = plain(image_on_wire(node))
        compare = lambda: self.images.append((len(self.facts), image))
        asyncio.get_running_loop().call_later(TOLD_WITHIN_MS / 1000, compare, context=Context())

    async def stop_node(self, number: int) -> bool:
        """Controlled shutdown. False when the node was not there, or ended otherwise meanwhile."""
        if not self.runs(number):
            return False
        node = self.nodes[number]
        self.tell("Stopping", number)
        self.stopping.add(number)
        try:
            await self._as_process(number, node.stop())
        except (OSError, KafkaStorageError) as error:
            self._died(number, node, error)
        if self.nodes.get(number) is not node:
            return False
        self._end(number, self.simulation.crash)
        self.tell("Stopped", number)
        return True

    async def _as_process(self, number: int, work: Coroutine[Any, Any, None]) -> None:
        """Runs it as the node's own; returns early when the node's process ends."""
        process = self.process(number)
        task = asyncio.get_running_loop().create_task(work, context=process.context)
        try:
            await task
        except Cancelled:
            if not process.dead:
                task.cancel()
                raise

    def crash(self, number: int) -> None:
        """The process is gone; what it had written stays on its disk."""
        self._end(number, self.simulation.crash)
        self.tell("Crash", number)

    def cut_power(self, number: int) -> None:
        """The machine is dark until the node is started again; what was not synced may be lost, and nobody hears that it is gone."""
        lost = self._end(number, self.simulation.lose_power)
        self.tell("PowerLost", number, lost_bytes=lost)

    def freeze(self, number: int) -> None:
        """SIGSTOP."""
        self.process(number).freeze()
        self.tell("Frozen", number)

    def thaw(self, number: int) -> None:
        """SIGCONT."""
        self.process(number).thaw()
        self.tell("Thawed", number)

    def _end(self, number: int, how: Callable[[World], T]) -> T:
        """The world ends first: what the node does when it is told finds a dead network, and closes no connection in good order."""
        self.stopping.discard(number)
        node, world = self.nodes.pop(number), self.worlds.pop(number)
        result = how(world)
        node.crash()
        return result

    def _process_ended(self, process: MemoryProcess, error: BaseException) -> bool:
        """As python -m engine: what nobody caught ends the process. That is a bug unless its disk had refused."""
        victim = next((number for number, world in self.worlds.items() if self.simulation.process_of(world) is process), None)
        if not isinstance(error, (OSError, KafkaStorageError)) or self.simulation.disk(process.name).refusals == 0:
            return False
        if victim is not None:
            self._died(victim, self.nodes[victim], error)
        return True

    def _died(self, number: int, node: Node, error: BaseException) -> None:
        if self.nodes.get(number) is node:
            if self.simulation.disk(f"node-{number}").refusals == 0:
                raise error
            self._end(number, self.simulation.crash)
            self.tell("Died", number, reason=str(error))

    # ---- growing and shrinking

    async def add_node(self) -> int:
        """A further broker, no voter, on an empty disk; its id was nobody's before."""
        number, self._next_id = self._next_id, self._next_id + 1
        self.ids.append(number)
        await self.start_node(number)
        return number

    def remove_node(self, number: int) -> None:
        """It belongs to the cluster no more; end its process first, and unregister it."""
        assert number not in self.nodes and number not in self.voters, f"node {number} cannot go"
        self.ids.remove(number)
        self.tell("Removed", number)

    # ---- time and facts

    async def sleep(self, ms: float) -> None:
        """Virtual time passes."""
        await self.simulation.sleep(ms)

    async def until(self, condition: Callable[[], Any], sentence: str, *, within_ms: float = 30_000) -> None:
        """Waits until it is so; fails with the sentence and the last log lines when it takes too long."""
        waited = 0
        while not condition():
            await self.sleep(50)
            waited += 50
            assert waited < within_ms, f"not so after {within_ms:.0f} virtual ms: {sentence}\n" + "\n".join(self.lines[-30:])

    def tell(self, kind: str, node: int | None = None, **fields: Any) -> None:
        """A fact of the universe itself: what was done to the cluster, never what a node did."""
        self._heard({"kind": kind, **({} if node is None else {"node": node}), "at_ms": self.simulation.now_ms(), **fields})

    def _heard(self, fact: dict) -> None:
        self.facts.append(fact)
        self._digest.update(json.dumps(fact, sort_keys=True, default=str).encode())

    def digest(self) -> str:
        """A hash over all facts told so far, in their order."""
        return self._digest.hexdigest()
