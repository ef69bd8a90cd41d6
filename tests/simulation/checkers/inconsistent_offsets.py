"""One value at each offset: no reader and no acknowledgement tells of two, and a record is read where it was acknowledged.

Jepsen's inconsistent-offsets. What acks=1 acknowledged counts only if it is in the log: a lost one's offset is given again, and of a record
that was sent twice the copy that was acknowledged may be the one that is lost.
"""

from typing import Any

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import Place, final, is_deleted, keep_time, offsets_of, place_of, why_lost
from tests.simulation.history import ALL, Acknowledged, Polled
from tests.simulation.record import Record

SENTENCE = "an offset holds one value, and a record is read at the offset that it was acknowledged with"
look = keep_time


def check(record: Record) -> None:
    """Holds all that was told of each offset side by side."""
    told: dict[tuple[Place, int], tuple[bytes, Any]] = {}
    for place, entries in final(record).items():
        for offset, value in entries.items():
            told[place, offset] = value, f"the last reader found {value!r}"
    read: dict[Place, dict[bytes, set[int]]] = {}
    for one in record.history.of(Polled):
        _compare(record, told, place_of(one), one.offset, one.value, one)
        read.setdefault(place_of(one), {}).setdefault(one.value, set()).add(one.offset)
    found = offsets_of(record)
    for one in record.history.of(Acknowledged):
        place, value = place_of(one.sent), one.sent.value
        if one.offset < 0:
            continue
        known = {*found.get(place, {}).get(value, ()), *read.get(place, {}).get(value, ())}
        if known and one.offset not in known:
            if one.sent.acks == ALL and not _is_excused(record, place, one.at_ms):
                raise Anomaly("inconsistent_offsets", SENTENCE, one, f"it was read at {sorted(known)}")
        elif one.sent.acks == ALL and not is_deleted(record, one.sent.topic_id):
            _compare(record, told, place, one.offset, value, one)


def _compare(record: Record, told: dict, place: Place, offset: int, value: bytes, one: Any) -> None:
    known = told.setdefault((place, offset), (value, one))
    if known[0] != value and not _is_excused(record, place, one.at_ms, offset):
        raise Anomaly("inconsistent_offsets", SENTENCE, f"{place} at {offset}", known[1], one)


def _is_excused(record: Record, place: Place, at_ms: int, offset: int = 0) -> bool:
    return why_lost(record, place[0], place[2], since_ms=at_ms, offset=offset) is not None
