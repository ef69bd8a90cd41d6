"""What was acknowledged against what was read: lost, duplicated, reordered, skipped, changed.

Rule: nothing here knows a cluster; both sides are lists by partition.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass

Acked = dict[int, list[bytes]]  # values by partition, in the order in which they were sent
Read = tuple[int, int, bytes]  # partition, offset, value


@dataclass(frozen=True, slots=True)
class Findings:
    """Each is a number of records; a promise is kept when all but `reread` are 0."""

    lost: int = 0  # acknowledged, and read by nobody
    duplicated: int = 0  # read at more than one offset
    reordered: int = 0  # read behind one that was sent later
    skipped: int = 0  # offsets that nobody read, below one that somebody read
    changed: int = 0  # offsets at which different values were read
    reread: int = 0  # read again at its offset, which a group may do after a rebalance

    @property
    def broken(self) -> dict[str, int]:
        """What should not be, with its number."""
        named = {name: getattr(self, name) for name in ("lost", "duplicated", "reordered", "skipped", "changed")}
        return {name: number for name, number in named.items() if number}


def compare(acked: Acked, reads: list[Read]) -> Findings:
    """`reads` in the order in which they were read; values are numbers that grow with sending."""
    found: dict[int, dict[int, set[bytes]]] = defaultdict(lambda: defaultdict(set))
    for partition, offset, value in reads:
        found[partition][offset].add(value)
    lost = duplicated = reordered = skipped = changed = 0
    for partition in sorted(set(acked) | set(found)):
        at = found[partition]
        values = [value for offset in sorted(at) for value in sorted(at[offset])]
        lost += len(set(acked.get(partition, ())) - set(values))
        duplicated += sum(times - 1 for times in Counter(values).values())
        reordered += sum(int(later) < int(earlier) for earlier, later in zip(values, values[1:], strict=False))
        skipped += max(at, default=-1) + 1 - len(at)
        changed += sum(len(each) > 1 for each in at.values())
    distinct = len(set(reads))
    return Findings(lost, duplicated, reordered, skipped, changed, reread=len(reads) - distinct)


def values_of(reads: list[Read], partition: int) -> list[bytes]:
    """What was read of a partition, by offset."""
    return [value for _, value in sorted({(offset, value) for found, offset, value in reads if found == partition})]
