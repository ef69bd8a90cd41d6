"""No lost write: what acks=all acknowledged stands in the log in the end.

Jepsen's lost-write. A topic's deletion and DeleteRecords take records by order; where the plan may lose (an unclean election, a
power cut of all replicas, a broken disk) each loss needs the fact that explains it.
"""

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import is_deleted, is_purged, keep_time, offsets_of, place_of, why_lost
from tests.simulation.history import ALL, Acknowledged
from tests.simulation.record import Record

SENTENCE = "what acks=all acknowledged stands in the log in the end"
look = keep_time


def check(record: Record) -> None:
    """Looks every acknowledged record up."""
    found = offsets_of(record)
    for one in record.history.of(Acknowledged):
        sent = one.sent
        if sent.acks != ALL or is_deleted(record, sent.topic_id):
            continue
        place = place_of(sent)
        if place not in found:
            raise Anomaly("lost_write", SENTENCE, one, f"nobody could read {place} in the end")
        if sent.value in found[place] or is_purged(record, place, one.offset):
            continue
        if why_lost(record, sent.topic, sent.partition, since_ms=one.at_ms, offset=one.offset) is None:
            raise Anomaly("lost_write", SENTENCE, one, *_what_stands_there(record, one))


def _what_stands_there(record: Record, one: Acknowledged) -> list[str]:
    entries = record.history.final[place_of(one.sent)]
    there = dict(entries).get(one.offset)
    return [f"the log holds {len(entries)} records up to offset {entries[-1][0] if entries else -1}", f"at {one.offset}: {there!r}"]
