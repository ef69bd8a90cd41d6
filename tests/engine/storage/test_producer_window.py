"""Idempotent producers: five batches are remembered, gaps and old epochs are refused."""

import pytest

from engine.protocol.errors import InvalidProducerEpoch, InvalidTxnState, OutOfOrderSequenceNumber, TransactionCoordinatorFenced
from engine.protocol.record_batch import SEQUENCE_MAX, BatchHeader
from engine.storage import producer_snapshots
from engine.storage.producer_window import EndMarker, ProducerWindow


def header(sequence: int, *, offset: int = 0, count: int = 1, epoch: int = 0, producer: int = 7, transactional: bool = False):
    return BatchHeader(
        offset, 60, 0, 2, 0, 0x10 if transactional else 0, count - 1, 1000, 1000 + offset, producer, epoch, sequence, count
    )


def filled(*sequences: int) -> ProducerWindow:
    window = ProducerWindow()
    for offset, sequence in enumerate(sequences):
        window.replay(header(sequence, offset=offset))
    return window


def test_the_last_five_batches_are_known_again():
    window = filled(0, 1, 2, 3, 4, 5)
    assert [window.check(header(sequence)).first_offset for sequence in (1, 2, 3, 4, 5)] == [1, 2, 3, 4, 5]
    with pytest.raises(OutOfOrderSequenceNumber):
        window.check(header(0))


def test_a_batch_of_another_length_is_not_a_duplicate():
    with pytest.raises(OutOfOrderSequenceNumber):
        filled(0, 1).check(header(1, count=2))


def test_the_next_sequence_fits_and_a_gap_does_not():
    assert filled(0).check(header(1)) is None
    with pytest.raises(OutOfOrderSequenceNumber, match=r"2 \(incoming seq. number\), 0 \(current end"):
        filled(0).check(header(2))


def test_sequences_go_round():
    window = ProducerWindow()
    window.replay(header(SEQUENCE_MAX - 1, count=3))
    assert window.producers[7].last_sequence == 0
    assert window.check(header(1)) is None
    window = filled(SEQUENCE_MAX)
    assert window.check(header(0)) is None


def test_an_unknown_producer_begins_anywhere():
    assert ProducerWindow().check(header(41)) is None


def test_an_old_epoch_is_fenced_and_a_new_one_begins_at_zero():
    window = ProducerWindow()
    window.replay(header(0, epoch=3))
    with pytest.raises(InvalidProducerEpoch):
        window.check(header(1, epoch=2))
    with pytest.raises(OutOfOrderSequenceNumber):
        window.check(header(1, epoch=4))
    assert window.check(header(0, epoch=4)) is None


def test_producers_are_forgotten_when_silent_too_long():
    window = filled(0)
    assert window.expire(1000 + 999, 1000) == []
    assert window.expire(1000 + 1000, 1000) == [7]
    assert window.check(header(9)) is None


def test_a_transaction_holds_the_stable_offset_until_its_end_is_committed():
    window = ProducerWindow()
    window.replay(header(0, offset=5, transactional=True))
    assert window.first_unstable_offset == 5
    assert window.expire(10**9, 1000) == []
    with pytest.raises(InvalidTxnState):
        window.check(header(1))
    completed = window.replay_marker(header(-1, offset=6), EndMarker(commit=False, coordinator_epoch=2))
    assert (completed.first_offset, completed.last_offset, completed.aborted) == (5, 6, True)
    assert window.first_unstable_offset == 5
    window.on_high_watermark(7)
    assert window.first_unstable_offset is None
    with pytest.raises(TransactionCoordinatorFenced):
        window.check_marker(header(-1), EndMarker(commit=True, coordinator_epoch=1))


def test_a_snapshot_keeps_the_last_batch_of_each_producer():
    window = filled(0, 1, 2)
    window.replay(header(0, offset=9, producer=8, epoch=4, transactional=True))
    data = producer_snapshots.encode(window.producers.values())
    again = ProducerWindow()
    again.load(producer_snapshots.decode(data), 10)
    assert again.producers[7].batches == window.producers[7].batches[-1:]
    assert again.first_unstable_offset == 9 and again.producers[8].epoch == 4
    for harmed in (data[:-1], data[:5], data[:-1] + b"?", b"\0\2" + data[2:]):
        with pytest.raises(producer_snapshots.CorruptSnapshot):
            producer_snapshots.decode(harmed)
