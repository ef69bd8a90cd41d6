"""Tiny hand-made runs for the checkers' own tests: what clients saw, what nodes held, what was told, moment by moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any
from uuid import UUID

from engine.metadata.image import MetadataImage
from engine.protocol.record_batch import Record as KafkaRecord
from engine.protocol.record_batch import encode_batch, stamp
from engine.protocol.stored import metadata as stored
from tests.simulation.history import ALL, Acknowledged, Assigned, Committed, GivenUp, History, Polled, Positioned, Sent
from tests.simulation.plan import Plan
from tests.simulation.record import Record

TOPIC, ID = "orders", UUID(int=7)
PLACE = (TOPIC, str(ID), 0)
PLAN = Plan(seed=1, seconds=1, nodes=3, steps=(), workloads=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What came since the moment before, and how the nodes stand now. `final`: offset -> value, found by the last reader."""

    seen: Sequence[Any] = ()
    facts: Sequence[dict] = ()
    nodes: dict[int, Any] = field(default_factory=dict)
    final: Sequence[tuple[int, bytes]] = ()
    committed: dict[str, int] = field(default_factory=dict)


def judge(checker: ModuleType, *moments: Moment, may_lose: bool = False) -> None:
    """Lets the checker look at each moment, and check in the end. Raises Anomaly."""
    simulation = SimpleNamespace(now_ms=lambda: max((one["at_ms"] for one in universe.facts), default=0))
    voters = {1: ("node-1", 9092), 2: ("node-2", 9092), 3: ("node-3", 9092)}
    universe = SimpleNamespace(
        facts=[], images=[], nodes={}, voters=voters, simulation=simulation, disk_of=lambda number: SimpleNamespace(failing_reads=False)
    )
    notes = {"may_lose": may_lose}
    record: Any = Record(plan=PLAN, universe=universe, history=History(), notes=notes)  # type: ignore[arg-type]
    for moment in moments:
        universe.facts += moment.facts
        universe.nodes = moment.nodes
        record.history.seen += moment.seen
        if hasattr(checker, "look"):
            checker.look(record)
    record.healed = True
    record.history.final[PLACE] = list(moments[-1].final)
    record.history.final_committed = {(group, *PLACE): offset for group, offset in moments[-1].committed.items()}
    if hasattr(checker, "check"):
        checker.check(record)


# ---- what clients saw


def sent(value: bytes, number: int = 0, *, acks: int = ALL, producer: str = "shop", at_ms: int = 100_000) -> Sent:
    """A record on its way to orders-0."""
    return Sent(at_ms=at_ms, producer=producer, acks=acks, topic=TOPIC, topic_id=str(ID), partition=0, number=number, value=value)


def acknowledged(value: bytes, offset: int, *, acks: int = ALL, at_ms: int = 100_000) -> Acknowledged:
    """It stands at the offset, says the leader."""
    return Acknowledged(at_ms=at_ms, sent=sent(value, acks=acks, at_ms=at_ms), offset=offset)


def given_up(value: bytes, *, at_ms: int = 100_000) -> GivenUp:
    """Its producer stopped trying."""
    return GivenUp(at_ms=at_ms, sent=sent(value, at_ms=at_ms), error="silence")


def polled(offset: int, value: bytes, *, reader: str = "reader", group: str | None = "billing", was: int = 0) -> Polled:
    """A reader is given a record of orders-0."""
    return Polled(
        at_ms=100_000, reader=reader, group=group, generation=1, topic=TOPIC, topic_id=str(ID), partition=0, position_was=was,
        offset=offset, value=value,
    )  # fmt: skip


def positioned(offset: int, *, why: str = "committed", reader: str = "reader", at_ms: int = 100_000) -> Positioned:
    """A member of the group begins to read orders-0."""
    return Positioned(
        at_ms=at_ms, reader=reader, group="billing", generation=1, topic=TOPIC, topic_id=str(ID), partition=0, offset=offset, why=why
    )


def committed(offset: int, *, at_ms: int = 100_000) -> Committed:
    """The coordinator took the group's offset."""
    return Committed(at_ms=at_ms, group="billing", member="m", generation=1, topic=TOPIC, topic_id=str(ID), partition=0, offset=offset)


def assigned(member: str, *partitions: int, generation: int = 1) -> Assigned:
    """A member hears what it owns."""
    owned = frozenset((TOPIC, partition) for partition in partitions)
    return Assigned(at_ms=100_000, reader=member, member=member, group="billing", generation=generation, owned=owned)


# ---- what was told


