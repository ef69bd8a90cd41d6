"""What acks=1 acknowledged is lost only with its leader: another was elected, and the log that held the record was cut.

Kafka's acks=1 promises the leader's log, no more; so a loss must be the one that this allows, and not another.
"""

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import ZOMBIE_MS, facts_of, keep_time, place_of, unexplained_losses
from tests.simulation.history import LEADER
from tests.simulation.record import Record

SENTENCE = "a record of acks=1 is lost only where its leader lost the lead and its log the record"
look = keep_time


def check(record: Record) -> None:
    """Looks for the leader change and the cut of every record that is gone."""
    for one, instead in unexplained_losses(record, LEADER):
        sent = one.sent
        if place_of(sent) not in record.history.final:
            raise Anomaly("lost_leader_write", SENTENCE, one, instead)
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
