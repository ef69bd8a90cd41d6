"""Where the newest batches begin: reads at the end of the log need neither index nor file.

Followers and consumers that keep up ask only here. Rule: the two lists grow together and belong to the active segment.
"""

BATCHES_KEPT_MAX = 4096  # some 300 KiB a busy log; a follower that is further behind can afford an index lookup


class Tail:
    """First offsets and positions of the newest batches, oldest first, without a gap to the end of the log."""

    __slots__ = ("offsets", "positions")

    def __init__(self) -> None:
        self.offsets: list[int] = []
        self.positions: list[int] = []

    def add(self, base_offset: int, position: int) -> None:
        self.offsets.append(base_offset)
        self.positions.append(position)
        if len(self.offsets) > BATCHES_KEPT_MAX:
            del self.offsets[: BATCHES_KEPT_MAX // 2], self.positions[: BATCHES_KEPT_MAX // 2]

    def clear(self) -> None:
        self.offsets.clear()
        self.positions.clear()

    def __repr__(self) -> str:
        return f"<Tail batches={len(self.offsets)} from={self.offsets[0] if self.offsets else None}>"
