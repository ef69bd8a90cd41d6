"""Whoever is in the ISR has everything that was ever committed, so whoever of them is elected has it too.

Looked at only where the leader and the follower agree that it is in the ISR, in the newest epoch: one that has just come back from a
power cut is out of the ISR before it knows. A new leader may not know yet how far its records are committed, so its log end counts.
"""

from typing import Any
from uuid import UUID

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import leaders_now, replicas_here, why_lost
from tests.simulation.record import Record

SENTENCE = "whoever is in the ISR has everything that is committed"


def look(record: Record) -> None:
    """Compares the log ends of those in sync with how far their partition was ever committed."""
    committed: dict[tuple[UUID, int], int] = record.notes.setdefault("in_sync_is_caught_up", {})
    leaders = leaders_now(record)
    replicas = replicas_here(record)
    for _, _, replica in replicas:
        if replica.is_leader:
            key = replica.topic_id, replica.index
            committed[key] = max(committed.get(key, 0), replica.log.high_watermark)
    for number, _, replica in replicas:
        key = replica.topic_id, replica.index
        leader = leaders.get(key)
        if leader is None or replica.log.log_end_offset >= committed[key] or not _are_in_sync(leader, number, replica):
            continue
        if why_lost(record, replica.topic, replica.index, since_ms=0, offset=committed[key] - 1) is None:
            evidence = f"committed up to {committed[key]}", f"node {number}: {replica}", f"led by {leader}"
            raise Anomaly("in_sync_is_caught_up", SENTENCE, *evidence)
        committed[key] = leader.log.high_watermark  # what was lost for a reason is not committed any more


def _are_in_sync(leader: Any, number: int, replica: Any) -> bool:
    return replica.leader_epoch == leader.leader_epoch and number in leader.isr and number in replica.isr
