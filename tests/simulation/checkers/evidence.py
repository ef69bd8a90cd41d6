"""What several checkers ask of a record: which partition something is about, what stands in it in the end, why something was lost.

Rule: only reads. What is looked up twice is kept in `record.notes` under a name that begins with "evidence".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from engine.protocol.record_batch import walk
from engine.quorum.metadata_log import MetadataLog
from tests.simulation.history import Acknowledged, BegunAnew, GivenUp, Sent

Place = tuple[str, str, int]  # topic, topic id, partition
Fact = dict[str, Any]

CLIENTS = "clients"  # what links call them all
LATE = {"LinkBreaks", "LinkSlow", "NetworkFlaky"}
ZOMBIE_MS = 30_000  # a deposed leader may go on acknowledging for so long after the election that its records are lost by


def place_of(entry: Any) -> Place:
    """Of anything in a history that is about a partition."""
    return entry.topic, entry.topic_id, entry.partition


def _kept(record: Any, name: str, size: int, make: Callable[[], Any]) -> Any:
    """What `make` makes of a list that only grows, made anew when it has grown."""
    known = record.notes.get(name)
    if known is None or known[0] != size:
        known = record.notes[name] = size, make()
    return known[1]


def final(record: Any) -> dict[Place, dict[int, bytes]]:
    """Partition -> offset -> value, of everything that the last reader found."""
    found = record.history.final
    return _kept(record, "evidence final", len(found), lambda: {place: dict(entries) for place, entries in found.items()})


def offsets_of(record: Any) -> dict[Place, dict[bytes, list[int]]]:
    """Partition -> value -> the offsets at which the last reader found it."""
    return _kept(record, "evidence offsets", len(record.history.final), lambda: _by_value(record.history.final))


def _by_value(final: dict[Place, list[tuple[int, bytes]]]) -> dict[Place, dict[bytes, list[int]]]:
    found: dict[Place, dict[bytes, list[int]]] = {}
    for place, entries in final.items():
        by_value = found[place] = {}
        for offset, value in entries:
            by_value.setdefault(value, []).append(offset)
    return found


def fresh_facts(record: Any, reader: str) -> list[Fact]:
    """The facts that were told since `reader` asked last."""
    name = f"{reader} has read"
    facts = record.universe.facts
    begin, record.notes[name] = record.notes.get(name, 0), len(facts)
    return facts[begin:]


def fresh_entries(record: Any, reader: str) -> list[Any]:
    """What clients noted since `reader` asked last."""
    name = f"{reader} has seen"
    seen = record.history.seen
    begin, record.notes[name] = record.notes.get(name, 0), len(seen)
    return seen[begin:]


def keep_time(record: Any) -> None:
    """A checker's `look`: facts have their node's time, whose clock may have jumped; so the universe's time is kept beside them."""
    times: list[tuple[int, int]] = record.notes.setdefault("evidence times", [])
    count = len(record.universe.facts)
    if not times or times[-1][0] != count:
        times.append((count, record.universe.simulation.now_ms()))


def heard(record: Any) -> list[tuple[int, Fact]]:
    """(the universe's time, fact) of all facts, in order; a little late, and the last time that is known for those after the last look."""
    facts = record.universe.facts
    return _kept(record, "evidence heard", len(facts), lambda: _timed(facts, record.notes.get("evidence times", [])))


def _timed(facts: list[Fact], times: list[tuple[int, int]]) -> list[tuple[int, Fact]]:
    if not times:
        return [(fact["at_ms"], fact) for fact in facts]
    found, begin = [], 0
    for count, now_ms in times:
        found += [(now_ms, fact) for fact in facts[begin:count]]
        begin = max(begin, count)
    return found + [(times[-1][1], fact) for fact in facts[begin:]]


def facts_of(record: Any, topic: str, partition: int) -> list[tuple[int, Fact]]:
    """(the universe's time, fact) of all facts about one partition, in order."""
    by_place = _kept(record, "evidence facts", len(record.universe.facts), lambda: _by_partition(heard(record)))
    return by_place.get((topic, partition), [])


def _by_partition(facts: list[tuple[int, Fact]]) -> dict[tuple[str, int], list[tuple[int, Fact]]]:
    found: dict[tuple[str, int], list[tuple[int, Fact]]] = {}
    for at_ms, fact in facts:
        if "topic" in fact and "partition" in fact:
            found.setdefault((fact["topic"], fact["partition"]), []).append((at_ms, fact))
    return found


def is_deleted(record: Any, topic_id: str) -> bool:
    """Was the topic deleted in this run? Its records and offsets went with it."""
    facts = record.universe.facts
    deleted = _kept(record, "evidence deleted", len(facts), lambda: {one["topic_id"] for one in facts if one["kind"] == "TopicDeleted"})
    return topic_id in deleted


def is_purged(record: Any, place: Place, offset: int) -> bool:
    """Were the records up to there deleted by order (DeleteRecords)?"""
    return any(
        fact["kind"] == "RecordsDeleted" and fact["log_start_offset"] > offset for _, fact in facts_of(record, place[0], place[2])
    )


def why_lost(record: Any, topic: str, partition: int, *, since_ms: int, offset: int = 0) -> Fact | None:
    """The fact that explains why a committed record at `offset`, written at `since_ms`, may be gone; None: nothing does.

    Only a plan that allows it has such facts: an unclean election, a log that came back shorter after a power cut, a broken disk.
    """
    if not _may_lose(record, topic):
        return None
    for at_ms, fact in facts_of(record, topic, partition):
        if at_ms < since_ms - ZOMBIE_MS:
            continue
        kind = fact["kind"]
        if kind == "LeaderElected" and fact["how"] == "unclean":
            return fact
        if kind == "LogRecovered" and fact["log_end_offset"] <= offset:
            return fact
        if kind == "StorageFailed":
            return fact
    return None


