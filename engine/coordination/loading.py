"""Reading a partition of `__consumer_offsets` from its start, record by record."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from engine.protocol.errors import KafkaError
from engine.protocol.record_batch import decode_records, walk
from engine.protocol.stored.groups import Key, Value, decode_key, decode_value
from engine.protocol.stored.schema import Malformed

LOAD_BYTES_MAX = 5 * 1024 * 1024  # offsets.load.buffer.size


class Log(Protocol):
    """What we need of a partition's log."""

    log_start_offset: int
    log_end_offset: int
    high_watermark: int

    def read_records(self, offset: int, *, bytes_max: int, upper: int) -> bytes:
        """Whole batches from the one that holds `offset`, below `upper`."""


class OffsetsPartition(Protocol):
    """What we need of a partition of `__consumer_offsets` that this node leads."""

    index: int
    leader_epoch: int
    log: Any

    def when_committed(self, offset: int, callback: Callable[[KafkaError | None], None]) -> None:
        """Calls back once the high watermark is at `offset`, or with an error when the lead is lost."""

    async def append_and_commit(self, records: list[tuple[bytes, bytes | None]]) -> int:
        """Appends one batch and returns once the ISR has it. Raises NotLeaderOrFollower, NotEnoughReplicas …"""


def read_chunk(log: Log, offset: int, *, upper: int) -> tuple[list[tuple[Key, Value | None]], int, list[str]]:
    """The next records, the offset after them, and a line for each record that cannot be read."""
    data = log.read_records(offset, bytes_max=LOAD_BYTES_MAX, upper=upper)
    found: list[tuple[Key, Value | None]] = []
    complaints: list[str] = []
    for position, header in walk(data):
        next_offset = header.next_offset
        # Control batches end transactions; offsets in transactions are not taken yet, so that nothing waits for them.
        if not header.is_control:
            for record in decode_records(data, position, header):
                if record.offset < offset:
                    continue
                try:
                    found.extend(_read(record.key, record.value))
                except Malformed as error:
                    complaints.append(f"offset {record.offset}: {error}")
        offset = max(offset, next_offset)
    return found, offset, complaints


def _read(key_bytes: bytes | None, value_bytes: bytes | None) -> Iterator[tuple[Key, Value | None]]:
    if key_bytes is None:
        raise Malformed("a record without a key")
    key = decode_key(key_bytes)
    if key is not None:
        yield key, decode_value(key, value_bytes)
