"""After a kill: torn tails are cut at every byte, indexes and producers are made anew; after a clean stop nothing is walked."""

import pytest

from engine.events.facts import LogRecovered
from engine.protocol.errors import KafkaStorageError
from engine.storage import checkpoints
from tests.engine.storage.conftest import NOW, Shelf, append, batch


def filled(shelf: Shelf, count: int = 12, **config):
    log = shelf.open(index_interval_bytes=200, **config)
    for number in range(count):
        append(
            log,
            b"v" * 100,
            leader_epoch=number // 5,
            timestamp=NOW + number,
            producer_id=5,
            producer_epoch=0,
            base_sequence=number,
        )
    return log


def everything(log) -> bytes:
    parts = [log.read_records(segment.base_offset, bytes_max=10**9, upper=log.log_end_offset) for segment in log.segments()]
    return b"".join(parts)


def test_a_clean_stop_is_trusted_and_a_kill_gives_the_same_log(shelf):
    log = filled(shelf, segment_bytes=900)
    data, epochs = everything(log), log.epochs.entries
    log.close()
    for clean in (True, False, True):
        again = shelf.open(clean=clean, segment_bytes=900, index_interval_bytes=200)
        assert everything(again) == data and again.epochs.entries == epochs and again.log_end_offset == 12
        assert again.offset_for_timestamp(NOW + 11)[0] == 11
        assert again.window.producers[5].last_sequence == 11
        again.close()
    assert [fact.cut_bytes for fact in shelf.journal.recent(LogRecovered)] == [0]


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("segment_bytes", [900, 1 << 20], ids=["many segments", "one segment"])
def test_after_a_start_all_batches_that_were_on_the_way_are_known_as_duplicates(shelf, clean, segment_bytes):
    log = filled(shelf, segment_bytes=segment_bytes)
    log.close()
    again = shelf.open(clean=clean, segment_bytes=segment_bytes, index_interval_bytes=200)
    found = [batch.first_sequence for batch in again.window.producers[5].batches]
    assert found == [7, 8, 9, 10, 11]
    for sequence in found:
        repeated = append(again, b"v" * 100, leader_epoch=3, producer_id=5, producer_epoch=0, base_sequence=sequence)
        assert repeated.duplicate and repeated.base_offset == sequence


def test_a_torn_tail_is_cut_at_every_byte_of_the_last_batch():
    size = len(batch(b"v" * 100))
    for torn in range(size):
        shelf = Shelf()
        log = filled(shelf, 4)
        log.crash()
        file = shelf.file("00000000000000000000.log")
        file.truncate(file.size - size + torn)
        again = shelf.open(index_interval_bytes=200)
        assert again.log_end_offset == 3 and again.window.producers[5].last_sequence == 2
        assert shelf.journal.recent(LogRecovered)[0].cut_bytes == torn
        assert append(again, b"on", producer_id=5, producer_epoch=0, base_sequence=3).base_offset == 3


def test_a_flipped_bit_anywhere_in_the_last_batch_cuts_it():
    size = len(batch(b"v" * 100))
    for at in range(size):
        shelf = Shelf()
        filled(shelf, 3).crash()
        file = shelf.file("00000000000000000000.log")
        place = file.size - size + at
        file.write_at(place, bytes([file.read(place, 1)[0] ^ 0x40]))
        again = shelf.open(index_interval_bytes=200)
        # The leader epoch and, upwards, the base offset stand outside of the checksum, in Kafka too.
        assert again.log_end_offset == 2 or at < 8 or 12 <= at < 16, at


def test_an_index_that_is_made_anew_leaves_the_epochs_behind_it_alone(shelf):
    log = filled(shelf, segment_bytes=300)
    log.sync()
    epochs = log.epochs.entries
    assert [entry.epoch for entry in epochs] == [0, 1, 2]
    log.crash()
    shelf.file(f"{log.segments()[1].base_offset:020d}.index").truncate(5)  # no whole number of entries
    again = shelf.open(recovery_point=log.recovery_point, segment_bytes=300, index_interval_bytes=200)
    assert (again.log_end_offset, again.epochs.entries) == (12, epochs)


def test_zeros_behind_the_last_batch_are_cut(shelf):
    filled(shelf, 3).crash()
    file = shelf.file("00000000000000000000.log")
    size = file.size
    file.truncate(size + 4096)
    assert shelf.open().log_end_offset == 3 and file.size == size


def test_segments_behind_a_hole_go(shelf):
    log = filled(shelf, segment_bytes=900)
    bases = [segment.base_offset for segment in log.segments()]
    assert len(bases) > 2
    log.crash()
    file = shelf.file(f"{bases[1]:020d}.log")
    file.truncate(file.size - 1)
    again = shelf.open(segment_bytes=900)
    assert bases[1] < again.log_end_offset < bases[2] and len(again.segments()) == 2
    assert again.window.producers[5].last_sequence == again.log_end_offset - 1


