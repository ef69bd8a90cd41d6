"""A log against a list: whatever is appended, cut, deleted, closed, killed or torn, both hold the same records."""

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.protocol.record_batch import walk
from tests.engine.storage.conftest import NOW, Shelf, append

CONFIG = {"segment_bytes": 700, "index_interval_bytes": 150}


@dataclass
class Batch:
    base_offset: int
    count: int
    epoch: int
    timestamp: int
    sequence: int

    @property
    def next_offset(self) -> int:
        return self.base_offset + self.count


class LogAndList(RuleBasedStateMachine):
    """The model is the list of batches, the start and the end."""

    @initialize()
    def begin(self):
        self.shelf = Shelf()
        self.log = self.shelf.open(**CONFIG)
        self.batches: list[Batch] = []
        self.start = self.end = self.epoch = self.sequence = 0
        self.timestamp = NOW
        self.shown = (None,)

    @rule(count=some.integers(1, 4), size=some.integers(0, 120), later=some.integers(-5, 50))
    def append(self, count, size, later):
        self.timestamp += later
        fields = {"producer_id": 5, "producer_epoch": 0, "base_sequence": self.sequence}
        values = [b"v" * size] * count
        appended = append(self.log, *values, leader_epoch=self.epoch, timestamp=self.timestamp, step=0, **fields)
        assert appended.base_offset == self.end
        self.batches.append(Batch(self.end, count, self.epoch, self.timestamp, self.sequence))
        self.end += count
        self.sequence += count

    @rule()
    def another_leader(self):
        self.epoch += 1

    @rule()
    def roll(self):
        self.log.roll()

    @rule(back=some.integers(0, 12))
    def truncate(self, back):
        offset = max(self.end - back, self.start)
        self.log.truncate_to(offset)
        kept = [batch for batch in self.batches if batch.next_offset <= offset]
        if len(kept) < len(self.batches):
            self.end = min(offset, self.batches[len(kept)].base_offset)
        self.batches = kept
        self.start = min(self.start, self.end)
        known = self.log.window.producers.get(5)  # from a snapshot, when all its batches here are gone
        self.sequence = kept[-1].sequence + kept[-1].count if kept else known.last_sequence + 1 if known else 0

    @rule(forward=some.integers(0, 10))
    def delete_records(self, forward):
        self.log.advance_high_watermark(self.end)
        self.start = min(self.start + forward, self.end)
        self.log.delete_records_before(self.start)

    @rule()
    def stop_and_start(self):
        self.log.close()
        self.log = self.shelf.open(clean=True, recovery_point=self.log.recovery_point, log_start_offset=self.start, **CONFIG)

    @rule()
    def sync(self):
        self.log.sync()

    @rule(garbage=some.binary(max_size=100))
    def kill_and_start(self, garbage):
        self.log.crash()
        active = sorted(name for name in self.shelf.names() if name.endswith(".log"))[-1]
        self.shelf.file(active).append(garbage)
        self.log = self.shelf.open(recovery_point=self.log.recovery_point, log_start_offset=self.start, **CONFIG)

    @invariant()
    def offsets_agree(self):
        assert (self.log.log_start_offset, self.log.log_end_offset) == (self.start, self.end)

    @invariant()
    def what_moved_was_noted(self):
        log = self.log
        offsets = (log.log_start_offset, log.log_end_offset, log.high_watermark)
        shown = (log, offsets, list(log.epochs.entries), [segment.base_offset for segment in log.segments()])
        assert log in log.moves.take() or shown == self.shown or log is not self.shown[0]
        self.shown = shown

    @invariant()
    def every_offset_is_read_in_its_batch(self):
        for batch in self.batches:
            for offset in range(max(batch.base_offset, self.start), batch.next_offset):
                (found, header), *_ = walk(self.log.read_records(offset, bytes_max=1, upper=self.end))
                assert (found, header.base_offset, header.record_count) == (0, batch.base_offset, batch.count)

    @invariant()
    def epochs_agree_with_the_batches(self):
        kept = [batch for batch in self.batches if batch.next_offset > self.start]
        want = {}
        for batch in kept:
            want.setdefault(batch.epoch, max(batch.base_offset, self.start))
        have = {epoch: start for epoch, start in self.log.epochs.entries if start < self.end}
        assert have == want

    @invariant()
    @precondition(lambda self: self.batches)
    def times_are_found(self):
        for timestamp in {batch.timestamp for batch in self.batches[-3:]}:
            visible = [b for b in self.batches if b.next_offset > self.start and b.timestamp >= timestamp]
            found = self.log.offset_for_timestamp(timestamp)
            want = max(visible[0].base_offset, self.start) if visible else None
            assert (found.offset if found else None) == want

    @invariant()
    def the_producer_is_known(self):
        visible = [batch for batch in self.batches if batch.base_offset >= self.start]
        if visible:
            assert self.log.window.producers[5].last_sequence == self.batches[-1].sequence + self.batches[-1].count - 1


TestLogAndList = LogAndList.TestCase
TestLogAndList.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
