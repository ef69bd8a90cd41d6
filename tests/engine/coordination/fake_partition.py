"""A partition of `__consumer_offsets` in memory: real batches, and commits that can be held back or refused."""

from collections.abc import Callable, Sequence

from engine.protocol.errors import KafkaError
from engine.protocol.record_batch import Record, encode_batch
from engine.world.tasks import Promise


class FakeLog:
    """Batches one after the other, from offset 0."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, bytes]] = []
        self.log_start_offset = 0
        self.log_end_offset = 0
        self.uncommitted = 0  # how many records at the end are not committed yet

    @property
    def high_watermark(self) -> int:
        return self.log_end_offset - self.uncommitted

    def append(self, records: Sequence[tuple[bytes | None, bytes | None]], *, control: bool = False) -> int:
        base = self.log_end_offset
        made = [Record(timestamp=0, key=key, value=value) for key, value in records]
        batch = bytearray(encode_batch(made, control=control))
        batch[:8] = base.to_bytes(8, "big")
        self.batches.append((base, bytes(batch)))
        self.log_end_offset += len(records)
        return base

    def read_records(self, offset: int, *, bytes_max: int, upper: int) -> bytes:
        found = b""
        for at, (base, batch) in enumerate(self.batches):
            end = self.batches[at + 1][0] if at + 1 < len(self.batches) else self.log_end_offset
            if end > offset and base < upper and (not found or len(found) + len(batch) <= bytes_max):
                found += batch
        return found


class FakePartition:
    """`refusal` refuses every append; while `hold` is a promise, commits wait for it."""

    topic = "__consumer_offsets"

    def __init__(self, index: int = 0, log: FakeLog | None = None) -> None:
        self.index = index
        self.leader_epoch = 0
        self.log = log or FakeLog()
        self.refusal: KafkaError | None = None
        self.hold: Promise[None] | None = None
        self.waiting: list[Callable[[KafkaError | None], None]] = []

    def when_committed(self, offset: int, callback: Callable[[KafkaError | None], None]) -> None:
        self.waiting.append(callback)

    def commit(self) -> None:
        """The followers have it all."""
        self.log.uncommitted = 0
        waiting, self.waiting = self.waiting, []
        for callback in waiting:
            callback(None)

    async def append_and_commit(self, records: Sequence[tuple[bytes | None, bytes | None]]) -> int:
        if self.refusal is not None:
            raise self.refusal
        base = self.log.append(records)
        if self.hold is not None:
            await self.hold.wait()
        return base
