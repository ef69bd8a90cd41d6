"""What one Fetch may have of each partition: checked against epochs, bounded by what is committed, cut by the request's limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.broker.current_leader import leader_of, name_of
from engine.broker.fetch_sessions import FetchSession, SessionPartition
from engine.protocol.errors import (
    ErrorCode,
    InconsistentTopicId,
    KafkaError,
    NotLeaderOrFollower,
    OffsetOutOfRange,
    UnknownTopicId,
    UnknownTopicOrPartition,
)
from engine.protocol.hot_fetch import READ_COMMITTED, Fetched, FetchRequest

if TYPE_CHECKING:
    from engine.metadata.image import MetadataImage
    from engine.replication.partition import Partition
    from engine.replication.replica_set import ReplicaSet

READS_FROM_FOLLOWERS_SINCE = 11  # KIP-392
NOT_KNOWN = (ErrorCode.unknown_topic_or_partition, ErrorCode.unknown_topic_id)
TELL_LEADER = (ErrorCode.not_leader_or_follower, ErrorCode.fenced_leader_epoch)


class Reading:
    """One look at a session's partitions. `urgent`: the answer must not wait."""

    __slots__ = ("found", "size", "urgent")

    def __init__(self) -> None:
        self.found: list[tuple[SessionPartition, Fetched]] = []
        self.size = 0
        self.urgent = False


class Reader:
    """Reads for one request. `bytes_max` is already the smaller of the request's and the broker's limit."""

    def __init__(self, *, replicas: ReplicaSet, image: MetadataImage, session: FetchSession, request: FetchRequest, bytes_max: int) -> None:
        self._replicas = replicas
        self._image = image
        self._session = session
        self._isolation_level = request.isolation_level
        self._leader_only = session.is_follower or request.version < READS_FROM_FOLLOWERS_SINCE
        self._bytes_max = bytes_max

    def look(self, *, full: bool, arrived: bool) -> Reading:
        """All partitions if `full`, else those that may have something. `arrived`: the request's own news count for the ISR."""
        reading, session = Reading(), self._session
        for one in list(session.partitions.values() if full else session.dirty):
            fetched = self._look_at(one, arrived=arrived, left=self._bytes_max - reading.size, first=reading.size == 0)
            reading.found.append((one, fetched))
            reading.size += fetched.size
            if fetched.error or fetched.diverging is not None:
                reading.urgent = True
        return reading

    def _look_at(self, one: SessionPartition, *, arrived: bool, left: int, first: bool) -> Fetched:
        fetched = Fetched(one.index)
        try:
            partition = self._locate(one)
            self._read(one, partition, fetched, arrived=arrived, left=left, first=first)
        except KafkaError as error:
            fetched = Fetched(one.index, int(error.code))
            if error.code in NOT_KNOWN:
                fetched.aborted = ()  # not null, as Kafka answers what it does not know
            if error.code in TELL_LEADER:
                fetched.leader = leader_of(self._image, name_of(self._image, one.topic), one.index)
        return fetched

    def _locate(self, one: SessionPartition) -> Partition:
        known = one.partition
        if known is not None and not known.closed:
            return known
        name = name_of(self._image, one.topic)
        if name is None:
            raise UnknownTopicId() if one.topic.topic_id else UnknownTopicOrPartition()
        partition = self._replicas.find(name, one.index)
        if one.topic.topic_id is not None and partition.topic_id != one.topic.topic_id:
            raise InconsistentTopicId()
        if self._session.is_kept:
            one.observe(partition)
        else:
            one.partition = partition
        return partition

    def _read(self, one: SessionPartition, partition: Partition, fetched: Fetched, *, arrived: bool, left: int, first: bool) -> None:
        wanted, session, log = one.wanted, self._session, partition.log
        partition.check_epoch(wanted.current_leader_epoch)
        leading = partition.leading
        if leading is None and self._leader_only:
            raise NotLeaderOrFollower()
        offset = wanted.fetch_offset
        fetched.diverging = partition.diverging(last_fetched_epoch=wanted.last_fetched_epoch, fetch_offset=offset)
        if fetched.diverging is None:
            if not log.log_start_offset <= offset <= log.log_end_offset:
                raise OffsetOutOfRange()
            if session.is_follower:
                follower = leading.follower(session.replica_id, epoch_given=wanted.current_leader_epoch >= 0)
                if arrived:
                    leading.note_fetch(
                        follower,
                        offset=offset,
                        log_start_offset=wanted.log_start_offset,
                        broker_epoch=session.replica_epoch,
                        session=session if session.is_kept else None,
                    )
                upper = log.log_end_offset
            else:
                upper = log.last_stable_offset if self._isolation_level == READ_COMMITTED else log.high_watermark
            if offset < upper and (left > 0 or first):
                piece = partition.read(offset, upper=upper, bytes_max=min(wanted.bytes_max, left), at_least_one=first)
                if piece is not None and piece.size:
                    fetched.parts, fetched.size, fetched.next_offset = piece
        fetched.high_watermark = log.high_watermark
        fetched.last_stable_offset = log.last_stable_offset
        fetched.log_start_offset = log.log_start_offset
        if self._isolation_level == READ_COMMITTED:
            fetched.aborted = ()

    def answered(self, reading: Reading, *, full: bool) -> list[tuple[SessionPartition, Fetched]]:
        """What of the reading belongs into the answer; keeps in mind what the reader knows then."""
        dirty, kept = self._session.dirty, []
        for one, fetched in reading.found:
            news = fetched.size or fetched.error or fetched.diverging is not None
            if news:
                # It stays to be looked at, behind those that have waited longer: the reader may not have taken it.
                dirty.pop(one, None)
                dirty[one] = None
            elif self._is_read_out(one, fetched):
                dirty.pop(one, None)
            if full or news or (fetched.high_watermark, fetched.log_start_offset) != (one.sent_high_watermark, one.sent_log_start):
                kept.append((one, fetched))
                taken = not fetched.error and fetched.diverging is None  # else the reader cuts its log first, and must hear it again
                one.sent_high_watermark = fetched.high_watermark if taken else -1
                one.sent_log_start = fetched.log_start_offset if taken else -1
        return kept

    def _is_read_out(self, one: SessionPartition, fetched: Fetched) -> bool:
        if self._session.is_follower:
            return one.wanted.fetch_offset >= one.partition.log.log_end_offset
        upper = fetched.last_stable_offset if self._isolation_level == READ_COMMITTED else fetched.high_watermark
        return one.wanted.fetch_offset >= upper
