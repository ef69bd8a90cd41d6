"""What the engine is handed of the outside: a clock, a network, a disk, dice and a log."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.world.chance import Chance
from engine.world.clock import Clock
from engine.world.disk import Disk
from engine.world.network import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One node's world. `log` takes one line an event."""

    clock: Clock
    network: Network
    disk: Disk
    chance: Chance
    log: Callable[[str], None]
