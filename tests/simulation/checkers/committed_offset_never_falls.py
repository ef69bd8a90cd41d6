"""What a group has committed never falls: who commits has begun where the group was, and who is out of the group commits nothing.

Looked at where the coordinator keeps it. Where clients' connections are slow or break, an old commit may rightly arrive behind a newer one.
"""

from typing import Any

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import fresh_facts, is_deleted, makes_clients_late, why_lost
from tests.simulation.record import Record

SENTENCE = "a group's committed offset never falls"


def look(record: Record) -> None:
    """Compares every group with the last look, unless an older coordinator keeps it that does not know yet that it is none."""
    watch: dict[str, Any] = record.notes.setdefault("committed_offset_never_falls", {"epochs": {}, "offsets": {}, "late": False})
    watch["late"] = watch["late"] or any(makes_clients_late(fact) for fact in fresh_facts(record, "committed_offset_never_falls"))
    for _, node in sorted(record.universe.nodes.items()):
        for shard in node.groups.all() if node.groups is not None else ():
            index, epoch = shard.partition.index, shard.partition.leader_epoch
            if shard.is_active and epoch >= watch["epochs"].get(index, -1):
                watch["epochs"][index] = epoch
                _compare(record, watch, shard)


def _compare(record: Record, watch: dict[str, Any], shard: Any) -> None:
    offsets = watch["offsets"]
    for group in sorted(shard.ledger.offsets):
        for key, value in shard.ledger.keys_of(group):
            place = group, key.topic, str(value.topic_id), key.partition
            before = offsets.get(place, -1)
            offsets[place] = value.offset
            if value.offset < before and not watch["late"] and not _is_excused(record, shard, key, str(value.topic_id)):
                raise Anomaly("committed_offset_never_falls", SENTENCE, f"{place}: {before} -> {value.offset}", shard)


def _is_excused(record: Record, shard: Any, key: Any, topic_id: str) -> bool:
    places = (key.topic, key.partition), (shard.partition.topic, shard.partition.index)
    return is_deleted(record, topic_id) or any(why_lost(record, *place, since_ms=0) is not None for place in places)
