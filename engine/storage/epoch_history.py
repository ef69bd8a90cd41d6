"""Which leader epoch began at which offset: what divergence is decided by, and the file `leader-epoch-checkpoint`."""

from bisect import bisect_right
from typing import NamedTuple

UNDEFINED = (-1, -1)


class EpochStart(NamedTuple):
    epoch: int
    start_offset: int


class EpochHistory:
    """Epochs and the offsets of their first records, both growing. Pure; whoever changes it writes the file."""

    def __init__(self, entries: list[EpochStart] | None = None) -> None:
        self.entries: list[EpochStart] = []
        for entry in entries or []:
            self.assign(*entry)

    @property
    def latest(self) -> int | None:
        return self.entries[-1].epoch if self.entries else None

    @property
    def earliest(self) -> EpochStart | None:
        return self.entries[0] if self.entries else None

    def assign(self, epoch: int, start_offset: int) -> bool:
        """The epoch begins here. True when that is news. Entries that contradict it (later epoch or offset) are dropped."""
        if epoch < 0 or (self.entries and self.entries[-1].epoch == epoch):
            return False
        if self.entries and (epoch < self.entries[-1].epoch or start_offset <= self.entries[-1].start_offset):
            # A new epoch without records in between replaces the one that had none.
            self.entries = [entry for entry in self.entries if entry.epoch < epoch and entry.start_offset < start_offset]
        self.entries.append(EpochStart(epoch, start_offset))
        return True

    def end_offset_for(self, epoch: int, log_end_offset: int) -> tuple[int, int]:
        """(largest known epoch at or below `epoch`, the offset where it ended), as OffsetForLeaderEpoch answers.

        (-1, -1) when the epoch is younger than all that we know. An epoch older than all gets itself and our first start.
        """
        if epoch < 0 or not self.entries or epoch > self.entries[-1].epoch:
            return UNDEFINED
        if epoch == self.entries[-1].epoch:
            return epoch, log_end_offset
        number = bisect_right(self.entries, epoch, key=lambda entry: entry.epoch)
        end = self.entries[number].start_offset
        return (self.entries[number - 1].epoch, end) if number else (epoch, end)

    def epoch_of(self, offset: int) -> int | None:
        """The epoch that wrote the record at `offset`."""
        number = bisect_right(self.entries, offset, key=lambda entry: entry.start_offset)
        return self.entries[number - 1].epoch if number else None

    def truncate_from_end(self, end_offset: int) -> bool:
        """The log ends at `end_offset` now. True when entries went."""
        kept = [entry for entry in self.entries if entry.start_offset < end_offset]
        changed = len(kept) != len(self.entries)
        self.entries = kept
        return changed

    def truncate_from_start(self, start_offset: int) -> bool:
        """The log begins at `start_offset` now; the epoch that reaches over it begins there. True when something changed."""
        number = bisect_right(self.entries, start_offset, key=lambda entry: entry.start_offset)
        if number == 0 or (number == 1 and self.entries[0].start_offset == start_offset):
            return False
        self.entries[:number] = [EpochStart(self.entries[number - 1].epoch, start_offset)]
        return True

    def clear(self) -> None:
        self.entries = []

    def __repr__(self) -> str:
        return f"<EpochHistory {' '.join(f'{epoch}@{start}' for epoch, start in self.entries)}>"
