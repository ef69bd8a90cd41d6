"""What each idempotent producer has appended last: finds duplicates, refuses gaps and fenced epochs. Decides only.

Source: KIP-98 (idempotence), KIP-360 (an unknown producer may begin with any sequence).
"""

from collections.abc import Iterator
from typing import NamedTuple

from engine.protocol.errors import InvalidProducerEpoch, InvalidTxnState, OutOfOrderSequenceNumber, TransactionCoordinatorFenced
from engine.protocol.record_batch import SEQUENCE_MAX, BatchHeader

BATCHES_KEPT = 5  # a producer has at most five requests on the way (max.in.flight.requests.per.connection)
NO_EPOCH = -1


class AppendedBatch(NamedTuple):
    """One batch of a producer, as the log has it."""

    first_sequence: int
    last_sequence: int
    last_offset: int
    offset_delta: int
    timestamp: int

    @property
    def first_offset(self) -> int:
        return self.last_offset - self.offset_delta


class EndMarker(NamedTuple):
    """The control record that ends a transaction."""

    commit: bool
    coordinator_epoch: int


class CompletedTransaction(NamedTuple):
    producer_id: int
    first_offset: int
    last_offset: int
    aborted: bool


class Producer:
    """A producer's last five batches in one partition."""

    __slots__ = ("batches", "coordinator_epoch", "epoch", "last_timestamp", "producer_id", "transaction_first_offset")

    def __init__(self, producer_id: int, epoch: int = NO_EPOCH) -> None:
        self.producer_id = producer_id
        self.epoch = epoch
        self.coordinator_epoch = -1
        self.last_timestamp = -1
        self.transaction_first_offset: int | None = None
        self.batches: list[AppendedBatch] = []  # oldest first

    @property
    def last_sequence(self) -> int:
        return self.batches[-1].last_sequence if self.batches else -1

    def __repr__(self) -> str:
        return f"<Producer {self.producer_id} epoch={self.epoch} sequence={self.last_sequence} batches={len(self.batches)}>"


