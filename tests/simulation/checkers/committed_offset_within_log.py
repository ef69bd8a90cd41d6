"""A group's committed offset is never beyond the end of its partition's log."""

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import Place, fresh_entries, leaders_now, place_of, why_lost
from tests.simulation.history import Committed
from tests.simulation.record import Record

SENTENCE = "a committed offset is never beyond the log's end"


def look(record: Record) -> None:
    """Compares fresh commits with their leader's log; those of a partition without a leader wait until it has one."""
    waiting: list[Committed] = record.notes.setdefault("committed_offset_within_log", [])
    waiting += [one for one in fresh_entries(record, "committed_offset_within_log") if isinstance(one, Committed)]
    if not waiting:
        return
    ends = _ends(record)
    for one in waiting:
        _compare(record, place_of(one), one.offset, ends, one)
    waiting[:] = [one for one in waiting if place_of(one) not in ends]


def check(record: Record) -> None:
    """Compares what groups find in the end."""
    look(record)
    ends = _ends(record)
    for (group, topic, topic_id, partition), offset in record.history.final_committed.items():
        _compare(record, (topic, topic_id, partition), offset, ends, f"in the end group {group} has {offset} of {topic}-{partition}")


def _ends(record: Record) -> dict[Place, int]:
    return {
        (leader.topic, str(topic_id), index): leader.log.log_end_offset for (topic_id, index), leader in leaders_now(record).items()
    }


def _compare(record: Record, place: Place, offset: int, ends: dict[Place, int], evidence: object) -> None:
    if offset > ends.get(place, offset) and why_lost(record, place[0], place[2], since_ms=0, offset=offset - 1) is None:
        raise Anomaly("committed_offset_within_log", SENTENCE, evidence, f"the log ends at {ends[place]}")
