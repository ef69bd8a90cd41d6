"""Where the newest batches begin: reads at the end of the log need neither index nor file.

Followers and consumers that keep up ask only here. Rule: the two lists grow together and belong to the active segment.
"""

BATCHES_KEPT_MAX = 4096  # some 300 KiB a busy log; a follower that is further behind can afford an index lookup
NEWEST_BYTES_MAX = 4096  # of a leader's newest batch: its followers and consumers all ask for it, and reading it costs as much as sending it


class Tail:
    """First offsets and positions of the newest batches, oldest first, without a gap to the end of the log."""

    __slots__ = ("newest", "offsets", "positions")

    def __init__(self) -> None:
        self.offsets: list[int] = []
        self.positions: list[int] = []
        self.newest: bytes | None = None  # the last batch itself, if it is short and was appended by a leader

    def add(self, base_offset: int, position: int) -> None:
        self.offsets.append(base_offset)
        self.positions.append(position)
        self.newest = None
        if len(self.offsets) > BATCHES_KEPT_MAX:
            del self.offsets[: BATCHES_KEPT_MAX // 2], self.positions[: BATCHES_KEPT_MAX // 2]

    def keep_newest(self, batch: memoryview | bytearray) -> None:
        """What was added last."""
        if len(batch) <= NEWEST_BYTES_MAX:
            self.newest = bytes(batch)

    def clear(self) -> None:
        self.offsets.clear()
        self.positions.clear()
        self.newest = None

    def __repr__(self) -> str:
        return f"<Tail batches={len(self.offsets)} from={self.offsets[0] if self.offsets else None}>"
