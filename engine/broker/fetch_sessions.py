"""Fetch sessions (KIP-227): what a reader wants is remembered, so that a request names only what has changed.

Both sides pay for changes only: a partition is looked at when the reader moved, when records came, or when it has more to give.
A request without a session is one that is forgotten with its answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.protocol.errors import FetchSessionIdNotFound, FetchSessionTopicIdError, InvalidFetchSessionEpoch
from engine.protocol.hot_fetch import NEW_SESSION, SESSIONLESS, FetchRequest, Wanted
from engine.protocol.hot_fields import Topic
from engine.world.chance import Chance
from engine.world.clock import Clock

if TYPE_CHECKING:
    from engine.broker.handlers.fetch import WaitingFetch
    from engine.replication.partition import Partition

EVICTION_MS = 120_000  # min.incremental.fetch.session.eviction.ms: a session used less long ago is not given away
EPOCH_MAX = 0x7FFFFFFF
NO_SESSION = 0

Key = tuple[bytes, int]


class SessionPartition:
    """One partition of a session; observes the replica here, as soon as there is one."""

    __slots__ = ("index", "key", "partition", "sent_high_watermark", "sent_log_start", "session", "topic", "wanted")

    def __init__(self, session: FetchSession, topic: Topic, wanted: Wanted) -> None:
        self.session = session
        self.topic = topic
        self.index = wanted.index
        self.key: Key = (topic.field, wanted.index)
        self.wanted = wanted
        self.partition: Partition | None = None
        self.sent_high_watermark = self.sent_log_start = -1

    def observe(self, partition: Partition | None) -> None:
        """Takes notes of this replica from now on, and of no other."""
        if self.partition is not None and self.partition is not partition:
            self.partition.observers.pop(self, None)
        self.partition = partition
        if partition is not None:
            partition.observers[self] = None

    def log_end_moved(self) -> None:
        session = self.session
        session.dirty[self] = None
        if session.is_follower:
            session.wake()

    def high_watermark_moved(self) -> None:
        session = self.session
        session.dirty[self] = None
        if not session.is_follower:
            session.wake()  # to followers it rides on the next answer

    def leader_changed(self) -> None:
        self.session.dirty[self] = None
        self.session.wake()


class FetchSession:
    """`dirty`: the partitions to be looked at for the next answer, longest unread first. `epoch` is the next request's."""

    def __init__(self, *, request: FetchRequest, now_ms: float) -> None:
        self.id = NO_SESSION
        self.epoch = 1
        self.replica_id = request.replica_id
        self.replica_epoch = request.replica_epoch
        self.is_follower = request.replica_id >= 0
        self.uses_topic_ids = request.version >= 13
        self.partitions: dict[Key, SessionPartition] = {}
        self.dirty: dict[SessionPartition, None] = {}
        self.waiter: WaitingFetch | None = None
        self.last_fetch_ms = now_ms
        self.take(request)

    @property
    def is_kept(self) -> bool:
        return self.id != NO_SESSION

    def take(self, request: FetchRequest) -> None:
        """What the request adds, changes and forgets."""
        for topic, partitions in request.topics:
            for wanted in partitions:
                key = (topic.field, wanted.index)
                known = self.partitions.get(key)
                if known is None:
                    known = self.partitions[key] = SessionPartition(self, topic, wanted)
                else:
                    known.wanted = wanted
                self.dirty[known] = None
        for topic, indexes in request.forgotten:
            for index in indexes:
                self._forget(self.partitions.pop((topic.field, index), None))
        if request.replica_epoch != self.replica_epoch:
            # The follower has registered anew: its leader must hear the epoch for every partition (KIP-903).
            self.replica_epoch = request.replica_epoch
            self.dirty.update(dict.fromkeys(self.partitions.values()))

    def _forget(self, gone: SessionPartition | None) -> None:
        if gone is None:
            return
        self.dirty.pop(gone, None)
        if self.is_follower and gone.partition is not None and gone.partition.leading is not None:
            follower = gone.partition.leading.followers.get(self.replica_id)
            if follower is not None and follower.session is self:
                follower.session = None
        gone.observe(None)

    def wake(self) -> None:
        """The request that waits looks again in the loop's next turn."""
        if self.waiter is not None:
            self.waiter.wake()

    def end(self) -> None:
        """Observes nothing any more."""
        for partition in self.partitions.values():
            self._forget(partition)
        self.partitions.clear()

    def __repr__(self) -> str:
        who = f"follower {self.replica_id}" if self.is_follower else "consumer"
        return f"<FetchSession {self.id} epoch={self.epoch} {who} partitions={len(self.partitions)} dirty={len(self.dirty)}>"


