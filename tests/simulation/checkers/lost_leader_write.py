"""What acks=1 acknowledged is lost only with its leader: another was elected, and the log that held the record was cut.

Kafka's acks=1 promises the leader's log, no more; so a loss must be the one that this allows, and not another.
"""

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import (
    ZOMBIE_MS,
    facts_of,
    is_deleted,
    is_purged,
    keep_time,
    offsets_of,
    place_of,
    why_lost,
)
from tests.simulation.history import LEADER, Acknowledged
from tests.simulation.record import Record

SENTENCE = "a record of acks=1 is lost only where its leader lost the lead and its log the record"
look = keep_time


def check(record: Record) -> None:
    """Looks for the leader change and the cut of every record that is gone."""
    found = offsets_of(record)
    for one in record.history.of(Acknowledged):
        sent = one.sent
        if sent.acks != LEADER or is_deleted(record, sent.topic_id):
            continue
        place = place_of(sent)
        if place not in found:
            raise Anomaly("lost_leader_write", SENTENCE, one, f"nobody could read {place} in the end")
        if sent.value in found[place] or is_purged(record, place, one.offset):
            continue
        if why_lost(record, sent.topic, sent.partition, since_ms=one.at_ms, offset=one.offset):
            continue
        facts = [fact for at_ms, fact in facts_of(record, sent.topic, sent.partition) if at_ms >= one.at_ms - ZOMBIE_MS]
        elected = [fact for fact in facts if fact["kind"] == "LeaderElected" and fact["leader"] != fact["was_leader"]]
        if not elected or not any(_takes(fact, one.offset) for fact in facts):
            why = f"{len(elected)} elections since, and no log that was cut at its offset"
            raise Anomaly("lost_leader_write", SENTENCE, one, why, *elected)


def _takes(fact: dict, offset: int) -> bool:
    """Did a log lose the record at this offset?"""
    if fact["kind"] == "LogTruncated":
        return fact["to_offset"] <= offset < fact["was_log_end_offset"]
    return fact["kind"] == "LogRecovered" and fact["log_end_offset"] <= offset
