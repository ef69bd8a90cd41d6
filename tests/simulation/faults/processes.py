"""Processes that are killed, frozen, or leave in good order and come back."""

from tests.simulation.faults.fault import Args, Fault, OneNode
from tests.simulation.universe import Universe


class ProcessCrash(OneNode):
    """A node is killed and started again."""

    name = "process crash"
    weight = 2
    unclean = True

    async def begin(self, universe: Universe, args: Args) -> bool:
        victim = self.find(universe, args)
        if victim not in universe.nodes:
            return False
        universe.crash(victim)
        return True

    async def end(self, universe: Universe, args: Args) -> None:
        if args["_node"] in universe.ids:
            await universe.start_node(args["_node"])


class ControllerCrash(ProcessCrash):
    """The active controller is killed and started again."""

    name = "controller crash"
    who = "controller"


class LeaderCrash(ProcessCrash):
    """The leader of a partition is killed and started again."""

    name = "leader crash"
    who = "leader"


class ClusterKill(Fault):
    """All processes are killed at once and started again one after the other: what was written survives, for the machines live on."""

    name = "cluster kill"
    weight = 0.5
    lasts_ms = (100, 4_000)
    unclean = True

    async def begin(self, universe: Universe, args: Args) -> bool:
        args["_nodes"] = universe.alive()
        for number in args["_nodes"]:
            universe.crash(number)
        return bool(args["_nodes"])

    async def end(self, universe: Universe, args: Args) -> None:
        for number in args["_nodes"]:
            if number in universe.ids:
                await universe.start_node(number)


class ShortFreeze(OneNode):
    """A node stands still for less than its session: nobody but its clients should notice."""

    name = "short freeze"
    lasts_ms = (50, 900)

    async def begin(self, universe: Universe, args: Args) -> bool:
        victim = self.find(universe, args)
        if victim is None or not universe.runs(victim):
            return False
        args["_incarnation"] = universe.nodes[victim].spec.incarnation
        universe.freeze(victim)
        return True

    async def end(self, universe: Universe, args: Args) -> None:
        victim = args["_node"]
        same = victim in universe.nodes and universe.nodes[victim].spec.incarnation == args["_incarnation"]
        if same and universe.process(victim).frozen:
            universe.thaw(victim)


class LongFreeze(ShortFreeze):
    """A node stands still for longer than its session, and wakes up as what it was: a zombie."""

    name = "long freeze"
    lasts_ms = (2_000, 9_000)


class LeaderFreeze(LongFreeze):
    """The leader of a partition stands still for longer than its session."""

    name = "leader freeze"
    who = "leader"


class ControllerFreeze(LongFreeze):
    """The active controller stands still for longer than the quorum waits for it."""

    name = "controller freeze"
    who = "controller"


class ControlledRestart(OneNode):
    """A node leaves in good order and comes back."""

    name = "controlled restart"
    lasts_ms = (100, 4_000)

    async def begin(self, universe: Universe, args: Args) -> bool:
        victim = self.find(universe, args)
        return victim is not None and await universe.stop_node(victim)

    async def end(self, universe: Universe, args: Args) -> None:
        if args["_node"] in universe.ids:
            await universe.start_node(args["_node"])


FAULTS = (
    ProcessCrash(), ControllerCrash(), LeaderCrash(), ClusterKill(), ShortFreeze(), LongFreeze(), LeaderFreeze(), ControllerFreeze(),
    ControlledRestart(),
)
