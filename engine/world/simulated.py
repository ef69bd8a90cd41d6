"""Worlds in memory, all in one process on virtual time, decided by one seed."""

from collections.abc import Callable

from engine.world.chance import Chance
from engine.world.clock import Clock, Timer
from engine.world.links import Links
from engine.world.memory_disk import MemoryDisk
from engine.world.memory_network import Hub, MemoryNetwork
from engine.world.memory_process import MemoryProcess
from engine.world.world import World

START_MS = 1_800_000_000_000  # every run begins at the same moment


class MortalClock(Clock):
    """A clock that ends with its process: after a crash no timer rings and nothing runs soon. Its wall clock can be set.

    `slow` makes it drift: a factor of 1.01 is a crystal that runs one per cent slow.
    """

    def __init__(self, process: MemoryProcess, *, start_ms: int) -> None:
        self.process = process
        self._context = process.context
        super().__init__(start_ms=start_ms)

    def _loop_time(self) -> float:
        return self.process.time()

    def call_soon(self, callback: Callable[[], None]) -> None:
        super().call_soon(lambda: None if self.process.dead else callback())

    def call_later(self, ms: float, callback: Callable[[], None]) -> Timer:
        return super().call_later(ms, lambda: None if self.process.dead else callback())

    def jump(self, ms: int) -> None:
        """Somebody sets the wall clock; what counts monotonically does not hear of it."""
        self._start_ms += ms

    def die(self) -> None:
        """For good."""
        self.pause()

    def resume(self) -> None:
        if not self.process.dead:
            super().resume()


class Simulation:
    """One seed's universe: links between nodes, a disk and a wall clock for each name, a world for each incarnation."""

    def __init__(self, seed: int, log: Callable[[str], None] = lambda line: None) -> None:
        self.chance = Chance(seed)
        self.links = Links(self.chance.split("links"))
        self.hub = Hub(self.links)
        self._log = log
        self._disks: dict[str, MemoryDisk] = {}
        self._incarnations: dict[str, int] = {}
        self._running: dict[str, MortalClock] = {}
        self._wall_ms: dict[str, int] = {}  # how far a machine's wall clock is off
        self._drift: dict[str, float] = {}
        self._time = Clock(start_ms=START_MS)

    def now_ms(self) -> int:
        """The universe's time."""
        return self._time.now_ms()

    async def sleep(self, ms: float) -> None:
        """In virtual time."""
        await self._time.sleep(ms)

    def disk(self, name: str) -> MemoryDisk:
        """A node's disk; it outlives the node's process."""
        if name not in self._disks:
            self._disks[name] = MemoryDisk(self.now_ms, chance=self.chance.split(f"{name}/disk"))
        return self._disks[name]

    def world(self, name: str) -> World:
        """The world of a node's next incarnation, in a process of its own; run its code by `process_of(world).context`."""
        number = self._incarnations[name] = self._incarnations.get(name, 0) + 1
        self.hub.dark.discard(name)
        process = MemoryProcess(name)
        clock = self._running[name] = MortalClock(process, start_ms=self.now_ms() + self._wall_ms.get(name, 0))
        if name in self._drift:
            clock.slow(self._drift[name])
        return World(
            clock=clock,
            network=MemoryNetwork(process, self.hub),
            disk=self.disk(name),
            chance=self.chance.split(f"{name}/{number}"),
            log=lambda line: self._log(f"{self.now_ms() - START_MS:>8} {name} {line}"),
        )

    @staticmethod
    def process_of(world: World) -> MemoryProcess:
        """What runs in a world that we made; freeze, thaw and hold it up there."""
        assert isinstance(world.clock, MortalClock), "a world of another kind"
        return world.clock.process

    def crash(self, world: World) -> None:
        """The process of this world is gone; its disk stays, and its tasks are over."""
        self._end(world, power_lost=False)

    def lose_power(self, world: World) -> int:
        """The machine of this world is dark until its next world: what was not synced may be lost. How many bytes were."""
        self._end(world, power_lost=True)
        return world.disk.lose_power()

    def _end(self, world: World, *, power_lost: bool) -> None:
        self.process_of(world).die()
        world.clock.die()
        world.network.crash(power_lost=power_lost)

    def jump(self, name: str, ms: int) -> None:
        """The machine's wall clock is set by so much, and stays so over restarts."""
        self._wall_ms[name] = self._wall_ms.get(name, 0) + ms
        self._running[name].jump(ms)

    def is_off_by(self, name: str) -> int:
        """How many ms the machine's wall clock was set away from the universe's."""
        return self._wall_ms.get(name, 0)

    def drift(self, name: str, factor: float) -> None:
        """From now on the machine's clock takes `factor` seconds for one (1: right again; what it is off by then it stays)."""
        self._drift[name] = factor
        if not self._running[name].process.dead:
            self._running[name].slow(factor)
