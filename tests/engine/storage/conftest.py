"""A shelf in memory: a disk, a clock that stands still until told, and logs on them."""

import uuid
from dataclasses import dataclass, field

import pytest

from engine.events.journal import Journal
from engine.protocol.record_batch import Record, encode_batch
from engine.storage.log_config import LogConfig
from engine.storage.partition_log import PartitionLog
from engine.world.memory_disk import MemoryDisk

NOW = 1_800_000_000_000
TOPIC_ID = uuid.UUID(int=77)


class StillClock:
    """Time is a number; timers ring when asked."""

    def __init__(self) -> None:
        self.ms = NOW
        self.timers: list = []

    def now_ms(self) -> int:
        return self.ms

    def monotonic_ms(self) -> float:
        return float(self.ms - NOW)

    def call_later(self, ms, callback):
        self.timers.append(callback)
        return self

    def cancel(self) -> None:
        self.timers.clear()


@dataclass
class Shelf:
    """Opens the log of orders-0 again and again, as a node does that starts, stops and is killed."""

    clock: StillClock = field(default_factory=StillClock)
    folder: str = "data/orders-0"

    def __post_init__(self) -> None:
        self.disk = MemoryDisk(self.clock.now_ms)
        self.journal = Journal(node=1, incarnation=1, now_ms=self.clock.now_ms)

    def open(self, *, clean: bool = False, recovery_point: int = 0, log_start_offset: int = 0, topic_id=TOPIC_ID, **config):
        return PartitionLog.open(
            disk=self.disk,
            clock=self.clock,
            folder=self.folder,
            topic="orders",
            partition=0,
            topic_id=topic_id,
            config=LogConfig(**config),
            clean=clean,
            journal=self.journal,
            recovery_point=recovery_point,
            log_start_offset=log_start_offset,
        )

    def file(self, name: str):
        return self.disk.open(f"{self.folder}/{name}", create=False)

    def names(self) -> list[str]:
        return self.disk.list(self.folder)


def batch(*values: bytes, timestamp: int = NOW, step: int = 1, key: bytes | None = b"k", **fields) -> memoryview:
    """A client's batch: one record a value, `step` ms apart."""
    records = [Record(timestamp=timestamp + number * step, key=key, value=value) for number, value in enumerate(values)]
    return memoryview(encode_batch(records, **fields))


def append(log: PartitionLog, *values: bytes, leader_epoch: int = 0, now_ms: int = NOW, **fields):
    return log.append_as_leader(batch(*values, **fields), leader_epoch=leader_epoch, now_ms=now_ms)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()
