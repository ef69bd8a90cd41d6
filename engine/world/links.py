"""What lies between two nodes: delay and cuts, one way or both. Nodes go by name, such as "node-1"; all clients share one.

The state alone: a simulated network asks it for each frame, a real one (`gates`) is told when it changes.
"""

from collections.abc import Callable, Iterable

from engine.world.chance import Chance

DELAY_MS = (0.05, 0.5)  # loopback to one room
NO_DELAY_MS = (0.0, 0.0)  # for real links, which take their own time
CLIENTS = "clients"  # whoever is no node

Link = tuple[str, str]  # sender, receiver


class Links:
    """The state of all links; a link that nobody touched is healthy."""

    def __init__(self, chance: Chance, *, healthy_ms: tuple[float, float] = DELAY_MS) -> None:
        self._chance = chance
        self._healthy_ms = healthy_ms
        self._cut: set[Link] = set()
        self._delay: dict[Link, tuple[float, float]] = {}
        self._watchers: list[Callable[[], None]] = []

    def cut(self, one: str, other: str, *, both_ways: bool = True) -> None:
        """Nothing gets from `one` to `other` (and back)."""
        self._cut.add((one, other))
        if both_ways:
            self._cut.add((other, one))
        self._changed()

    def slow(self, one: str, other: str, *, low_ms: float, high_ms: float) -> None:
        """Each frame between the two takes that long."""
        self._delay[one, other] = self._delay[other, one] = (low_ms, high_ms)
        self._changed()

    def heal(self) -> None:
        """All links are healthy again."""
        self._cut.clear()
        self._delay.clear()
        self._changed()

    def become(self, *, cut: Iterable[Link], slow: Iterable[tuple[str, str, float]]) -> None:
        """Exactly these links are cut, and these (sender, receiver, ms) slow; all others are healthy."""
        self._cut = {(sender, receiver) for sender, receiver in cut}
        self._delay = {(sender, receiver): (ms, ms) for sender, receiver, ms in slow}
        self._changed()

    @property
    def touched(self) -> bool:
        """Is any link not healthy?"""
        return bool(self._cut or self._delay)

    def passes(self, sender: str, receiver: str) -> bool:
        """Does what `sender` sends arrive now?"""
        return (sender, receiver) not in self._cut

    def delay_ms(self, sender: str, receiver: str) -> float:
        """How long the next frame takes."""
        low, high = self._delay.get((sender, receiver), self._healthy_ms)
        return low + (high - low) * self._chance.real()

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back after each change."""
        self._watchers.append(callback)

    def _changed(self) -> None:
        for watcher in self._watchers:
            watcher()

    def __repr__(self) -> str:
        return f"<Links cut={sorted(self._cut)} slow={sorted(self._delay)}>"
