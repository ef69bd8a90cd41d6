"""Replication that is wrong: the high watermark, the ISR, where followers cut, and what readers are served."""

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from engine.broker.fetch_reading import Reader
from engine.replication import in_sync, leading, partition
from engine.replication.leading import Leading
from engine.replication.partition import Partition
from engine.storage.partition_log import Appended
from tests.simulation.mutated.lying import Lying

Wrong = AbstractContextManager[Any]

EVERY = 20  # where always would end every run at once


def high_watermark_ignores_a_follower() -> Wrong:
    """The high watermark does not wait for one of the followers that are in sync."""
    decide = leading.next_high_watermark

    def without_the_last(*, followers: Any, **rest: Any) -> int:
        return decide(followers=[*followers][:-1], **rest)

    return patch.object(leading, "next_high_watermark", without_the_last)


def high_watermark_is_forgotten() -> Wrong:
    """A new leader begins with a high watermark of 0."""
    lead = Partition.lead

    def forgetting(self: Partition, image: Any) -> bool:
        if self.leading is None:
            self.log.high_watermark = 0
        return lead(self, image)

    return patch.object(Partition, "lead", forgetting)


def isr_shrink_not_awaited() -> Wrong:
    """A leader counts on the smaller ISR as soon as it wishes for it, before the controller has answered."""
    wish = Leading._wish

    def at_once(self: Leading, isr: tuple[int, ...], *, maximal: tuple[int, ...]) -> None:
        wish(self, isr, maximal=isr)
        self.advance()

    return patch.object(Leading, "_wish", at_once)


def anybody_joins_the_isr() -> Wrong:
    """A follower joins the ISR before it has caught up."""
    return patch.object(in_sync, "may_join", lambda follower, **_: follower.log_end_offset >= 0)


def committed_once_appended() -> Wrong:
    """A leader acknowledges acks=all as soon as its own log has the records."""
    return patch.object(Leading, "when_committed", lambda self, offset, callback: callback(None))


def divergence_is_not_told() -> Wrong:
    """A leader does not tell a follower that their logs part, so that the follower does not cut its own."""
    return patch.object(partition, "diverges", lambda **_: False)


def truncation_to_the_high_watermark() -> Wrong:
    """A follower cuts its log to its high watermark when the leader changes, as before KIP-101."""
    follow = Partition.follow

    def cutting(self: Partition, image: Any) -> bool:
        changed = follow(self, image)
        if changed and self.log.log_end_offset > self.log.high_watermark:
            self.log.truncate_to(self.log.high_watermark)
        return changed

    return patch.object(Partition, "follow", cutting)


def _consumers_read(lie: Any) -> Wrong:
    read = Reader._read

    def lying(self: Reader, one: Any, where: Any, fetched: Any, **rest: Any) -> None:
        read(self, one, where if self._session.is_follower else lie(where), fetched, **rest)

    return patch.object(Reader, "_read", lying)


def fetch_above_the_high_watermark() -> Wrong:
    """Consumers are served what is not committed yet."""

    def all_is_committed(where: Any) -> Any:
        end = where.log.log_end_offset
        return Lying(where, log=Lying(where.log, high_watermark=end, last_stable_offset=end))

    return _consumers_read(all_is_committed)


def fetch_skips_a_record() -> Wrong:
    """Consumers are now and then served from the offset behind the one that they ask for."""

    def one_behind(where: Any) -> Any:
        def read(offset: int, *, upper: int, **rest: Any) -> Any:
            return where.read(offset + (offset % EVERY == 1 and offset + 1 < upper), upper=upper, **rest)

        return Lying(where, read=read)

    return _consumers_read(one_behind)


def _unwritten(wrong_acks: int) -> Wrong:
    append, count = Partition.append, [0]

    def now_and_then(self: Partition, records: memoryview, *, acks: int, **rest: Any) -> Appended:
        count[0] += acks == wrong_acks and self.leading is not None
        if acks == wrong_acks and self.leading is not None and count[0] % EVERY == 0:
            end = self.log.log_end_offset
            return Appended(end, end, -1, self.log.log_start_offset, False, 1)
        return append(self, records, acks=acks, **rest)

    return patch.object(Partition, "append", now_and_then)


def leader_write_forgotten() -> Wrong:
    """Now and then a record of acks=1 is acknowledged and not written."""
    return _unwritten(1)


def unacknowledged_write_forgotten() -> Wrong:
    """Now and then a record of acks=0 is not written."""
    return _unwritten(0)
