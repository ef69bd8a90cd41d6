"""What a partition knows only while it leads: its followers, its ISR, and who waits for what is committed.

Rule: nothing here awaits. Changes of the ISR are asked of the controller (isr_changes) and count when it has answered or when
the metadata log says so; meanwhile the larger ISR counts for the high watermark.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from engine.events.facts import FollowerLagged, WritesRefused
from engine.protocol.errors import (
    ErrorCode,
    KafkaError,
    NotEnoughReplicas,
    NotEnoughReplicasAfterAppend,
    NotLeaderOrFollower,
    UnknownLeaderEpoch,
)
from engine.replication import in_sync
from engine.replication.high_watermark import next_high_watermark, required_in_sync
from engine.replication.in_sync import Follower
from engine.replication.isr_changes import Wish

if TYPE_CHECKING:
    from engine.replication.partition import Partition

Callback = Callable[[KafkaError | None], None]

# Answers after which nothing is to be asked again: the next record of the metadata log says what is so.
METADATA_WILL_TELL = frozenset(
    {
        ErrorCode.unknown_topic_or_partition,
        ErrorCode.unknown_topic_id,
        ErrorCode.fenced_leader_epoch,
        ErrorCode.invalid_update_version,
        ErrorCode.invalid_request,
        ErrorCode.new_leader_elected,
    }
)
REFUSED = frozenset({ErrorCode.operation_not_attempted, ErrorCode.ineligible_replica})


class Leading:
    """One leadership: from an election until the next."""

    def __init__(self, partition: Partition, *, isr: tuple[int, ...], replicas: tuple[int, ...]) -> None:
        self._partition = partition
        self._log = partition.log
        self._room = partition.room
        self.epoch_start = partition.log.log_end_offset
        self.isr = self.maximal_isr = isr
        self.pending: Wish | None = None
        self.followers: dict[int, Follower] = {}
        self._commits: deque[tuple[int, Callback]] = deque()
        self._deletions: list[tuple[int, Callback]] = []
        self._refusing = False
        self.assign(replicas)
        in_sync.begin_leading(self.followers.values(), isr=isr, now_ms=self._room.now_ms())

    def assign(self, replicas: tuple[int, ...]) -> None:
        """Who follows; those known keep their state."""
        known, own = self.followers, self._room.node_id
        self.followers = {broker: known.get(broker) or Follower(broker=broker) for broker in replicas if broker != own}
        self.required = required_in_sync(min_insync_replicas=self._partition.min_insync_replicas, replicas=len(replicas))

    def commit_isr(self, isr: tuple[int, ...]) -> None:
        """The controller has decided; a wish that was open is settled by it."""
        self.isr = self.maximal_isr = isr
        self.pending = None
        self.advance()
        self.consider_joining()

    # ---- appends

    def check_enough(self) -> None:
        """Raises NotEnoughReplicas. The first refusal since there were enough is a fact."""
        if len(self.isr) >= self.required:
            self._refusing = False
            return
        where = self._partition
        if not self._refusing:
            self._refusing = True
            configs = {"min.insync.replicas": where.min_insync_replicas}
            self._room.journal.emit(WritesRefused(topic=where.topic, partition=where.index, isr=self.isr, configs=configs))
        raise NotEnoughReplicas(
            f"The size of the current ISR : {len(self.isr)} is insufficient to satisfy the min.isr requirement of "
            f"{where.min_insync_replicas} for partition {where.topic}-{where.index}"
        )

    def advance(self) -> bool:
        """Moves the high watermark if it may move, and tells who waited."""
        log, room = self._log, self._room
        if len(self.isr) < self.required:
            return False  # KIP-966: nothing is committed by fewer than min.insync.replicas
        joining = ()
        if len(self.maximal_isr) <= len(self.followers):
            joining = [f.broker for f in self.followers.values() if f.broker not in self.maximal_isr and self._is_eligible(f)]
        offset = next_high_watermark(
            log_end_offset=log.log_end_offset,
            followers=self.followers.values(),
            maximal_isr=self.maximal_isr,
            joining=joining,
            now_ms=room.now_ms() if joining else 0,
            lag_ms_max=room.lag_ms_max,
        )
        if offset <= log.high_watermark:
            return False
        log.advance_high_watermark(offset)
        self._tell_committed(offset)
        self._partition.tell_high_watermark()
        return True

    def when_committed(self, offset: int, callback: Callback) -> None:
        """Calls back once the high watermark is at `offset` or the leadership is lost; at once if it is there."""
        if self._log.high_watermark >= offset:
            return callback(self._after_append())
        if not self._commits or self._commits[-1][0] <= offset:
            self._commits.append((offset, callback))
        else:
            insort(self._commits, (offset, callback), key=itemgetter(0))  # a duplicate of what others wait for
        return None

    def _after_append(self) -> KafkaError | None:
        return None if len(self.maximal_isr) >= self.required else NotEnoughReplicasAfterAppend()

    def _tell_committed(self, offset: int) -> None:
        commits = self._commits
        while commits and commits[0][0] <= offset:
            commits.popleft()[1](self._after_append())

    # ---- followers

    def follower(self, broker: int, *, epoch_given: bool) -> Follower:
        """Raises UnknownLeaderEpoch or NotLeaderOrFollower when the broker has no replica: it knows more, or less, than we do."""
        known = self.followers.get(broker)
        if known is None:
            raise UnknownLeaderEpoch() if epoch_given else NotLeaderOrFollower()
        return known

    def note_fetch(self, follower: Follower, *, offset: int, log_start_offset: int, broker_epoch: int, session: Any) -> None:
        """A follower stands at `offset`. May commit records, delete waits and a larger ISR."""
        image = self._room.image.brokers.get(follower.broker)
        if image is not None and broker_epoch != -1 and image.epoch > broker_epoch:
            raise NotLeaderOrFollower(f"broker {follower.broker} fetched with epoch {broker_epoch}, it is registered with {image.epoch}")
        was_end, was_start = follower.log_end_offset, follower.log_start_offset
        follower.broker_epoch = broker_epoch
        follower.session = session
        follower.log_start_offset = log_start_offset
        in_sync.note_fetch(follower, offset=offset, leader_end_offset=self._log.log_end_offset, now_ms=self._room.now_ms())
        if follower.broker not in self.maximal_isr:
            self.consider_joining()
        if was_end != offset:
            self.advance()
        if self._deletions and was_start != log_start_offset:
            self.check_deletions()

    def check_lag(self) -> None:
        """Asks that those who were behind for too long leave the ISR."""
        if self.pending is not None:
            return
        room, end = self._room, self._log.log_end_offset
        leaving = in_sync.out_of_sync(
            self.followers, isr=self.isr, leader_end_offset=end, now_ms=room.now_ms(), lag_ms_max=room.lag_ms_max
        )
        if not leaving:
            return
        where = self._partition
        for broker in leaving:
            follower = self.followers[broker]
            behind = room.now_ms() - follower.last_caught_up_ms
            fact = FollowerLagged(
                topic=where.topic,
                partition=where.index,
                follower=broker,
                behind_ms=-1 if behind == float("inf") else int(behind),
                behind_records=end - max(follower.log_end_offset, self._log.log_start_offset),
                configs={"replica.lag.time.max.ms": room.lag_ms_max},
            )
            room.journal.emit(fact)
        self._wish(tuple(broker for broker in self.isr if broker not in leaving), maximal=self.isr)

    def consider_joining(self) -> None:
        """Asks that followers that have caught up join the ISR. Also when a broker was unfenced: quiet followers send nothing."""
        if self.pending is not None or len(self.isr) > len(self.followers):
            return
        committed = self._log.high_watermark
        ready = tuple(
            follower.broker
            for follower in self.followers.values()
            if follower.broker not in self.isr
            and in_sync.may_join(follower, high_watermark=committed, leader_epoch_start=self.epoch_start)
            and self._is_eligible(follower)
        )
        if ready:
            self._wish((*self.isr, *ready), maximal=(*self.isr, *ready))

    def _is_eligible(self, follower: Follower) -> bool:
        """KIP-841, KIP-903: registered as the same incarnation that fetches, not fenced, not leaving."""
        broker = self._room.image.brokers.get(follower.broker)
        if broker is None or broker.fenced or broker.in_controlled_shutdown:
            return False
        return follower.broker_epoch in (-1, broker.epoch)

    # ---- changing the ISR

    def _wish(self, isr: tuple[int, ...], *, maximal: tuple[int, ...]) -> None:
        where = self._partition
        own = self._room.image.brokers.get(self._room.node_id)
        epochs = {broker: follower.broker_epoch for broker, follower in self.followers.items()}
        epochs[self._room.node_id] = own.epoch if own else -1
        self.pending = Wish(
            topic_id=where.topic_id,
            index=where.index,
            leader_epoch=where.leader_epoch,
            partition_epoch=where.partition_epoch,
            recovery_state=0,
            isr=tuple((broker, epochs.get(broker, -1)) for broker in isr),
            answered=self._answered,
        )
        self.maximal_isr = maximal
        self._room.isr_changes.ask(self.pending)

    def _answered(self, wish: Wish, error: int, answer: Any) -> bool:
        """The controller's answer; True: ask again."""
        where = self._partition
        if self.pending is not wish or where.leading is not self:
            return False
        if error == ErrorCode.none:
            if answer.leader_epoch == where.leader_epoch and answer.partition_epoch >= where.partition_epoch:
                where.partition_epoch = answer.partition_epoch
                self.commit_isr(tuple(answer.isr))
            return False
        if error in REFUSED:
            self.pending, self.maximal_isr = None, self.isr
            self.advance()
            return False
        return error not in METADATA_WILL_TELL

    # ---- deleting records

    def low_watermark(self) -> int:
        """The least log start of the leader and all followers that are alive."""
        image = self._room.image
        starts = [f.log_start_offset for f in self.followers.values() if image.alive(f.broker)]
        return min(self._log.log_start_offset, *starts) if starts else self._log.log_start_offset

    def when_deleted(self, offset: int, callback: Callback) -> None:
        """Calls back once all replicas have dropped what is before `offset`, or the leadership is lost."""
        self._deletions.append((offset, callback))
        self.check_deletions()

    def check_deletions(self) -> None:
        """Tells who waited for the low watermark."""
        low = self.low_watermark()
        due = [callback for offset, callback in self._deletions if offset <= low]
        self._deletions = [one for one in self._deletions if one[0] > low]
        for callback in due:
            callback(None)

    # ---- the end

    def take_over(self, earlier: Leading) -> None:
        """The same leader with a newer epoch: who waited still waits for the same records."""
        self._room.isr_changes.forget(self._partition.topic_id, self._partition.index)
        self._commits, earlier._commits = earlier._commits, deque()
        self._deletions, earlier._deletions = earlier._deletions, []

    def resign(self) -> None:
        """Everybody who waits must ask the new leader."""
        self._room.isr_changes.forget(self._partition.topic_id, self._partition.index)
        waiting = [callback for _, callback in (*self._commits, *self._deletions)]
        self._commits.clear()
        self._deletions.clear()
        for callback in waiting:
            callback(NotLeaderOrFollower())
