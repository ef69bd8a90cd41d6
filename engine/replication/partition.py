"""One replica of a partition on this node: its log, and whether it leads or follows.

Rule: nothing here awaits, and followers are not woken inside an append: observers only take a note.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from engine.events.journal import Journal
from engine.metadata.image import MetadataImage, PartitionImage
from engine.protocol.errors import FencedLeaderEpoch, KafkaError, NotLeaderOrFollower, OffsetOutOfRange, UnknownLeaderEpoch
from engine.protocol.record_batch import Record, encode_batch
from engine.replication import in_sync
from engine.replication.divergence import EpochEnd, diverges
from engine.replication.isr_changes import IsrChanges
from engine.replication.leading import Leading
from engine.storage.partition_log import CLIENT, COORDINATOR, Appended, LogSlice, PartitionLog
from engine.world import tasks
from engine.world.clock import Clock

ALL = -1  # acks


class Observer(Protocol):
    """A fetch session's view of a partition. It takes a note and may have itself woken in the loop's next turn."""

    def log_end_moved(self) -> None:
        """Followers have something to fetch."""

    def high_watermark_moved(self) -> None:
        """Consumers have something to fetch."""

    def leader_changed(self) -> None:
        """Whoever waits must be told so: this replica began or ceased to lead, or is gone."""


@dataclass(slots=True, kw_only=True)
class Room:
    """What all partitions of a node share."""

    node_id: int
    clock: Clock
    image: MetadataImage
    journal: Journal
    isr_changes: IsrChanges
    lag_ms_max: int
    on_cut: Callable[[], None]  # a log ends before its recovery point

    def now_ms(self) -> float:
        return self.clock.monotonic_ms()


class Partition:
    """`leader` -1: nobody leads. `isr` is what the controller has committed."""

    def __init__(self, *, room: Room, topic: str, index: int, topic_id: UUID, log: PartitionLog, min_insync_replicas: int) -> None:
        self.room = room
        self.topic = topic
        self.index = index
        self.topic_id = topic_id
        self.log = log
        self.min_insync_replicas = min_insync_replicas
        self.leader = -1
        self.leader_epoch = -1
        self.partition_epoch = -1
        self.replicas: tuple[int, ...] = ()
        self.leading: Leading | None = None
        self.observers: dict[Observer, None] = {}
        self.closed = False
        self._isr: tuple[int, ...] = ()

    # ---- what is so

    @property
    def is_leader(self) -> bool:
        return self.leading is not None

    @property
    def isr(self) -> tuple[int, ...]:
        return self.leading.isr if self.leading else self._isr

    @property
    def high_watermark(self) -> int:
        return self.log.high_watermark

    def check_epoch(self, current_leader_epoch: int) -> None:
        """Raises FencedLeaderEpoch or UnknownLeaderEpoch; -1 is not checked."""
        if current_leader_epoch >= 0 and current_leader_epoch != self.leader_epoch:
            raise FencedLeaderEpoch() if current_leader_epoch < self.leader_epoch else UnknownLeaderEpoch()

    def lead_or_refuse(self, current_leader_epoch: int = -1) -> Leading:
        """Raises FencedLeaderEpoch, UnknownLeaderEpoch, NotLeaderOrFollower."""
        self.check_epoch(current_leader_epoch)
        if self.leading is None:
            raise NotLeaderOrFollower()
        return self.leading

    # ---- becoming

    def lead(self, image: PartitionImage) -> bool:
        """Takes what the metadata log says of a partition that we lead. True: a new leadership."""
        earlier, begun = self.leading, self.leading is None or image.leader_epoch != self.leader_epoch
        if not begun and image.partition_epoch < self.partition_epoch:
            return False  # the controller's answer came first
        newer = image.partition_epoch != self.partition_epoch
        self._take(image)
        if begun:
            self.log.start_epoch(image.leader_epoch)
            self.leading = Leading(self, isr=image.isr, replicas=image.replicas)
            if earlier is not None:
                self.leading.take_over(earlier)
            self.leading.advance()
            self._tell_leader_changed()
        else:
            self.leading.assign(image.replicas)
            if newer or self.leading.pending is None:
                self.leading.commit_isr(image.isr)
        return begun

    def follow(self, image: PartitionImage) -> bool:
        """Takes what the metadata log says of a partition that another leads, or nobody. True: the leader or its epoch is new."""
        changed = self.leading is not None or (image.leader, image.leader_epoch) != (self.leader, self.leader_epoch)
        self._resign()
        self._take(image)
        if changed:
            self._tell_leader_changed()
        return changed

    def _take(self, image: PartitionImage) -> None:
        self.leader, self.leader_epoch, self.partition_epoch = image.leader, image.leader_epoch, image.partition_epoch
        self.replicas, self._isr = image.replicas, image.isr

    def _resign(self) -> None:
        leading, self.leading = self.leading, None
        if leading:
            self._isr = leading.isr
            leading.resign()

    def take_min_insync_replicas(self, value: int) -> None:
        """A changed config may let the high watermark move, or stop it."""
        self.min_insync_replicas = value
        if self.leading:
            self.leading.assign(self.replicas)
            self.leading.advance()

    def retire(self) -> None:
        """This replica is gone or its node stops: whoever waits is told."""
        self._resign()
        self.leader, self.closed = -1, True
        self._tell_leader_changed()

    # ---- writing

    def append(self, records: memoryview, *, acks: int, now_ms: int, origin: str = CLIENT) -> Appended:
        """As leader; stamps in place. Raises NotLeaderOrFollower, NotEnoughReplicas (acks=all), and what the log refuses."""
        leading = self.leading
        if leading is None:
            raise NotLeaderOrFollower()
        if acks == ALL:
            leading.check_enough()
        was_end = self.log.log_end_offset
        appended = self.log.append_as_leader(records, leader_epoch=self.leader_epoch, now_ms=now_ms, origin=origin)
        if not appended.duplicate:
            in_sync.note_growth(leading.followers.values(), was_end_offset=was_end)
            if len(leading.maximal_isr) == 1:
                leading.advance()
            for observer in self.observers:
                observer.log_end_moved()
        return appended

    def when_committed(self, offset: int, callback: Callable[[KafkaError | None], None]) -> None:
        """Calls back once the high watermark is at `offset` (the last record's + 1), with an error if that cannot be."""
        if self.leading is None:
            return callback(NotLeaderOrFollower())
        return self.leading.when_committed(offset, callback)

    async def append_and_commit(self, records: Sequence[tuple[bytes | None, bytes | None]]) -> int:
        """One batch of (key, value), committed by the ISR; its first offset. Raises what append and commit can meet."""
        now_ms = self.room.clock.now_ms()
        batch = encode_batch([Record(timestamp=now_ms, key=key, value=value) for key, value in records])
        appended = self.append(memoryview(batch), acks=ALL, now_ms=now_ms, origin=COORDINATOR)
        done: tasks.Promise[None] = tasks.Promise()
        self.when_committed(appended.last_offset + 1, lambda error: done.refuse(error) if error else done.resolve(None))
        await done.wait()
        return appended.base_offset

    def cut(self, offset: int) -> None:
        """As follower: what stands at `offset` and behind it is not the leader's."""
        recovery_point = self.log.recovery_point
        self.log.truncate_to(offset)
        if self.log.recovery_point < recovery_point:
            self.room.on_cut()

    def delete_before(self, offset: int) -> None:
        """As leader: moves the log start, which followers learn with their next fetch. Raises OffsetOutOfRange."""
        self.log.delete_records_before(offset)
        for observer in self.observers:
            observer.log_end_moved()

    # ---- reading

    def diverging(self, *, last_fetched_epoch: int, fetch_offset: int) -> tuple[int, int] | None:
        """(epoch, end offset) from which the reader's log is another one than ours. Raises OffsetOutOfRange."""
        if last_fetched_epoch < 0:
            return None
        epoch, end_offset = self.log.epoch_end(last_fetched_epoch)
        if end_offset < 0 or fetch_offset < self.log.log_start_offset:
            raise OffsetOutOfRange(f"epoch {last_fetched_epoch} or offset {fetch_offset} is before the log's start")
        if diverges(last_fetched_epoch=last_fetched_epoch, fetch_offset=fetch_offset, leader=EpochEnd(epoch, end_offset)):
            return epoch, end_offset
        return None

    def read(self, offset: int, *, upper: int, bytes_max: int, at_least_one: bool) -> LogSlice | None:
        """What lies between; None when nothing does. Raises OffsetOutOfRange."""
        log = self.log
        if offset >= upper:
            if offset > log.log_end_offset:
                raise OffsetOutOfRange(f"offset {offset} is after the log's end {log.log_end_offset}")
            if offset >= log.log_start_offset:
                return None
        return log.read(offset, bytes_max=bytes_max, upper=upper, at_least_one=at_least_one)

    # ---- observers

    def tell_high_watermark(self) -> None:
        """Called when it has moved."""
        for observer in self.observers:
            observer.high_watermark_moved()

    def _tell_leader_changed(self) -> None:
        for observer in list(self.observers):
            observer.leader_changed()

    def __repr__(self) -> str:
        isr = " ".join(map(str, self.isr))
        ends = f"hw={self.log.high_watermark} end={self.log.log_end_offset}"
        return f"<Partition {self.topic}-{self.index} leader={self.leader} epoch={self.leader_epoch} isr=[{isr}] {ends}>"
