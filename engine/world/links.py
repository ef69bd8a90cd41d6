"""What lies between two nodes: delay, cuts (one way or both) and breaking connections. Nodes go by name, such as "node-1".

`CLIENTS` stands for everybody who is not a node, so that a node can be cut off from its clients whatever they are called.
The state alone: a simulated network asks it for each frame, a real one (`gates`) is told when it changes.
"""

from collections import Counter
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
        self._break_chance = chance.split("breaks")
        self._healthy_ms = healthy_ms
        self._cut: Counter[Link] = Counter()  # cuts may overlap: a link is whole when the last one is mended
        self._delay: dict[Link, tuple[float, float]] = {}
        self._breaking: dict[Link, float] = {}
        self._watchers: list[Callable[[], None]] = []

    # ---- changes

    def cut(self, one: str, other: str, *, both_ways: bool = True) -> None:
        """Nothing gets from `one` to `other` (and back)."""
        self._cut[one, other] += 1
        if both_ways:
            self._cut[other, one] += 1
        self._changed()

    def mend(self, one: str, other: str, *, both_ways: bool = True) -> None:
        """Takes back one such cut; nothing happens when there is none."""
        for way in [(one, other), (other, one)] if both_ways else [(one, other)]:
            if self._cut[way] <= 1:
                del self._cut[way]
            else:
                self._cut[way] -= 1
        self._changed()

    def slow(self, one: str, other: str, *, low_ms: float, high_ms: float) -> None:
        """Each frame between the two takes that long."""
        self._delay[one, other] = self._delay[other, one] = (low_ms, high_ms)
        self._changed()

    def breaking(self, one: str, other: str, *, share: float) -> None:
        """So many of the frames between the two find their connection broken."""
        self._breaking[one, other] = self._breaking[other, one] = share

    def steady(self, one: str, other: str) -> None:
        """Neither slow nor breaking any more."""
        for way in ((one, other), (other, one)):
            self._delay.pop(way, None)
            self._breaking.pop(way, None)
        self._changed()

    def heal(self) -> None:
        """All links are healthy again."""
        self._cut.clear()
        self._delay.clear()
        self._breaking.clear()
        self._changed()

    def become(self, *, cut: Iterable[Link], slow: Iterable[tuple[str, str, float]]) -> None:
        """Exactly these links are cut, and these (sender, receiver, ms) slow; all others are healthy."""
        self._cut = Counter((sender, receiver) for sender, receiver in cut)
        self._delay = {(sender, receiver): (ms, ms) for sender, receiver, ms in slow}
        self._changed()

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back after each change."""
        self._watchers.append(callback)

    def _changed(self) -> None:
        for watcher in self._watchers:
            watcher()

    # ---- questions

    @property
    def touched(self) -> bool:
        """Is any link not healthy?"""
        return bool(self._cut or self._delay)

    def passes(self, sender: str, receiver: str) -> bool:
        """Does what `sender` sends arrive now?"""
        return not self._cut or not any(way in self._cut for way in _ways(sender, receiver))

    def delay_ms(self, sender: str, receiver: str) -> float:
        """How long the next frame takes."""
        low, high = self._healthy_ms
        if self._delay:
            low, high = next((self._delay[way] for way in _ways(sender, receiver) if way in self._delay), self._healthy_ms)
        return low + (high - low) * self._chance.real()

    def breaks(self, sender: str, receiver: str) -> bool:
        """Does the connection break under the next frame?"""
        share = max((self._breaking.get(way, 0.0) for way in _ways(sender, receiver)), default=0.0) if self._breaking else 0.0
        return share > 0 and self._break_chance.real() < share

    def between(self, low_ms: float, high_ms: float) -> float:
        """How long something takes that goes wrong."""
        return low_ms + (high_ms - low_ms) * self._break_chance.real()

    def __repr__(self) -> str:
        return f"<Links cut={sorted(self._cut)} slow={sorted(self._delay)} breaking={sorted(self._breaking)}>"


def _ways(sender: str, receiver: str) -> list[Link]:
    """The names under which this way may be known."""
    ways = [(sender, receiver)]
    if not sender.startswith("node-"):
        ways.append((CLIENTS, receiver))
    if not receiver.startswith("node-"):
        ways.append((sender, CLIENTS))
    return ways