def fact(kind: str, **fields: Any) -> dict:
    """As it comes from a node, about orders-0 unless it says otherwise."""
    here = {"topic": TOPIC, "partition": 0} if kind in OF_PARTITIONS else {}
    return {"kind": kind, "id": f"1.1.{kind}", "node": 1, "incarnation": 1, "at_ms": 100_000, "causes": ()} | here | fields


OF_PARTITIONS = {"LeaderElected", "IsrShrunk", "IsrExpanded", "LogTruncated", "LogRecovered", "RecordsDeleted", "StorageFailed"}


def elected(leader: int, epoch: int, *, was: int = 1, how: str = "in-sync", isr: Sequence[int] = (1, 2, 3), **fields: Any) -> dict:
    """A controller says who leads orders-0."""
    return fact(
        "LeaderElected", leader=leader, was_leader=was, leader_epoch=epoch, was_leader_epoch=epoch - 1, partition_epoch=epoch, how=how,
        isr=tuple(isr), elr=(), **fields,
    )  # fmt: skip


# ---- how nodes stand


def node(*replicas: Any, number: int = 1, incarnation: int = 1, raft: Any = None, **rooms: Any) -> Any:
    """A node that runs."""
    spec = SimpleNamespace(node_id=number, incarnation=incarnation)
    return SimpleNamespace(spec=spec, replicas=SimpleNamespace(all=lambda: list(replicas)), raft=raft, **rooms)


def replica(*, hw: int, end: int, leads: bool = False, epoch: int = 1, isr: Sequence[int] = (1, 2), data: bytes = b"") -> Any:
    """A replica of orders-0. `data`: its records, a byte each."""
    log = SimpleNamespace(
        high_watermark=hw,
        log_end_offset=end,
        log_start_offset=0,
        read_records=lambda offset, bytes_max, upper: b"".join(_batch(at, bytes([data[at]])) for at in range(offset, upper)),
    )
    return SimpleNamespace(topic=TOPIC, topic_id=ID, index=0, is_leader=leads, leader_epoch=epoch, isr=tuple(isr), log=log)


def _batch(offset: int, value: bytes) -> bytes:
    batch = encode_batch([KafkaRecord(timestamp=0, value=value)])
    stamp(batch, 0, base_offset=offset, leader_epoch=1)
    return bytes(batch)


def quorum(*, epoch: int = 1, leads: bool = False, hw: int = 0) -> Any:
    """A node's part in the quorum."""
    return SimpleNamespace(epoch=epoch, is_leader=leads, high_watermark=hw)


def metadata_node(*records: Any, number: int = 1, epoch: int = 1, hw: int | None = None, incarnation: int = 1) -> Any:
    """A node whose metadata log holds these records, one batch each, committed up to `hw` or all."""
    batches = []
    for offset, record in enumerate(records):
        batch = encode_batch([KafkaRecord(timestamp=0, value=stored.encode(record))])
        stamp(batch, 0, base_offset=offset, leader_epoch=epoch)
        batches.append(bytes(batch))
    log = SimpleNamespace(log_start_offset=0, read_records=lambda offset, bytes_max, upper: b"".join(batches[offset:upper]))
    end = len(records) if hw is None else hw
    image = MetadataImage()
    for record in records:
        image.replay(record)
    return node(number=number, incarnation=incarnation, raft=quorum(epoch=epoch, hw=end), metadata_log=log, image=image)


def topic_record() -> Any:
    """The topic is there."""
    return stored.TopicRecord(name=TOPIC, topic_id=ID)


def partition_record(*, isr: Sequence[int] = (1, 2, 3), leader: int = 1) -> Any:
    """Its partition 0, on nodes 1, 2 and 3."""
    return stored.PartitionRecord(
        partition_id=0, topic_id=ID, replicas=(1, 2, 3), isr=tuple(isr), removing_replicas=(), adding_replicas=(), leader=leader,
        leader_recovery_state=0, leader_epoch=0, partition_epoch=0, directories=(), eligible_leader_replicas=None, last_known_elr=None,
    )  # fmt: skip


def change_record(**fields: Any) -> Any:
    """Its partition changes."""
    return stored.PartitionChangeRecord(partition_id=0, topic_id=ID, **fields)


def coordinator(offset: int, *, epoch: int = 0) -> Any:
    """A node that keeps the offset of group billing in orders-0."""
    value, key = SimpleNamespace(offset=offset, topic_id=ID), SimpleNamespace(topic=TOPIC, partition=0)
    ledger = SimpleNamespace(offsets={"billing": {}}, keys_of=lambda group: [(key, value)])
    partition = SimpleNamespace(topic="__consumer_offsets", index=0, leader_epoch=epoch)
    return node(groups=SimpleNamespace(all=lambda: [SimpleNamespace(partition=partition, is_active=True, ledger=ledger)]))
