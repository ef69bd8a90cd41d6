"""Nobody is given a record that does not stay: what was polled at an offset stands there in the end.

Jepsen's G1a, for a cluster without transactions: a reader sees what is below the high watermark, and that is never taken back.
"""

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import final, is_deleted, is_purged, keep_time, place_of, why_lost
from tests.simulation.history import Polled
from tests.simulation.record import Record

SENTENCE = "what a reader was given at an offset stands there in the end"
look = keep_time


def check(record: Record) -> None:
    """Looks every polled record up."""
    found = final(record)
    for one in record.history.of(Polled):
        place = place_of(one)
        if is_deleted(record, one.topic_id) or found.get(place, {}).get(one.offset) == one.value:
            continue
        if is_purged(record, place, one.offset):
            continue
        if why_lost(record, one.topic, one.partition, since_ms=one.at_ms, offset=one.offset) is None:
            there = found.get(place, {}).get(one.offset)
            raise Anomaly("uncommitted_read", SENTENCE, one, f"in the end there is {there!r}")