@pytest.mark.parametrize("kept", range(3))
def test_segments_behind_a_hole_between_batches_go_as_after_a_power_cut(shelf, kept):
    log = filled(shelf, segment_bytes=900)
    first, second = log.segments()[:2]
    assert second.base_offset > 2
    shelf.file(f"{first.base_offset:020d}.log").truncate(kept * first.size // second.base_offset)
    again = shelf.open(segment_bytes=900, index_interval_bytes=200)
    assert (again.log_start_offset, again.log_end_offset) == (0, kept)
    assert [segment.base_offset for segment in again.segments()] == [0]


@pytest.mark.parametrize("kept", [0, 2])
def test_what_was_cut_and_comes_back_after_a_power_cut_is_cut_again(shelf, kept):
    log = filled(shelf, count=4)
    log.sync()
    log.truncate_to(kept)
    for number in range(kept, 6):
        append(log, b"n" * 100, leader_epoch=3)
        if number == 4:
            log.roll()
    log.crash()
    was, first = everything(log), shelf.file(f"{0:020d}.log")
    size = first.size
    for name in shelf.names():
        shelf.file(name).is_durable() if name != f"{0:020d}.log" or not kept else first.lose_power(All())
    assert first.size == size * (2 if kept else 1), "the cut is undone"
    again = shelf.open(recovery_point=log.recovery_point)
    assert everything(again) == was and again.log_end_offset == 6
    assert again.epochs.entries == [(0, 0)] * bool(kept) + [(3, kept)]


class All:
    """Dice by which nothing is left that was not synced."""

    real = staticmethod(lambda: 0.4)


def test_segments_below_the_recovery_point_are_not_walked(shelf):
    log = filled(shelf, segment_bytes=900)
    bases = [segment.base_offset for segment in log.segments()]
    log.crash()
    first = shelf.file(f"{0:020d}.log")
    first.write_at(first.size - 1, b"?")
    again = shelf.open(segment_bytes=900, recovery_point=bases[1])
    assert again.log_end_offset == 12
    again.crash()
    assert shelf.open(segment_bytes=900).log_end_offset < bases[1]


@pytest.mark.parametrize("name", ["index", "timeindex", "snapshot"])
@pytest.mark.parametrize("harm", ["missing", "torn"])
def test_a_lost_or_torn_side_file_is_made_anew(shelf, name, harm):
    log = filled(shelf, segment_bytes=900)
    log.close()
    for found in [file for file in shelf.names() if file.endswith("." + name)]:
        if harm == "missing":
            shelf.disk.remove(f"{shelf.folder}/{found}")
        elif shelf.file(found).size:
            shelf.file(found).truncate(shelf.file(found).size - 1)
    again = shelf.open(clean=True, segment_bytes=900, index_interval_bytes=200)
    assert again.log_end_offset == 12 and again.window.producers[5].last_sequence == 11
    assert [again.offset_for_timestamp(NOW + number)[0] for number in range(12)] == list(range(12))


@pytest.mark.parametrize("content", [b"", b"0\n9\n1 2\n", b"\0\0\0", b"7\n0\n"])
def test_a_broken_epoch_file_is_read_from_the_batches(shelf, content):
    log = filled(shelf)
    epochs = log.epochs.entries
    log.close()
    shelf.disk.replace(f"{shelf.folder}/{checkpoints.LEADER_EPOCHS}", content)
    assert shelf.open(clean=True).epochs.entries == epochs


def test_what_was_being_deleted_is_swept(shelf):
    filled(shelf).close()
    for name in ("00000000000000000005.log.deleted", "00000000000000000099.index", "00000000000000000005.log.swap"):
        shelf.disk.open(f"{shelf.folder}/{name}")
    shelf.open(clean=True)
    assert not [name for name in shelf.names() if name.endswith((".deleted", ".swap")) or "99" in name]


def test_a_torn_topic_id_is_written_anew_when_the_cluster_knows_it(shelf):
    filled(shelf).crash()
    path = f"{shelf.folder}/{checkpoints.PARTITION_METADATA}"
    shelf.disk.replace(path, b"")
    with pytest.raises(checkpoints.CheckpointError, match="partition.metadata"):
        shelf.open(topic_id=None)
    assert shelf.open().topic_id == checkpoints.read_partition_metadata(shelf.disk, path)


class HiccupDisk:
    """Refuses one write, the n-th, and goes on."""

    def __init__(self, disk, refused: int) -> None:
        self.left = refused
        self.charge = disk.charge
        disk.charge = self.count

    def count(self, size: int) -> None:
        self.left -= 1
        if self.left == 0:
            raise OSError(28, "No space left on device")
        self.charge(size)


def test_whichever_write_the_disk_refuses_nothing_acknowledged_is_lost():
    for refused in range(1, 60):
        shelf, refusals = Shelf(), 0
        log = shelf.open(segment_bytes=600, index_interval_bytes=100)
        hiccup = HiccupDisk(shelf.disk, refused)
        for number in range(12):
            while True:
                try:
                    fields = {"producer_id": 5, "producer_epoch": 0, "base_sequence": number}
                    appended = append(log, b"%d" % number * 50, leader_epoch=number // 4, timestamp=NOW + number, **fields)
                    break
                except KafkaStorageError:
                    refusals += 1
            assert appended.base_offset == number and not appended.duplicate
        assert refusals <= 1
        hiccup.left = -1
        data, epochs = everything(log), log.epochs.entries
        log.crash()
        again = shelf.open(segment_bytes=600, index_interval_bytes=100)
        assert everything(again) == data and again.log_end_offset == 12 and again.epochs.entries == epochs, refused
        assert [again.offset_for_timestamp(NOW + number)[0] for number in range(12)] == list(range(12))
