"""Worlds in memory, all in one process on virtual time, decided by one seed."""

from collections.abc import Callable

from engine.world.chance import Chance
from engine.world.clock import Clock, Timer
from engine.world.links import Links
from engine.world.memory_disk import MemoryDisk
from engine.world.memory_network import Hub, MemoryNetwork
from engine.world.world import World

START_MS = 1_800_000_000_000  # every run begins at the same moment


class MortalClock(Clock):
    """A clock that ends with its node: after a crash no timer rings and nothing runs soon."""

    dead = False

    def call_soon(self, callback: Callable[[], None]) -> None:
        super().call_soon(lambda: None if self.dead else callback())

    def call_later(self, ms: float, callback: Callable[[], None]) -> Timer:
        return super().call_later(ms, lambda: None if self.dead else callback())

    def die(self) -> None:
        """For good."""
        self.dead = True
        self.pause()

    def resume(self) -> None:
        if not self.dead:
            super().resume()




class Simulation:
    """One seed's universe: links between nodes, a disk for each name, a world for each incarnation."""

    def __init__(self, seed: int, log: Callable[[str], None] = lambda line: None) -> None:
        self.chance = Chance(seed)
        self.links = Links(self.chance.split("links"))
        self.hub = Hub(self.links)
        self._log = log
        self._disks: dict[str, MemoryDisk] = {}
        self._incarnations: dict[str, int] = {}
        self._time = Clock(start_ms=START_MS)

    def now_ms(self) -> int:
        """The universe's time."""
        return self._time.now_ms()

    async def sleep(self, ms: float) -> None:
        """In virtual time."""
        await self._time.sleep(ms)

    def disk(self, name: str) -> MemoryDisk:
        """A node's disk; it outlives the node's process."""
        return self._disks.setdefault(name, MemoryDisk(self.now_ms))

    def world(self, name: str) -> World:
        """The world of a node's next incarnation."""
        number = self._incarnations[name] = self._incarnations.get(name, 0) + 1
        return World(
            clock=MortalClock(start_ms=self.now_ms()),
            network=MemoryNetwork(name, self.hub),
            disk=self.disk(name),
            chance=self.chance.split(f"{name}/{number}"),
            log=lambda line: self._log(f"{self.now_ms() - START_MS:>8} {name} {line}"),
        )

    def crash(self, world: World) -> None:
        """The process of this world is gone; its disk stays. Call the node's own crash() first, so that its tasks end."""
        world.clock.die()
        world.network.crash()