class ProducerWindow:
    """All producers of one partition, and its open transactions."""

    def __init__(self) -> None:
        self.producers: dict[int, Producer] = {}
        self.end_offset = 0  # the log was followed up to here
        self._open: dict[int, int] = {}  # producer id -> first offset of its transaction
        self._unreplicated: list[CompletedTransaction] = []  # ended above the high watermark

    def check(self, header: BatchHeader, *, from_client: bool = True) -> AppendedBatch | None:
        """May this batch be appended? The batch that it repeats, if it is a duplicate; None: append it.

        Raises InvalidProducerEpoch, OutOfOrderSequenceNumber, InvalidTxnState.
        """
        producer = self.producers.get(header.producer_id)
        if producer is None:
            return None  # KIP-360: its earlier records may have been deleted, so any sequence will do
        if from_client and header.producer_epoch == producer.epoch:
            last_sequence = header.last_sequence
            for batch in producer.batches:
                if batch.first_sequence == header.base_sequence and batch.last_sequence == last_sequence:
                    return batch
        if header.producer_epoch < producer.epoch:
            raise _fenced(producer, header)
        if from_client:
            check_sequence(producer, header)
        if producer.transaction_first_offset is not None and not header.is_transactional:
            raise InvalidTxnState(f"Expected transactional write from producer {header.producer_id}")
        return None

    def check_marker(self, header: BatchHeader, marker: EndMarker) -> None:
        """May this marker end the producer's transaction? Raises InvalidProducerEpoch, TransactionCoordinatorFenced."""
        producer = self.producers.get(header.producer_id)
        if producer is None:
            return
        if header.producer_epoch < producer.epoch:
            raise _fenced(producer, header)
        if producer.coordinator_epoch > marker.coordinator_epoch:
            raise TransactionCoordinatorFenced(
                f"Invalid coordinator epoch for producerId {header.producer_id}: "
                f"{marker.coordinator_epoch} (zombie), {producer.coordinator_epoch} (current)"
            )

    def replay(self, header: BatchHeader) -> None:
        """A batch of data with a producer id stands in the log now."""
        producer = self.producers.get(header.producer_id)
        if producer is None:
            producer = self.producers[header.producer_id] = Producer(header.producer_id)
        if header.producer_epoch != producer.epoch:
            producer.epoch = header.producer_epoch
            producer.batches.clear()
        batches = producer.batches
        batches.append(_appended(header))
        if len(batches) > BATCHES_KEPT:
            del batches[0]
        producer.last_timestamp = header.max_timestamp
        if header.is_transactional and producer.transaction_first_offset is None:
            producer.transaction_first_offset = header.base_offset
            self._open[header.producer_id] = header.base_offset

    def recall(self, header: BatchHeader) -> None:
        """A batch that stood in the log before the producer's last one that we know: it is remembered beside it, oldest first."""
        producer = self.producers.get(header.producer_id)
        if producer is None or producer.epoch != header.producer_epoch or not producer.batches:
            return
        if header.last_offset < producer.batches[-1].last_offset:
            producer.batches.insert(len(producer.batches) - 1, _appended(header))
            del producer.batches[:-BATCHES_KEPT]

    def replay_marker(self, header: BatchHeader, marker: EndMarker) -> CompletedTransaction | None:
        """A transaction's end stands in the log now. What it ended; None when the producer had none here."""
        producer = self.producers.get(header.producer_id)
        if producer is None:
            producer = self.producers[header.producer_id] = Producer(header.producer_id)
        if header.producer_epoch != producer.epoch:
            producer.epoch = header.producer_epoch
            producer.batches.clear()
        producer.last_timestamp = header.max_timestamp
        producer.coordinator_epoch = marker.coordinator_epoch
        first_offset, producer.transaction_first_offset = producer.transaction_first_offset, None
        if first_offset is None:
            return None
        del self._open[header.producer_id]
        completed = CompletedTransaction(header.producer_id, first_offset, header.last_offset, not marker.commit)
        self._unreplicated.append(completed)
        return completed

    @property
    def first_unstable_offset(self) -> int | None:
        """The first record of a transaction that is open, or whose end may still be lost. None: all is settled."""
        if not self._open and not self._unreplicated:
            return None
        return min([*self._open.values(), *(completed.first_offset for completed in self._unreplicated)])

    def on_high_watermark(self, high_watermark: int) -> None:
        """Transactions whose end is committed are settled."""
        if self._unreplicated:
            self._unreplicated = [completed for completed in self._unreplicated if completed.last_offset >= high_watermark]

    def expire(self, now_ms: int, expiration_ms: int) -> list[int]:
        """Forgets producers that were silent for producer.id.expiration.ms; those with an open transaction stay."""
        gone = [
            producer.producer_id
            for producer in self.producers.values()
            if producer.transaction_first_offset is None and now_ms - producer.last_timestamp >= expiration_ms
        ]
        for producer_id in gone:
            del self.producers[producer_id]
        return gone

    def load(self, producers: Iterator[Producer] | list[Producer], end_offset: int) -> None:
        """Begins anew from a snapshot that was taken at `end_offset`."""
        self.clear(end_offset)
        for producer in producers:
            self.producers[producer.producer_id] = producer
            if producer.transaction_first_offset is not None:
                self._open[producer.producer_id] = producer.transaction_first_offset

    def clear(self, end_offset: int) -> None:
        self.producers.clear()
        self._open.clear()
        self._unreplicated.clear()
        self.end_offset = end_offset

    def __repr__(self) -> str:
        return f"<ProducerWindow producers={len(self.producers)} open={len(self._open)} end={self.end_offset}>"


def _appended(header: BatchHeader) -> AppendedBatch:
    return AppendedBatch(header.base_sequence, header.last_sequence, header.last_offset, header.last_offset_delta, header.max_timestamp)


def _fenced(producer: Producer, header: BatchHeader) -> InvalidProducerEpoch:
    return InvalidProducerEpoch(
        f"Epoch of producer {producer.producer_id} is {header.producer_epoch}, "
        f"which is smaller than the last seen epoch {producer.epoch}"
    )


def check_sequence(producer: Producer, header: BatchHeader) -> None:
    """Does the batch follow the producer's last one? Raises OutOfOrderSequenceNumber."""
    if header.producer_epoch != producer.epoch:
        if header.base_sequence != 0 and producer.epoch != NO_EPOCH:
            raise OutOfOrderSequenceNumber(
                f"Invalid sequence number for new epoch of producer {producer.producer_id}: "
                f"{header.producer_epoch} (request epoch), {header.base_sequence} (seq. number), "
                f"{producer.epoch} (current producer epoch)"
            )
    elif not is_in_sequence(producer.last_sequence, header.base_sequence):
        raise OutOfOrderSequenceNumber(
            f"Out of order sequence number for producer {producer.producer_id}: {header.base_sequence} (incoming seq. number), "
            f"{producer.last_sequence} (current end sequence number)"
        )


def is_in_sequence(last: int, following: int) -> bool:
    """Sequences go round after 2**31 - 1."""
    return following == last + 1 or (following == 0 and last == SEQUENCE_MAX)
