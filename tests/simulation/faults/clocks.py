"""Wall clocks that jump, and clocks that run too fast or too slow."""

from engine.world.chance import Chance
from tests.simulation.faults.fault import Args, OneNode
from tests.simulation.universe import Universe

JUMP_MS_MAX = 1_500_000
# All jumps together stay below log.message.timestamp.after.max.ms (an hour): a broker refuses records from its own far future, rightly.
OFF_MS_MAX = 2 * JUMP_MS_MAX


class ClockJump(OneNode):
    """Somebody sets the wall clock of a machine, forward or back, and later right again; what counts monotonically goes on."""

    name = "clock jump"

    def draw(self, chance: Chance, nodes: list[int]) -> Args:
        ms = chance.choice((500, 5_000, 60_000, JUMP_MS_MAX)) * chance.choice((1, -1))
        return super().draw(chance, nodes) | {"ms": ms}

    async def begin(self, universe: Universe, args: Args) -> bool:
        victim = self.find(universe, args)
        if victim is None or abs(universe.simulation.is_off_by(f"node-{victim}") + args["ms"]) > OFF_MS_MAX:
            return False
        universe.simulation.jump(f"node-{victim}", args["ms"])
        universe.tell("ClockSet", victim, ms=args["ms"])
        return True

    async def end(self, universe: Universe, args: Args) -> None:
        universe.simulation.jump(f"node-{args['_node']}", -args["ms"])
        universe.tell("ClockSet", args["_node"], ms=-args["ms"])


class ClockDrift(OneNode):
    """A machine's clock runs fast or slow: sessions and timeouts of one node are not those of the others."""

    name = "clock drift"
    lasts_ms = (2_000, 20_000)

    def draw(self, chance: Chance, nodes: list[int]) -> Args:
        return super().draw(chance, nodes) | {"factor": chance.choice((0.5, 0.9, 0.99, 1.01, 1.1, 2.0))}

    async def begin(self, universe: Universe, args: Args) -> bool:
        victim = self.find(universe, args)
        if victim is None:
            return False
        universe.simulation.drift(f"node-{victim}", args["factor"])
        universe.tell("ClockDrifts", victim, factor=args["factor"])
        return True

    async def end(self, universe: Universe, args: Args) -> None:
        universe.simulation.drift(f"node-{args['_node']}", 1)
        universe.tell("ClockSteady", args["_node"])


FAULTS = (ClockJump(), ClockDrift())
