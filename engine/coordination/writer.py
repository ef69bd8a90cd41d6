"""Storing a shard's records: one batch after the other, each with all that came meanwhile.

Writes are committed, and told so, in the order in which they were asked for; that is the order of the log.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from engine.coordination.groups.decision import Record
from engine.coordination.loading import OffsetsPartition
from engine.protocol.errors import KafkaError, NotCoordinator, RequestTimedOut, UnknownServerError
from engine.protocol.stored.groups import encode_key, encode_value
from engine.world.clock import Clock, Timer
from engine.world.tasks import Task, spawn

BATCH_BYTES_MAX = 256 * 1024  # well below max.message.bytes; a single larger write goes alone

Then = Callable[[KafkaError | None], None]


@dataclass(slots=True, eq=False)
class _Write:
    records: list[Record]
    encoded: list[tuple[bytes, bytes | None]]
    size: int
    then: Then
    timer: Timer | None = None
    is_told: bool = False


class Writer:
    """`on_committed` replays the records, before those who asked are told."""

    def __init__(
        self, *, partition: OffsetsPartition, clock: Clock, timeout_ms: int, on_committed: Callable[[list[Record]], None]
    ) -> None:
        self._partition = partition
        self._clock = clock
        self._timeout_ms = timeout_ms
        self._on_committed = on_committed
        self._waiting: deque[_Write] = deque()
        self._current: list[_Write] = []
        self._task: Task[None] | None = None
        self._closed = False

    def write(self, records: list[Record], then: Then) -> None:
        """`then` hears None once all earlier writes and this one are committed, or what hindered it. No records: only waits."""
        if self._closed:
            then(NotCoordinator())
            return
        encoded = [(encode_key(key), encode_value(value)) for key, value in records]
        size = sum(len(key) + len(value or b"") for key, value in encoded)
        write = _Write(records, encoded, size, then)
        if not records and not self._waiting and not self._current:
            then(None)
            return
        write.timer = self._clock.call_later(self._timeout_ms, lambda: self._expire(write))
        self._waiting.append(write)
        if self._task is None:
            self._task = spawn(self._run(), name=f"store __consumer_offsets-{self._partition.index}")

    def close(self) -> None:
        """Whoever waits hears NotCoordinator; what is in the log already may still be committed there."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            self._task = None
        left = [*self._current, *self._waiting]
        self._current = []
        self._waiting.clear()
        for write in left:
            _tell(write, NotCoordinator())

    async def _run(self) -> None:
        while self._waiting and not self._closed:
            batch = self._current = self._take()
            error = await self._store(batch)
            if self._closed:
                return
            self._current = []
            if error is None:
                self._on_committed([record for write in batch for record in write.records])
            for write in batch:
                _tell(write, error)
        self._task = None

    def _take(self) -> list[_Write]:
        batch = [self._waiting.popleft()]
        size = batch[0].size
        while self._waiting and size + self._waiting[0].size <= BATCH_BYTES_MAX:
            size += self._waiting[0].size
            batch.append(self._waiting.popleft())
        return batch

    async def _store(self, batch: list[_Write]) -> KafkaError | None:
        encoded = [pair for write in batch for pair in write.encoded]
        if not encoded:
            return None
        try:
            await self._partition.append_and_commit(encoded)
        except KafkaError as error:
            return error
        except OSError as error:
            return UnknownServerError(str(error))
        return None

    def _expire(self, write: _Write) -> None:
        # One that is appended already is waited for further and replayed should it be committed: the log has it.
        if write in self._waiting:
            self._waiting.remove(write)
        _tell(write, RequestTimedOut())

    def __repr__(self) -> str:
        return f"<Writer __consumer_offsets-{self._partition.index} storing={len(self._current)} waiting={len(self._waiting)}>"


def _tell(write: _Write, error: KafkaError | None) -> None:
    if write.timer is not None:
        write.timer.cancel()
    if not write.is_told:
        write.is_told = True
        write.then(error)
