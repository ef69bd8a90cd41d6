"""No reader skips a record: from where it stands it is given the next one that the log has.

Jepsen's poll-skip. A new position (an assignment, a reset, a seek) begins anew.
"""

from bisect import bisect_left

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import Place, final, is_deleted, keep_time, place_of, why_lost
from tests.simulation.history import Polled, Positioned
from tests.simulation.record import Record

SENTENCE = "a reader is given every record from its position on"
look = keep_time


def check(record: Record) -> None:
    """Follows each reader through each partition."""
    offsets = {place: sorted(entries) for place, entries in final(record).items()}
    expected: dict[tuple[str, Place], tuple[int, object]] = {}
    for one in record.history.of(Polled, Positioned):
        place = place_of(one)
        reader = one.reader, place
        if isinstance(one, Positioned):
            expected[reader] = one.offset, one
            continue
        position, since = expected.get(reader, (one.position_was, "where it began"))
        expected[reader] = one.offset + 1, one
        stands = offsets.get(place, [])
        skipped = stands[bisect_left(stands, position) : bisect_left(stands, one.offset)]
        if skipped and not is_deleted(record, one.topic_id) and not _is_excused(record, one, skipped):
            raise Anomaly("skipped_poll", SENTENCE, since, one, f"between them stand {skipped[:10]}")


def _is_excused(record: Record, one: Polled, skipped: list[int]) -> bool:
    """The offsets may have been given anew: what stands there now did not when it was polled."""
    return why_lost(record, one.topic, one.partition, since_ms=one.at_ms, offset=skipped[0]) is not None
