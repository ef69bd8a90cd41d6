"""What acks=0 sent vanishes only where something broke: a connection, a node, or the lead of its partition.

Nobody acknowledges such a record, so it may be lost on its way; but a cluster in peace takes it.
"""

from bisect import bisect_left

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import facts_of, heard, is_deleted, is_purged, keep_time, offsets_of, place_of
from tests.simulation.history import NONE, Acknowledged
from tests.simulation.record import Record

SENTENCE = "a record of acks=0 vanishes only where a connection, a node or the lead of its partition was lost"
AROUND_MS = 15_000  # a cut or a silent node is noticed, and a leader that is gone is still asked, for so long
OF_NODES = {"ClientDisconnected", "BrokerFenced", "SessionExpired", "ControlledShutdownBegan", "ControllerLost"}
OF_PARTITIONS = {"LeaderElected", "StorageFailed", "LogTruncated", "LogRecovered"}
look = keep_time


def check(record: Record) -> None:
    """Looks for trouble around every record that is gone."""
    found = offsets_of(record)
    troubles = sorted(at_ms for at_ms, fact in heard(record) if fact["kind"] in OF_NODES or _is_trouble(fact))
    for one in record.history.of(Acknowledged):
        sent = one.sent
        place = place_of(sent)
        if sent.acks != NONE or is_deleted(record, sent.topic_id) or sent.value in found.get(place, ()) or is_purged(record, place, 0):
            continue
        led = sorted(at_ms for at_ms, fact in facts_of(record, sent.topic, sent.partition) if fact["kind"] in OF_PARTITIONS)
        if not (_is_near(troubles, sent.at_ms) or _is_near(led, sent.at_ms) or _in_a_fault(record, sent.at_ms)):
            raise Anomaly("lost_unacknowledged", SENTENCE, sent, f"nothing broke within {AROUND_MS} ms of it")


def _is_trouble(fact: dict) -> bool:
    """What the universe did to the cluster has no id; that a node starts, or an operator asks for something, breaks nothing."""
    return not fact.get("id") and fact["kind"] not in ("Asked", "Started", "Healed")


def _is_near(times: list[int], at_ms: int) -> bool:
    position = bisect_left(times, at_ms - AROUND_MS)
    return position < len(times) and times[position] <= at_ms + AROUND_MS


def _in_a_fault(record: Record, at_ms: int) -> bool:
    """Of the plan, which begins when the load does."""
    began_ms = next((one.at_ms for one in record.history.seen), 0)
    return any(
        began_ms + step.at_ms - AROUND_MS <= at_ms <= began_ms + step.at_ms + step.lasts_ms + AROUND_MS for step in record.plan.steps
    )
