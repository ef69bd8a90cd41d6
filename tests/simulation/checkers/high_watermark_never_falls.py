"""Within one incarnation of a node a replica's high watermark never falls; a restarted node begins from its checkpoint.

What was committed once stays so; that the next leader has it too is in_sync_is_caught_up.
"""

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import replicas_here, why_lost
from tests.simulation.record import Record

SENTENCE = "a replica's high watermark never falls while its node runs"


def look(record: Record) -> None:
    """Compares every replica with the last look."""
    seen = record.notes.setdefault("high_watermark_never_falls", {})
    for number, incarnation, replica in replicas_here(record):
        key = number, incarnation, replica.topic_id, replica.index
        now = replica.log.high_watermark
        before = seen.get(key, 0)
        seen[key] = now
        if now < before and why_lost(record, replica.topic, replica.index, since_ms=0, offset=now) is None:
            raise Anomaly("high_watermark_never_falls", SENTENCE, f"node {number}: {before} -> {now}", replica)
