"""A whole cluster in one process on virtual time: nodes that can be crashed, cut off and started again."""

import hashlib
import json

from engine.broker.node import Node
from engine.broker.node_spec import NodeSpec
from engine.events.facts import to_wire
from engine.events.journal import Journal
from engine.metadata.configs import demo_values
from engine.world.simulated import Simulation
from engine.world.world import World

PORT = 9092
CLUSTER_ID = "simulated-cluster-id-0"


class Universe:
    """Nodes by id, all facts that they told in order, and the links between them."""

    def __init__(self, seed: int, *, nodes: int = 3, config: dict[str, str] | None = None) -> None:
        self.lines: list[str] = []
        self.simulation = Simulation(seed, self.lines.append)
        self.facts: list[dict] = []
        self.nodes: dict[int, Node] = {}
        self.worlds: dict[int, World] = {}
        self._incarnations: dict[int, int] = {}
        self._digest = hashlib.sha256()
        self._config = {name: str(value) for name, value in demo_values().items()} | (config or {})
        self.voters = {number: (f"node-{number}", PORT) for number in range(1, min(nodes, 3) + 1)}
        self.ids = list(range(1, nodes + 1))

    async def start(self) -> None:
        """Starts all nodes; returns when one of them is the active controller and all are unfenced."""
        for number in self.ids:
            await self.start_node(number)
        await self.until(lambda: self.unfenced() == set(self.ids), "all brokers are unfenced")

    def unfenced(self) -> set[int]:
        """Brokers that the active controller's image has unfenced."""
        for node in self.nodes.values():
            if node.controller is not None and node.controller.active:
                return {broker.id for broker in node.image.brokers.values() if not broker.fenced}
        return set()

    async def start_node(self, number: int) -> None:
        """A new incarnation on the old disk."""
        incarnation = self._incarnations[number] = self._incarnations.get(number, 0) + 1
        world = self.worlds[number] = self.simulation.world(f"node-{number}")
        journal = Journal(node=number, incarnation=incarnation, now_ms=world.clock.now_ms)
        journal.listen(lambda fact: self._heard(to_wire(fact)))
        spec = NodeSpec(
            node_id=number, cluster_id=CLUSTER_ID, host=f"node-{number}", port=PORT, advertised_host=f"node-{number}",
            rack="abcdefghij"[number - 1], folder="/data", voters=self.voters, config=self._config, incarnation=incarnation,
        )
        node = self.nodes[number] = Node(spec=spec, world=world, journal=journal)
        await node.start()

    def crash(self, number: int) -> None:
        """The process is gone; what it had written stays on its disk."""
        node, world = self.nodes.pop(number), self.worlds.pop(number)
        node.crash()
        self.simulation.crash(world)
        self._heard({"kind": "Crash", "node": number, "at_ms": self.simulation.now_ms()})

    def alive(self) -> list[int]:
        """Ids of the nodes that run, sorted."""
        return sorted(self.nodes)

    async def sleep(self, ms: float) -> None:
        """Virtual time passes."""
        await self.simulation.sleep(ms)

    async def until(self, condition, sentence: str, *, within_ms: float = 30_000) -> None:
        """Waits until it is so; fails with the sentence and the last log lines when it takes too long."""
        waited = 0
        while not condition():
            await self.sleep(50)
            waited += 50
            assert waited < within_ms, f"not so after {within_ms:.0f} virtual ms: {sentence}\n" + "\n".join(self.lines[-30:])

    def _heard(self, fact: dict) -> None:
        self.facts.append(fact)
        self._digest.update(json.dumps(fact, sort_keys=True, default=str).encode())

    def digest(self) -> str:
        """A hash over all facts told so far, in their order."""
        return self._digest.hexdigest()
