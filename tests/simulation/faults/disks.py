"""Disks that are full, that fail, or that are slow.

A disk that refuses takes nothing back that it has: nothing acknowledged is lost by it alone. As an operator would, the end of the fault makes
room or changes the disk's cable and starts the node anew if it has ended; sometimes it is started anew in any case.
"""

from engine.world.chance import Chance
from engine.world.memory_disk import MemoryDisk
from tests.simulation.faults.fault import Args, OneNode
from tests.simulation.universe import Universe


class _DiskFault(OneNode):
    """What faults of a disk have in common."""

    lasts_ms = (200, 8_000)
    unclean = True  # a node that cannot write its metadata log ends

    def draw(self, chance: Chance, nodes: list[int]) -> Args:
        return super().draw(chance, nodes) | {"restart": chance.real() < 0.5}

    async def begin(self, universe: Universe, args: Args) -> bool:
        victim = self.find(universe, args)
        if victim not in universe.nodes:
            return False
        self.harm(universe.simulation.disk(f"node-{victim}"), args)
        universe.tell(type(self).__name__, victim, **{name: value for name, value in args.items() if name not in ("node", "_node")})
        return True

    async def end(self, universe: Universe, args: Args) -> None:
        victim = args["_node"]
        self.mend(universe.simulation.disk(f"node-{victim}"))
        universe.tell("DiskMended", victim)
        if args["restart"] and universe.runs(victim):
            universe.crash(victim)
        if victim in universe.ids:
            await universe.start_node(victim)

    def harm(self, disk: MemoryDisk, args: Args) -> None:
        """What is wrong with the disk."""
        raise NotImplementedError

    def mend(self, disk: MemoryDisk) -> None:
        """And how it is right again."""
        raise NotImplementedError


class DiskFull(_DiskFault):
    """There is no room on a node's disk any more, or very little."""

    name = "full disk"

    def draw(self, chance: Chance, nodes: list[int]) -> Args:
        return super().draw(chance, nodes) | {"bytes_left": chance.choice((0, 100, 2_000, 20_000))}

    def harm(self, disk: MemoryDisk, args: Args) -> None:
        disk.bytes_max = disk.used + args["bytes_left"]

    def mend(self, disk: MemoryDisk) -> None:
        disk.bytes_max = None


class DiskFails(_DiskFault):
    """A node's disk answers writes with an I/O error."""

    name = "failing disk"

    def harm(self, disk: MemoryDisk, args: Args) -> None:
        disk.failing = True

    def mend(self, disk: MemoryDisk) -> None:
        disk.failing = disk.failing_reads = False


class DiskUnreadable(DiskFails):
    """A node's disk answers reads and writes with an I/O error."""

    name = "unreadable disk"

    def harm(self, disk: MemoryDisk, args: Args) -> None:
        disk.failing = disk.failing_reads = True


class DiskSlow(_DiskFault):
    """A node's disk takes its time, and the node waits for it, for calls are synchronous."""

    name = "slow disk"
    lasts_ms = (1_000, 10_000)
    unclean = False

    def draw(self, chance: Chance, nodes: list[int]) -> Args:
        return OneNode.draw(self, chance, nodes) | {"restart": False, "sync_ms": chance.choice((5, 40, 200, 800))}

    def harm(self, disk: MemoryDisk, args: Args) -> None:
        disk.sync_ms = (args["sync_ms"] / 2, args["sync_ms"])

    def mend(self, disk: MemoryDisk) -> None:
        disk.sync_ms = (0, 0)


FAULTS = (DiskFull(), DiskFails(), DiskUnreadable(), DiskSlow())
