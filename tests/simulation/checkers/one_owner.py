"""In each generation of a group a partition has one owner, and each member owns what the group's leader gave it.

Eager and cooperative: a generation's assignment is what SyncGroup answers in it, and a partition that moves is nobody's for a generation.
"""

from tests.simulation.anomaly import Anomaly
from tests.simulation.history import Assigned
from tests.simulation.record import Record

SENTENCE = "in each generation of a group a partition has one owner, the one that the leader chose"

Generation = tuple[str, int]


def check(record: Record) -> None:
    """Holds side by side what members were told, and what the coordinator stored."""
    owners: dict[tuple[str, int, str, int], Assigned] = {}
    stored = _stored(record)
    for one in record.history.of(Assigned):
        if _counts_anew(record, stored.get((one.group, one.generation), [])):
            continue
        for topic, partition in sorted(one.owned):
            other = owners.setdefault((one.group, one.generation, topic, partition), one)
            if other.member != one.member:
                raise Anomaly("one_owner", SENTENCE, f"{topic}-{partition}", other, one)
    for one in record.history.of(Assigned):
        given = stored.get((one.group, one.generation))
        if given and one.member in (member for each in given for member in each):
            if not any(one.owned == each.get(one.member) for each in given):
                raise Anomaly("one_owner", SENTENCE, one, f"stored for the generation: {given}")


def _counts_anew(record: Record, given: list[dict[str, frozenset[tuple[str, int]]]]) -> bool:
    """Where what was acknowledged may be lost, so may a group's latest generations: its coordinator then gives their numbers again."""
    return bool(record.notes.get("may_lose")) and any(each != given[0] for each in given)


def _stored(record: Record) -> dict[Generation, list[dict[str, frozenset[tuple[str, int]]]]]:
    """(group, generation) -> member -> partitions; more than one when the group was deleted and began anew."""
    found: dict[Generation, list[dict[str, frozenset[tuple[str, int]]]]] = {}
    for fact in record.universe.facts:
        if fact["kind"] != "GroupRebalanced":
            continue
        assignment = {member: _partitions(of_member) for member, of_member in fact["assignment"].items()}
        found.setdefault((fact["group"], fact["generation"]), []).append(assignment)
        owned = [partition for partitions in assignment.values() for partition in partitions]
        if len(owned) != len(set(owned)):
            raise Anomaly("one_owner", SENTENCE, fact)
    return found


def _partitions(of_member: dict[str, tuple[int, ...]] | None) -> frozenset[tuple[str, int]]:
    return frozenset((topic, partition) for topic, partitions in (of_member or {}).items() for partition in partitions)
