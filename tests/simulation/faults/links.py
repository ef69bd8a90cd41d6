"""Links that are cut, one way or both, between nodes or towards clients; that are slow; whose connections break."""

from engine.world.chance import Chance
from engine.world.links import CLIENTS
from tests.simulation.faults.fault import Args, Fault
from tests.simulation.universe import Universe


def _name(node: int | str) -> str:
    return f"node-{node}" if isinstance(node, int) else node


class Cut(Fault):
    """Nothing gets from one node to another, nor back."""

    name = "cut"
    both_ways = True

    def draw(self, chance: Chance, nodes: list[int]) -> Args:
        one, other = chance.shuffled(nodes)[:2]
        return {"node": one, "other": other}

    def find(self, universe: Universe, args: Args) -> int | None:
        """Whose links."""
        return args["node"]

    def pairs(self, universe: Universe, args: Args) -> list[tuple[str, str]]:
        """Which links."""
        return [(_name(args["node"]), _name(args["other"]))]

    async def begin(self, universe: Universe, args: Args) -> bool:
        args["_node"] = self.find(universe, args)
        if args["_node"] not in universe.ids:
            return False
        args["_pairs"] = self.pairs(universe, args)
        for one, other in args["_pairs"]:
            universe.simulation.links.cut(one, other, both_ways=self.both_ways)
        universe.tell("Cut", pairs=args["_pairs"], both_ways=self.both_ways)
        return bool(args["_pairs"])

    async def end(self, universe: Universe, args: Args) -> None:
        for one, other in args["_pairs"]:
            universe.simulation.links.mend(one, other, both_ways=self.both_ways)
        universe.tell("CutMended", pairs=args["_pairs"], both_ways=self.both_ways)


class OneWayCut(Cut):
    """A node hears another, but is not heard by it."""

    name = "one-way cut"
    both_ways = False


class CutFromPeers(Cut):
    """A node is cut off from all other nodes, not from clients: a leader whom only producers can reach."""

    name = "cut from peers"
    lasts_ms = (500, 9_000)

    def draw(self, chance: Chance, nodes: list[int]) -> Args:
        return {"node": chance.choice(nodes)}

    def pairs(self, universe: Universe, args: Args) -> list[tuple[str, str]]:
        return [(_name(args["_node"]), _name(other)) for other in universe.ids if other != args["_node"]]


class ControllerLostByPeers(CutFromPeers):
    """The active controller is cut off from all other nodes until its connections are forgotten, with what they carried."""

    name = "controller lost by peers"
    lasts_ms = (500, 4_000)

    def draw(self, chance: Chance, nodes: list[int]) -> Args:
        return {}

    def find(self, universe: Universe, args: Args) -> int | None:
        return universe.controller()

    async def end(self, universe: Universe, args: Args) -> None:
        await super().end(universe, args)
        if args["_node"] in universe.alive():
            for _, other in args["_pairs"]:
                universe.worlds[args["_node"]].network.wither(other)
        universe.tell("ConnectionsForgotten", args["_node"])


class UnheardByPeers(CutFromPeers):
    """A node hears all others, but none hears it."""

    name = "unheard by peers"
    both_ways = False


class CutFromClients(CutFromPeers):
    """A node is cut off from all clients, not from other nodes."""

    name = "cut from clients"

    def pairs(self, universe: Universe, args: Args) -> list[tuple[str, str]]:
        return [(_name(args["_node"]), CLIENTS)]


class Split(Cut):
    """The cluster falls into two parts that do not hear each other; clients hear both."""

    name = "split"
    lasts_ms = (500, 9_000)

    def draw(self, chance: Chance, nodes: list[int]) -> Args:
        mixed = chance.shuffled(nodes)
        at = chance.integer(1, len(nodes) - 1)
        return {"node": mixed[0], "one": sorted(mixed[:at]), "other": sorted(mixed[at:])}

    def pairs(self, universe: Universe, args: Args) -> list[tuple[str, str]]:
        return [(_name(one), _name(other)) for one in args["one"] for other in args["other"]]


class SlowLink(Fault):
    """What goes between a node and another, or its clients, takes long."""

    name = "slow link"
    lasts_ms = (1_000, 10_000)

    def draw(self, chance: Chance, nodes: list[int]) -> Args:
        one, other = chance.shuffled([*nodes, CLIENTS])[:2]
        return {"node": one, "other": other, "ms": chance.choice((5, 50, 300, 1_500))}

    async def begin(self, universe: Universe, args: Args) -> bool:
        one, other = _name(args["node"]), _name(args["other"])
        universe.simulation.links.slow(one, other, low_ms=args["ms"] / 4, high_ms=args["ms"])
        universe.tell("LinkSlow", pairs=[(one, other)], ms=args["ms"])
        return True

    async def end(self, universe: Universe, args: Args) -> None:
        one, other = _name(args["node"]), _name(args["other"])
        universe.simulation.links.steady(one, other)
        universe.tell("LinkSteady", pairs=[(one, other)])


class BreakingConnections(SlowLink):
    """Connections break at random: their last bytes are lost, or arrive when the sender has long dialled anew; answers go missing."""

    name = "breaking connections"

    def draw(self, chance: Chance, nodes: list[int]) -> Args:
        one, other = chance.shuffled([*nodes, CLIENTS])[:2]
        return {"node": one, "other": other, "share": chance.choice((0.01, 0.05, 0.3))}

    async def begin(self, universe: Universe, args: Args) -> bool:
        one, other = _name(args["node"]), _name(args["other"])
        universe.simulation.links.breaking(one, other, share=args["share"])
        universe.tell("LinkBreaks", pairs=[(one, other)], share=args["share"])
        return True


class FlakyNetwork(Fault):
    """All links are a little slow and break now and then."""

    name = "flaky network"
    weight = 0.5
    lasts_ms = (2_000, 15_000)

    def draw(self, chance: Chance, nodes: list[int]) -> Args:
        return {"share": chance.choice((0.002, 0.01, 0.03)), "ms": chance.choice((1, 20, 100))}

    @staticmethod
    def _pairs(universe: Universe) -> list[tuple[str, str]]:
        names = [*map(_name, universe.ids), CLIENTS]
        return [(one, other) for at, one in enumerate(names) for other in names[at + 1 :]]

    async def begin(self, universe: Universe, args: Args) -> bool:
        args["_pairs"] = self._pairs(universe)
        for one, other in args["_pairs"]:
            universe.simulation.links.slow(one, other, low_ms=0.1, high_ms=args["ms"])
            universe.simulation.links.breaking(one, other, share=args["share"])
        universe.tell("NetworkFlaky", share=args["share"], ms=args["ms"])
        return True

    async def end(self, universe: Universe, args: Args) -> None:
        for one, other in args["_pairs"]:
            universe.simulation.links.steady(one, other)
        universe.tell("NetworkSteady")


FAULTS = (
    Cut(), OneWayCut(), CutFromPeers(), ControllerLostByPeers(), UnheardByPeers(), CutFromClients(), Split(),
    SlowLink(), BreakingConnections(), FlakyNetwork(),
)