def _may_lose(record: Any, topic: str) -> bool:
    """`notes`: may_lose of a topic whose records at least two replicas must have, may_lose_alone of one where its leader is enough."""
    if record.notes.get("may_lose"):
        return True
    if not record.notes.get("may_lose_alone"):
        return False
    facts = record.universe.facts
    created = (fact for fact in facts if fact["kind"] == "TopicCreated")
    configs = _kept(record, "evidence configs", len(facts), lambda: {fact["topic"]: fact["topic_configs"] for fact in created})
    return configs.get(topic, {}).get("min.insync.replicas") == "1"


def unexplained_losses(record: Any, acks: int) -> Iterator[tuple[Acknowledged, str]]:
    """(record, what is there instead) of everything acknowledged with these acks that stands nowhere in the end.

    Not what was deleted by order, and not what a fact explains.
    """
    found = offsets_of(record)
    for one in record.history.of(Acknowledged):
        sent = one.sent
        if sent.acks != acks or is_deleted(record, sent.topic_id):
            continue
        place = place_of(sent)
        if place not in found:
            yield one, f"nobody could read {place} in the end"
        elif sent.value not in found[place] and not is_purged(record, place, one.offset):
            if why_lost(record, sent.topic, sent.partition, since_ms=one.at_ms, offset=one.offset) is None:
                yield one, _what_stands_there(record, one)


def _what_stands_there(record: Any, one: Acknowledged) -> str:
    entries = record.history.final[place_of(one.sent)]
    end = entries[-1][0] if entries else -1
    return f"the log holds {len(entries)} records up to offset {end}; at {one.offset}: {dict(entries).get(one.offset)!r}"


def replicas_here(record: Any) -> list[tuple[int, int, Any]]:
    """(node, incarnation, its replica) of everything that is open on running nodes, in order."""
    return [
        (number, node.spec.incarnation, replica)
        for number, node in sorted(record.universe.nodes.items())
        if node.replicas is not None
        for replica in node.replicas.all()
    ]


def batches_of(log: Any, begin: int, end: int) -> list[bytes]:
    """Those between two offsets, whole. A read stops where a segment ends, and replicas need not end theirs alike."""
    found: list[bytes] = []
    while begin < end:
        data = log.read_records(begin, bytes_max=1 << 30, upper=end)
        headers = list(walk(data))
        if not headers:
            break
        found += [bytes(data[position : position + header.size]) for position, header in headers]
        begin = headers[-1][1].next_offset
    return found


def leaders_now(record: Any) -> dict[tuple[UUID, int], Any]:
    """(topic id, partition) -> the replica that leads it in the newest epoch that was ever seen; one deposed without knowing counts not."""
    epochs: dict[tuple[UUID, int], int] = record.notes.setdefault("evidence epochs", {})
    leaders = {}
    for _, _, replica in replicas_here(record):
        key = replica.topic_id, replica.index
        if replica.is_leader and replica.leader_epoch >= epochs.get(key, -1):
            epochs[key] = replica.leader_epoch
            leaders[key] = replica
    return {key: replica for key, replica in leaders.items() if replica.leader_epoch == epochs[key]}


def committed_metadata(record: Any) -> list[tuple[int, Any]]:
    """(offset, record) of all that is committed in the metadata log, from the node that knows most of it."""
    nodes = [node for _, node in sorted(record.universe.nodes.items()) if node.raft is not None and node.raft.high_watermark]
    if not nodes:
        return []
    node = max(nodes, key=lambda each: each.raft.high_watermark)
    batches = MetadataLog(node.metadata_log).committed(node.metadata_log.log_start_offset, node.raft.high_watermark)
    return [entry for _, _, records in batches for entry in records]


def clients_may_be_late(record: Any) -> bool:
    """Where clients' connections are slow or break, an old commit may rightly arrive behind a newer one."""
    facts = record.universe.facts
    return _kept(record, "evidence late clients", len(facts), lambda: any(makes_clients_late(fact) for fact in facts))


def makes_clients_late(fact: Fact) -> bool:
    """A fact of the universe about a link on which what clients send may arrive late."""
    return not fact.get("id") and (fact["kind"] in LATE or (fact["kind"] == "Cut" and any(CLIENTS in pair for pair in fact["pairs"])))


def was_unsettled_at_a_new_epoch(record: Any, sent: Sent) -> bool:
    """Was it neither acknowledged nor given up when its producer raised its epoch: because it gave up another record of the partition,
    because a broker that did not know it yet had refused its first batch and taken a later one (with Kafka a stranger may begin anywhere),
    or because a leader that was deposed and did not know it had refused a batch? (It checks sequences against what it has, as Kafka's does.)"""
    settled_ms = next((one.at_ms for one in record.history.of(Acknowledged, GivenUp) if one.sent == sent), float("inf"))

    def meanwhile(at_ms: int, one: Any) -> bool:
        return one.producer == sent.producer and place_of(one) == place_of(sent) and sent.at_ms <= at_ms <= settled_ms

    return any(one.sent != sent and meanwhile(one.at_ms, one.sent) for one in record.history.of(GivenUp)) or any(
        meanwhile(one.at_ms, one) and (not one.acknowledged or _was_deposed(record, one)) for one in record.history.of(BegunAnew)
    )


def _was_deposed(record: Any, begun: BegunAnew) -> bool:
    """Had the partition a newer leader than the one that the producer asked?"""
    return begun.leader_epoch >= 0 and any(
        fact["kind"] == "LeaderElected" and fact["leader_epoch"] > begun.leader_epoch and at_ms <= begun.at_ms
        for at_ms, fact in facts_of(record, begun.topic, begun.partition)
    )
