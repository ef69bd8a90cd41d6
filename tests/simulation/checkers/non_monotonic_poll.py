"""No reader goes back: the offsets that it is given grow, and whoever takes over for a group begins where the group had come to.

Jepsen's nonmonotonic-poll. A seek begins anew. A log that turns out shorter than what was read of it (KIP-320) has lost. A group that
committed is not reset, unless what it committed is gone by order or by a loss that the facts explain.
"""

from typing import Any

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import Place, clients_may_be_late, is_deleted, is_purged, keep_time, place_of, why_lost
from tests.simulation.history import Committed, Polled, Positioned
from tests.simulation.record import Record

SENTENCE = "the offsets that a reader is given grow, and a group goes on where it has committed"
OFFSETS_TOPIC = "__consumer_offsets"
ON_ITS_WAY_MS = 4_000  # an answer may be under way for so long (then its client asks again) while the next commit is acknowledged
look = keep_time


def check(record: Record) -> None:
    """Follows each reader and each group through each partition."""
    last: dict[tuple[str, Place], Polled] = {}
    committed: dict[tuple[str, Place], list[Committed]] = {}
    for one in record.history.of(Polled, Positioned, Committed):
        place = place_of(one)
        if isinstance(one, Committed):
            committed.setdefault((one.group, place), []).append(one)
        elif isinstance(one, Positioned):
            if one.why == "truncated" and not _is_excused(record, one, one.at_ms):
                raise Anomaly("non_monotonic_poll", SENTENCE, one, f"it had read up to {last.get((one.reader, place))}")
            last.pop((one.reader, place), None)
            if one.group is not None and one.why != "seek":
                _begins_where_the_group_was(record, one, committed.get((one.group, place), []))
        else:
            before = last.get((one.reader, place))
            if before is not None and one.offset <= before.offset and not _is_excused(record, one, before.at_ms):
                raise Anomaly("non_monotonic_poll", SENTENCE, before, one)
            last[one.reader, place] = one
    _ends_where_the_group_was(record, committed)


def _begins_where_the_group_was(record: Record, one: Positioned, commits: list[Committed]) -> None:
    """Also a reset is behind the last commit: it forgets that there was one."""
    sure = [commit for commit in commits if commit.at_ms <= one.at_ms - ON_ITS_WAY_MS]
    if not sure or (one.why == "committed" and (one.offset >= sure[-1].offset or clients_may_be_late(record))):
        return
    if not _is_excused(record, one, sure[-1].at_ms) and not is_purged(record, place_of(one), sure[-1].offset):
        raise Anomaly("non_monotonic_poll", SENTENCE, sure[-1], one)


def _ends_where_the_group_was(record: Record, committed: dict[tuple[str, Place], list[Committed]]) -> None:
    for (group, place), commits in committed.items():
        in_the_end = record.history.final_committed.get((group, *place))
        if in_the_end is None or is_deleted(record, place[1]) or clients_may_be_late(record):
            continue
        if in_the_end < commits[-1].offset and not _is_excused(record, commits[-1], commits[-1].at_ms):
            raise Anomaly("non_monotonic_poll", SENTENCE, commits[-1], f"in the end the group's offset is {in_the_end}")


def _is_excused(record: Record, one: Any, since_ms: int) -> bool:
    """The topic or the group was deleted; or the partition lost records, or the one of __consumer_offsets that the group lives on."""
    if is_deleted(record, one.topic_id) or why_lost(record, one.topic, one.partition, since_ms=since_ms) is not None:
        return True
    facts = record.universe.facts
    if any(fact["kind"] == "GroupDeleted" and fact["group"] == one.group and fact["at_ms"] >= since_ms for fact in facts):
        return True
    offsets = {fact["partition"] for fact in facts if fact.get("topic") == OFFSETS_TOPIC and "partition" in fact}
    return any(why_lost(record, OFFSETS_TOPIC, index, since_ms=since_ms) is not None for index in sorted(offsets))
