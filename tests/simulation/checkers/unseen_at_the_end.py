"""Nothing stays unseen: in the end each group has been given every record from where it began.

Jepsen's unseen. A group that skipped records by order (a reset to the latest offset, a seek) need not have seen them. Until the
run says that its readers have drained the log (`notes["drained"]`), only what lies before a group's committed offset counts.
"""

from collections import defaultdict

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import Place, is_deleted, place_of, why_lost
from tests.simulation.history import Polled, Positioned
from tests.simulation.record import Record

SENTENCE = "each group is given every record from where it began"
BY_ORDER = ("latest", "seek")


def check(record: Record) -> None:
    """Takes what each group was given from what it had to be given."""
    given: dict[tuple[str, Place], set[int]] = defaultdict(set)
    began: dict[tuple[str, Place], int] = {}
    skips: dict[tuple[str, Place], int] = {}
    for one in record.history.of(Polled, Positioned):
        if one.group is None:
            continue
        key = one.group, place_of(one)
        if isinstance(one, Polled):
            given[key].add(one.offset)
            continue
        began[key] = min(one.offset, began.get(key, one.offset))
        if one.why in BY_ORDER:
            skips[key] = max(one.offset, skips.get(key, 0))
    for key, begin in began.items():
        group, place = key
        if is_deleted(record, place[1]) or place not in record.history.final:
            continue
        end = None if record.notes.get("drained") else record.history.final_committed.get((group, *place), 0)
        begin = max(begin, skips.get(key, 0))
        unseen = [
            offset
            for offset, _ in record.history.final[place]
            if offset >= begin and offset not in given[key] and (end is None or offset < end)
        ]
        # Offsets that were given anew after a loss may be behind what the group had read of the log before.
        if unseen and why_lost(record, place[0], place[2], since_ms=0) is None:
            raise Anomaly("unseen_at_the_end", SENTENCE, f"group {group} was never given {place} at {unseen[:10]} ({len(unseen)} in all)")
