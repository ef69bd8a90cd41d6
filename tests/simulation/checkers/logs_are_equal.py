"""After healing all replicas of a partition hold the same bytes below the high watermark."""

from typing import Any

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import batches_of, replicas_here
from tests.simulation.record import Record

SENTENCE = "replicas hold the same bytes below the high watermark"


def check(record: Record) -> None:
    """Compares every replica with the first one."""
    replicas: dict[tuple, list[tuple[int, Any]]] = {}
    for number, _, replica in replicas_here(record):
        replicas.setdefault((replica.topic, replica.topic_id, replica.index), []).append((number, replica.log))
    for place, logs in replicas.items():
        begin = max(log.log_start_offset for _, log in logs)
        end = min(log.high_watermark for _, log in logs)
        if not record.healed or begin >= end:
            continue
        held = {number: b"".join(batches_of(log, begin, end)) for number, log in logs}
        first = min(held)
        different = [number for number, data in held.items() if data != held[first]]
        if different:
            where = {number: _part_at(held[first], held[number]) for number in different}
            raise Anomaly("logs_are_equal", SENTENCE, f"{place} from {begin} to {end}", f"differ from node {first} at byte: {where}")


def _part_at(one: bytes, other: bytes) -> int:
    return next((at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), min(len(one), len(other)))
