"""Nothing stays unseen: in the end each group, and each reader without one, has been given every record from where it began.

Jepsen's unseen; a run's readers go on until they stand at the end. One that skipped records by order (a reset to the latest offset, a
seek) need not have seen them.
"""

from collections import defaultdict

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import Place, is_deleted, keep_time, place_of, why_lost
from tests.simulation.history import Polled, Positioned
from tests.simulation.record import Record

SENTENCE = "each group and each reader is given every record from where it began"
BY_ORDER = ("latest", "seek")
look = keep_time


def check(record: Record) -> None:
    """Takes what each was given from what it had to be given."""
    given: dict[tuple[str, Place], set[int]] = defaultdict(set)
    began: dict[tuple[str, Place], int] = {}
    skips: dict[tuple[str, Place], int] = {}
    for one in record.history.of(Polled, Positioned):
        key = one.group or one.reader, place_of(one)
        if isinstance(one, Polled):
            given[key].add(one.offset)
            continue
        began[key] = min(one.offset, began.get(key, one.offset))
        if one.why in BY_ORDER:
            skips[key] = max(one.offset, skips.get(key, 0))
    for key, begin in began.items():
        who, place = key
        if is_deleted(record, place[1]) or place not in record.history.final:
            continue
        begin = max(begin, skips.get(key, 0))
        unseen = [offset for offset, _ in record.history.final[place] if offset >= begin and offset not in given[key]]
        # Offsets that were given anew after a loss may be behind what the group had read of the log before.
        if unseen and why_lost(record, place[0], place[2], since_ms=0) is None:
            raise Anomaly("unseen_at_the_end", SENTENCE, f"{who} was never given {place} at {unseen[:10]} ({len(unseen)} in all)")
