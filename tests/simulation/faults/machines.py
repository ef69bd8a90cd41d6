"""Machines that lose power: what was not synced may be gone or torn, connections stay half open, and nobody is told.

Partitions' data is not synced, as by Kafka's defaults, so a replica may come back without records that it had acknowledged. Kafka's answer is
replication: a broker that comes back without a clean shutdown leaves ISR and ELR when it registers (KIP-966), so that it never leads by what it no
longer has. With three replicas and min.insync.replicas=2 one machine's crash alone loses nothing that acks=all acknowledged. It may when another
broker of the ISR ends uncleanly as well before the first has caught up: nobody can tell then who has what, and the last known leader leads.
With min.insync.replicas=1 an ISR may have shrunk to that one machine.
"""

from tests.simulation.faults.fault import Args, Fault, OneNode
from tests.simulation.universe import Universe


class MachineCrash(OneNode):
    """A machine loses power and starts again."""

    name = "machine crash"
    unclean = True
    loses_unsynced = True

    async def begin(self, universe: Universe, args: Args) -> bool:
        victim = self.find(universe, args)
        if victim not in universe.nodes:
            return False
        universe.cut_power(victim)
        return True

    async def end(self, universe: Universe, args: Args) -> None:
        if args["_node"] in universe.ids:
            await universe.start_node(args["_node"])


class LeaderMachineCrash(MachineCrash):
    """The machine of a partition's leader loses power and starts again."""

    name = "leader machine crash"
    who = "leader"


class QuickReboot(MachineCrash):
    """A machine loses power and is back before its session is over, with an older log than its followers."""

    name = "quick reboot"
    who = "leader"
    lasts_ms = (10, 400)


class PowerCut(Fault):
    """All machines lose power at once: the metadata log and votes were synced, partitions' data was not."""

    name = "power cut"
    weight = 0.5
    lasts_ms = (100, 4_000)
    may_lose = True
    unclean = True
    loses_unsynced = True

    async def begin(self, universe: Universe, args: Args) -> bool:
        args["_nodes"] = universe.alive()
        for number in args["_nodes"]:
            universe.cut_power(number)
        return bool(args["_nodes"])

    async def end(self, universe: Universe, args: Args) -> None:
        for number in args["_nodes"]:
            if number in universe.ids:
                await universe.start_node(number)


FAULTS = (MachineCrash(), LeaderMachineCrash(), QuickReboot(), PowerCut())
