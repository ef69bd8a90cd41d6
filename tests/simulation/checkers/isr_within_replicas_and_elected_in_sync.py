"""The ISR lies within the replicas, and whoever is elected was in the ISR or eligible before, unless the election says that it is unclean.

Read from the metadata log, and from what controllers told of it (KIP-704: an unclean leader is marked; KIP-966: eligible leader replicas).
"""

from typing import Any

from engine.metadata.image import MetadataImage, PartitionImage
from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import committed_metadata
from tests.simulation.record import Record

SENTENCE = "the ISR lies within the replicas, and only those in sync or eligible are elected, unless uncleanly"
RECOVERING = 1


def check(record: Record) -> None:
    """Replays the metadata log record by record."""
    image = MetadataImage()
    known: dict[tuple, PartitionImage] = {}
    for offset, change in committed_metadata(record):
        image.replay(change)
        topic = image.topics.get(image.topic_names.get(getattr(change, "topic_id", None), ""))
        partition = topic.partitions.get(getattr(change, "partition_id", -1)) if topic else None
        if partition is None:
            continue
        key = topic.id, change.partition_id
        problem = _problem(known.get(key), partition)
        if problem:
            where = f"metadata offset {offset}, {topic.name}-{change.partition_id}: {problem}"
            raise Anomaly("isr_within_replicas_and_elected_in_sync", SENTENCE, where, f"before: {known.get(key)}", f"after: {partition}")
        known[key] = partition
    _read_facts(record)


def _problem(before: PartitionImage | None, after: PartitionImage) -> str:
    if not {*after.isr, *after.elr} <= {*after.replicas}:
        return "the ISR or the ELR is not within the replicas"
    if {*after.isr} & {*after.elr}:
        return "a replica is in the ISR and in the ELR"
    if after.leader >= 0 and after.leader not in after.isr:
        return "the leader is not in the ISR"
    if before is None or after.leader < 0 or after.leader == before.leader:
        return ""
    if after.leader in (*before.isr, *before.elr) or after.leader_recovery_state == RECOVERING:
        return ""
    return "the elected leader was neither in the ISR nor eligible"


def _read_facts(record: Record) -> None:
    """A fact calls unclean what is unclean: its leader was not in the ISR nor eligible as told before."""
    in_sync: dict[tuple[str, int], set[int]] = {}
    for fact in record.universe.facts:
        if fact["kind"] in ("TopicCreated", "PartitionsAdded"):
            for row in fact["partitions"]:
                in_sync[fact["topic"], row["partition"]] = {*row["isr"], *row["elr"]}
        elif fact["kind"] in ("IsrShrunk", "IsrExpanded", "LeaderElected"):
            _read_election(fact, in_sync.get((fact["topic"], fact["partition"])))
            in_sync[fact["topic"], fact["partition"]] = {*fact["isr"], *fact["elr"], *_left_just_now(fact)}


def _left_just_now(fact: Any) -> tuple[int, ...]:
    """An election and the shrinking that it comes with are one record and two facts; the earlier one must not count against the other."""
    return tuple(fact["was"]) if fact["kind"] == "IsrShrunk" else ()


def _read_election(fact: Any, known: set[int] | None) -> None:
    if fact["kind"] != "LeaderElected" or known is None or fact["leader"] < 0 or fact["how"] == "unclean":
        return
    if fact["leader"] not in known:
        raise Anomaly("isr_within_replicas_and_elected_in_sync", SENTENCE, fact, f"in sync or eligible were {sorted(known)}")
