"""What a fault is: something that begins, perhaps lasts, and ends; drawn beforehand, and harmless when its target is gone.

`args` is one dict for a step's begin and end: what was drawn, and under names that begin with "_" what begin found out (which node
was the controller). A plan that was cut down runs its steps in another world than the one they were drawn for, so begin looks before it breaks
anything: False says that there was nothing to break, and end is not called then.
"""

from typing import Any, ClassVar

from engine.world.chance import Chance
from tests.simulation.universe import Universe

Args = dict[str, Any]


class Fault:
    """Its first line is what happens."""

    name: ClassVar[str]
    weight: ClassVar[float] = 1.0  # how often a mixture has it, against the others
    lasts_ms: ClassVar[tuple[int, int]] = (200, 6_000)  # (0, 0): it is a moment
    beside: ClassVar[tuple[str, ...]] = ()  # faults without one of which it has nothing to do
    may_lose: ClassVar[bool] = False  # an acknowledged record may be gone, and Kafka would say so too
    unclean: ClassVar[bool] = False  # a broker ends without a clean shutdown
    loses_unsynced: ClassVar[bool] = False  # and its machine with it

    def draw(self, chance: Chance, nodes: list[int]) -> Args:
        """What the plan says of it. `nodes`: ids at the beginning."""
        return {}

    async def begin(self, universe: Universe, args: Args) -> bool:
        """Breaks it. False: it did not fire."""
        raise NotImplementedError

    async def end(self, universe: Universe, args: Args) -> None:
        """Mends it, whatever has become of it meanwhile."""

    def __repr__(self) -> str:
        return f"<Fault {self.name}>"


class OneNode(Fault):
    """A fault of one node: any one, the active controller, or the leader of a partition. Subclasses say what happens to it."""

    who: ClassVar[str] = "node"

    def draw(self, chance: Chance, nodes: list[int]) -> Args:
        if self.who == "controller":
            return {}
        return {"partition": chance.integer(0, 999)} if self.who == "leader" else {"node": chance.choice(nodes)}

    def find(self, universe: Universe, args: Args) -> int | None:
        """Whom it hits now; kept for the end."""
        if self.who == "controller":
            found = universe.controller()
        elif self.who == "leader":
            found = leader_of(universe, args["partition"])
        else:
            found = args["node"]
        args["_node"] = found
        return found if found in universe.ids else None


def partitions_of(universe: Universe) -> list[tuple[str, int, Any]]:
    """(topic, index, its image) of all partitions as the active controller knows them, in order."""
    number = universe.controller()
    if number is None:
        return []
    topics = universe.nodes[number].image.topics
    return [(name, index, topics[name].partitions[index]) for name in sorted(topics) for index in sorted(topics[name].partitions)]


def leader_of(universe: Universe, pick: int) -> int | None:
    """The leader of one of the partitions that have one."""
    leaders = [partition.leader for _, _, partition in partitions_of(universe) if partition.leader in universe.nodes]
    return leaders[pick % len(leaders)] if leaders else None
