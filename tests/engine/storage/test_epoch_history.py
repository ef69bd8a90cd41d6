"""Which epoch ended where: the table that OffsetForLeaderEpoch answers from."""

from engine.storage.epoch_history import EpochHistory, EpochStart


def history() -> EpochHistory:
    return EpochHistory([EpochStart(2, 10), EpochStart(4, 20), EpochStart(7, 30)])


def test_end_offsets_as_kafka_answers_them():
    ends = {epoch: history().end_offset_for(epoch, 44) for epoch in range(-1, 9)}
    assert ends == {
        -1: (-1, -1),
        0: (0, 10),
        1: (1, 10),
        2: (2, 20),
        3: (2, 20),
        4: (4, 30),
        5: (4, 30),
        6: (4, 30),
        7: (7, 44),
        8: (-1, -1),
    }
    assert EpochHistory().end_offset_for(0, 44) == (-1, -1)


def test_an_epoch_without_records_is_replaced_by_the_next():
    epochs = history()
    assert epochs.assign(8, 40) and epochs.assign(9, 40) and not epochs.assign(9, 50)
    assert epochs.entries[-2:] == [EpochStart(7, 30), EpochStart(9, 40)]


def test_truncation_from_both_sides():
    epochs = history()
    assert epochs.truncate_from_end(30) and epochs.latest == 4
    assert not epochs.truncate_from_end(25)
    assert epochs.truncate_from_start(15) and epochs.entries == [EpochStart(2, 15), EpochStart(4, 20)]
    assert not epochs.truncate_from_start(15)
    assert epochs.truncate_from_start(20) and epochs.entries == [EpochStart(4, 20)]
    assert epochs.epoch_of(19) is None and epochs.epoch_of(20) == 4
