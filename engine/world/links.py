"""What lies between two nodes: delay and cuts, one way or both. Nodes go by name, such as "node-1"."""

from engine.world.chance import Chance

DELAY_MS = (0.05, 0.5)  # loopback to one room


class Links:
    """The state of all links; a link that nobody touched is healthy."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._cut: set[tuple[str, str]] = set()
        self._delay: dict[tuple[str, str], tuple[float, float]] = {}

    def cut(self, one: str, other: str, *, both_ways: bool = True) -> None:
        """Nothing gets from `one` to `other` (and back)."""
        self._cut.add((one, other))
        if both_ways:
            self._cut.add((other, one))

    def slow(self, one: str, other: str, *, low_ms: float, high_ms: float) -> None:
        """Each frame between the two takes that long."""
        self._delay[one, other] = self._delay[other, one] = (low_ms, high_ms)

    def heal(self) -> None:
        """All links are healthy again."""
        self._cut.clear()
        self._delay.clear()

    def passes(self, sender: str, receiver: str) -> bool:
        """Does what `sender` sends arrive now?"""
        return (sender, receiver) not in self._cut

    def delay_ms(self, sender: str, receiver: str) -> float:
        """How long the next frame takes."""
        low, high = self._delay.get((sender, receiver), DELAY_MS)
        return low + (high - low) * self._chance.real()

    def __repr__(self) -> str:
        return f"<Links cut={sorted(self._cut)} slow={sorted(self._delay)}>"