class FetchSessions:
    """A node's sessions, `slots` of them at most: the least recently used goes first, a consumer's before a follower's."""

    def __init__(self, *, clock: Clock, chance: Chance, slots: int) -> None:
        self._clock = clock
        self._chance = chance
        self._slots = slots
        self._sessions: dict[int, FetchSession] = {}  # least recently used first
        self._of_followers: dict[int, FetchSession] = {}  # by replica id

    def open(self, request: FetchRequest) -> tuple[FetchSession, bool]:
        """(the session, is its answer a full one).

        Raises FetchSessionIdNotFound, InvalidFetchSessionEpoch, FetchSessionTopicIdError.
        """
        now_ms = self._clock.monotonic_ms()
        if request.session_epoch in (NEW_SESSION, SESSIONLESS):
            if request.session_id:
                self._end(self._sessions.get(request.session_id))
            session = FetchSession(request=request, now_ms=now_ms)
            if request.session_epoch == NEW_SESSION:
                self._begin(session, now_ms)
            return session, True
        session = self._sessions.get(request.session_id)
        if session is None:
            raise FetchSessionIdNotFound()
        if session.epoch != request.session_epoch:
            raise InvalidFetchSessionEpoch()
        if session.uses_topic_ids != (request.version >= 13):
            raise FetchSessionTopicIdError()
        if session.waiter is not None:
            session.waiter.expire()  # overtaken: a follower has more to ask, and the connection keeps the order
        session.epoch = session.epoch % EPOCH_MAX + 1
        session.last_fetch_ms = now_ms
        self._sessions[session.id] = self._sessions.pop(session.id)
        session.take(request)
        if not session.partitions:
            self._end(session)
        return session, False

    def _begin(self, session: FetchSession, now_ms: float) -> None:
        if session.is_follower:
            # One at a time: a request that was late on a connection long given up says where the follower stood then. Its next request
            # finds its session gone, begins anew, and the leader knows again where it stands.
            self._end(self._of_followers.get(session.replica_id))
        if not self._make_room(session, now_ms):
            return
        session.id = self._free_id()
        self._sessions[session.id] = session
        if session.is_follower:
            self._of_followers[session.replica_id] = session

    def _free_id(self) -> int:
        while True:
            number = self._chance.integer(1, EPOCH_MAX)
            if number not in self._sessions:
                return number

    def _make_room(self, newcomer: FetchSession, now_ms: float) -> bool:
        if len(self._sessions) < self._slots:
            return True
        for session in self._sessions.values():
            idle = now_ms - session.last_fetch_ms > EVICTION_MS
            if idle or (newcomer.is_follower and not session.is_follower):
                self._end(session)
                return True
        return False

    def _end(self, session: FetchSession | None) -> None:
        if session is not None:
            if session.waiter is not None:
                session.waiter.expire()
            self._sessions.pop(session.id, None)
            if self._of_followers.get(session.replica_id) is session:
                del self._of_followers[session.replica_id]
            session.id = NO_SESSION
            session.end()

    def __len__(self) -> int:
        return len(self._sessions)

    def __repr__(self) -> str:
        followers = sum(session.is_follower for session in self._sessions.values())
        return f"<FetchSessions {len(self._sessions)}/{self._slots} followers={followers}>"
