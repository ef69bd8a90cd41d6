"""Follows one leader broker: fetches all partitions that it leads over one connection, and appends what comes.

A fetch from an offset is the acknowledgement of everything before it, so the next request goes out in the same turn in which an
answer was appended. Requests are incremental (KIP-227): only partitions whose position changed are named. A request that waits at
the leader is overtaken by a second one when a partition is added, so that its first records need not wait for it.
"""

from __future__ import annotations

from collections import deque

from engine.metadata.configs import Config
from engine.peers.connection import node_name
from engine.peers.directory import Directory
from engine.protocol.codec import Malformed
from engine.protocol.errors import ErrorCode, KafkaError
from engine.protocol.hot_follow import Answered, FollowerRequest, parse_response
from engine.replication.divergence import EpochEnd, truncation
from engine.replication.offset_reset import reset_offset
from engine.replication.partition import Partition, Room
from engine.world import tasks
from engine.world.network import Connection
from engine.world.world import World

REDIAL_MS, REDIAL_MS_MAX = 20, 1000  # first and longest pause between attempts to reach the leader
RETRY_MS = 20  # first pause after a partition's error; doubles up to replica.fetch.backoff.ms
RETRIES_UNTOLD = 4  # pauses of 20 and 40 ms
REQUESTS_IN_FLIGHT_MAX = 2  # one that waits, one that overtakes it
CORRELATION_ID_MAX = 0x7FFFFFFF

Key = tuple[bytes, int]  # topic id, partition


def key_of(partition: Partition) -> Key:
    """How requests and answers name it."""
    return partition.topic_id.bytes, partition.index


class Followed:
    """One partition and what the leader was told of it last."""

    __slots__ = ("in_session", "partition", "paused", "retry_ms", "sent", "since")

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.sent: tuple[int, ...] | None = None
        self.paused = False  # after an error, until its retry
        self.in_session = False
        self.since: int | None = None  # the first request that named it; answers to earlier ones mean another leadership
        self.retry_ms = RETRY_MS

    def position(self, bytes_max: int) -> tuple[int, int, int, int, int, int]:
        """(index, leader epoch, offset, last epoch, log start, bytes) as a Fetch request names it."""
        partition, log = self.partition, self.partition.log
        epoch = log.latest_epoch
        return (
            partition.index, partition.leader_epoch, log.log_end_offset, -1 if epoch is None else epoch, log.log_start_offset, bytes_max,
        )  # fmt: skip


class LeaderFetcher:
    """Rule: the hot path (`_on_frame`) is a plain callback; only dialling and resets are tasks."""

    def __init__(self, *, leader: int, room: Room, world: World, directory: Directory, config: Config) -> None:
        self.leader = leader
        self._room = room
        self._world = world
        self._directory = directory
        self._bytes_max = config["replica.fetch.max.bytes"]
        self._wait_ms_max = config["replica.fetch.wait.max.ms"]
        self._retry_ms_max = config["replica.fetch.backoff.ms"]
        self._silence_ms_max = config["replica.socket.timeout.ms"]
        self._writer = FollowerRequest(
            node_id=room.node_id,
            client_id=f"node-{room.node_id}-fetcher",
            bytes_min=config["replica.fetch.min.bytes"],
            bytes_max=config["replica.fetch.response.max.bytes"],
        )
        self._followed: dict[Key, Followed] = {}
        self._changed: dict[Key, None] = {}  # to be named in the next request, in this order
        self._forgotten: dict[Key, None] = {}
        self._connection: Connection | None = None
        self._dialling: tasks.Task | None = None
        self._number = 0  # of the last request; its low 31 bits are the correlation id
        self._in_flight: deque[tuple[int, bool]] = deque()  # (number, still of this session)
        self._session = (0, 0)
        self._kicked = self._over = False
        self._kept: deque[bytearray] = deque()  # answers that came while the clock was paused
        self._last_answer_ms = 0.0
        world.clock.on_change(self._clock_changed)

    def __len__(self) -> int:
        return len(self._followed)

    # ---- what to follow

    def add(self, partition: Partition) -> None:
        """From its log's end on; known ones are asked for anew (a new leader epoch)."""
        key = key_of(partition)
        known = self._followed.get(key)
        if known is None or known.partition is not partition:
            self._followed[key] = Followed(partition)
        self._changed[key] = None
        self.kick()

    def remove(self, partition: Partition) -> None:
        """No answer to an earlier request counts any more."""
        key = key_of(partition)
        followed = self._followed.pop(key, None)
        if followed is not None:
            self._changed.pop(key, None)
            if followed.in_session:
                self._forgotten[key] = None

    def kick(self) -> None:
        """In the loop's next turn, tell the leader what is new although a request may wait there."""
        if not self._kicked and not self._over:
            self._kicked = True
            self._world.clock.call_soon(self._on_kick)

    def _on_kick(self) -> None:
        self._kicked = False
        if self._over or self._world.clock.paused:
            return
        if self._connection is not None:
            self._ask(urgent=True)
        elif self._followed and self._dialling is None:
            self._dialling = tasks.spawn(self._dial(), name=f"node {self._room.node_id} dials leader {self.leader}")

    def close(self) -> None:
        """At once and for good."""
        self._over = True
        self._followed.clear()
        if self._dialling:
            self._dialling.cancel()
        self._drop_connection()

    # ---- the connection

    async def _dial(self) -> None:
        pause = REDIAL_MS
        try:
            while not self._over and self._followed:
                address = self._directory.addresses.get(self.leader)
                try:
                    if address is None:
                        raise OSError("its address is not known yet")
                    connection = await self._world.network.dial(*address, to=node_name(self.leader))
                except OSError:
                    await self._world.clock.sleep(pause)
                    pause = min(pause * 2, REDIAL_MS_MAX)
                    continue
                connection.on_frame = self._on_frame
                connection.on_closed = self._on_closed
                self._connection = connection
                self._last_answer_ms = self._room.now_ms()
                self._begin_session()
                self._world.clock.call_later(self._silence_ms_max, self._check_silence)
                return self.kick()
        finally:
            self._dialling = None

    def _on_closed(self, reason: str) -> None:
        self._world.log(f"node {self._room.node_id}: connection to leader {self.leader} lost: {reason}")
        self._drop_connection()
        if not self._over and self._followed:
            self._world.clock.call_later(REDIAL_MS, self.kick)

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        self._in_flight.clear()
        self._kept.clear()
        if connection:
            connection.on_closed = lambda reason: None
            connection.close()

    def _check_silence(self) -> None:
        if self._connection is None or self._over:
            return
        silent = self._room.now_ms() - self._last_answer_ms
        if self._in_flight and silent >= self._silence_ms_max:
            return self._on_closed(f"no answer for {silent:.0f} ms")
        self._world.clock.call_later(self._silence_ms_max / 2, self._check_silence)
        return None

    def _begin_session(self) -> None:
        self._session = (0, 0)
        self._in_flight = deque((number, False) for number, _ in self._in_flight)
        self._forgotten.clear()
        for key in sorted(self._followed):
            followed = self._followed[key]
            followed.sent, followed.since, followed.in_session = None, None, False
            if not followed.paused:
                self._changed[key] = None

    # ---- asking

    def _ask(self, *, urgent: bool = False) -> None:
        session_id, session_epoch = self._session
        limit = REQUESTS_IN_FLIGHT_MAX if session_id else 1
        if self._connection is None or len(self._in_flight) >= limit:
            return
        if self._in_flight and not (urgent or self._changed):
            return
        full = session_id == 0
        self._number += 1
        wanted = self._wanted(full)
        if full and not wanted:
            return  # nothing to follow: the connection stays quiet
        forgotten: dict[bytes, list[int]] = {}
        for topic_id, index in () if full else self._forgotten:
            forgotten.setdefault(topic_id, []).append(index)
        self._forgotten.clear()
        own = self._room.image.brokers.get(self._room.node_id)
        request = self._writer.write(
            self._number & CORRELATION_ID_MAX,
            # The answer to a full request brings the session's id; until then nothing can overtake it, so it must not wait.
            wait_ms_max=0 if full else self._wait_ms_max,
            session=self._session,
            broker_epoch=own.epoch if own else -1,
            wanted=wanted,
            forgotten=forgotten,
        )
        self._in_flight.append((self._number, True))
        if not full:
            self._session = (session_id, session_epoch % 0x7FFFFFFF + 1)
        self._connection.send(request)

    def _wanted(self, full: bool) -> dict[bytes, list[tuple[int, int, int, int, int, int]]]:
        wanted: dict[bytes, list[tuple[int, int, int, int, int, int]]] = {}
        for key in self._followed if full else self._changed:
            followed = self._followed.get(key)
            if followed is None or followed.paused:
                continue
            position = followed.position(self._bytes_max)
            if full or position != followed.sent:
                followed.sent, followed.in_session = position, True
                if followed.since is None:
                    followed.since = self._number
                self._forgotten.pop(key, None)
                wanted.setdefault(key[0], []).append(position)
        self._changed.clear()
        return wanted

    # ---- answers

    def _clock_changed(self) -> None:
        if self._world.clock.paused or self._over:
            return
        self._last_answer_ms = self._room.now_ms()
        kept, self._kept = self._kept, deque()
        for frame in kept:
            self._on_frame(memoryview(frame))
        self.kick()

    def _on_frame(self, frame: memoryview) -> None:
        if self._world.clock.paused:
            self._kept.append(bytearray(frame))
            return
        self._last_answer_ms = self._room.now_ms()
        try:
            correlation_id, error, session_id, topics = parse_response(frame)
            number, counts = self._in_flight.popleft()
            if correlation_id != number & CORRELATION_ID_MAX:
                raise Malformed(f"answer {correlation_id} came where {number} was due")
        except (Malformed, IndexError) as failure:
            return self._on_closed(f"an answer that cannot be read: {failure}")
        if counts:
            if error:
                self._begin_session()
            else:
                if self._session[0] == 0:
                    self._session = (session_id, 1) if session_id else (0, 0)
                elif session_id == 0:
                    self._begin_session()  # the leader ended it, since no partition was left in it
                for topic_id, partitions in topics:
                    for answered in partitions:
                        self._take((topic_id, answered.index), answered, number)
        self._ask()
        return None

    def _take(self, key: Key, answered: Answered, number: int) -> None:
        followed = self._followed.get(key)
        if followed is None or followed.since is None or number < followed.since or followed.partition.closed:
            return
        partition = followed.partition
        try:
            if answered.error:
                return self._refused(key, followed, answered)
            if answered.diverging is not None:
                self._truncate(partition, EpochEnd(*answered.diverging))
                self._changed[key] = None
                if followed.position(self._bytes_max) == followed.sent:
                    # Asking the same again would be answered the same again, without a pause.
                    return self._pause(key, followed, f"parts at epoch {answered.diverging}, and nothing is left to cut")
            else:
                self._append(key, partition, answered)
            followed.retry_ms = RETRY_MS
        except KafkaError as error:
            self._pause(key, followed, str(error))
        except OSError as error:
            self._pause(key, followed, str(error))

    def _append(self, key: Key, partition: Partition, answered: Answered) -> None:
        log = partition.log
        if answered.records and int.from_bytes(answered.records[:8], "big") >= log.log_end_offset:
            log.append_as_follower(answered.records)
            self._changed[key] = None
        committed = min(answered.high_watermark, log.log_end_offset)
        if committed > log.high_watermark:
            log.advance_high_watermark(committed)
            if partition.observers:
                partition.tell_high_watermark()
        if log.log_start_offset < answered.log_start_offset <= log.high_watermark:
            log.advance_log_start_offset(answered.log_start_offset)
            self._changed[key] = None

    def _truncate(self, partition: Partition, leader: EpochEnd) -> None:
        log = partition.log
        epoch, end_offset = log.epoch_end(leader.epoch)
        own = EpochEnd(epoch, end_offset) if end_offset >= 0 else None
        partition.cut(truncation(leader=leader, own=own, log_end_offset=log.log_end_offset).offset)

    # ---- errors

    def _refused(self, key: Key, followed: Followed, answered: Answered) -> None:
        if answered.error == ErrorCode.offset_out_of_range:
            self._leave_session(key, followed)
            tasks.spawn(self._reset(key, followed), name=f"node {self._room.node_id} resets {followed.partition!r}")
        else:
            # The metadata of one of us is older: it comes in a moment, or another leader is followed by then.
            self._pause(key, followed, ErrorCode(answered.error).name)

    async def _reset(self, key: Key, followed: Followed) -> None:
        try:
            await reset_offset(followed.partition, peer=self._directory.peer(self.leader), node_id=self._room.node_id)
        except Exception as error:
            self._retry_later(key, followed, str(error))
        else:
            self._resume(key, followed)

    def _leave_session(self, key: Key, followed: Followed) -> None:
        followed.paused, followed.sent, followed.since = True, None, None
        self._changed.pop(key, None)
        if followed.in_session:
            followed.in_session = False
            self._forgotten[key] = None

    def _pause(self, key: Key, followed: Followed, reason: str) -> None:
        self._leave_session(key, followed)
        self._retry_later(key, followed, reason)

    def _retry_later(self, key: Key, followed: Followed, reason: str) -> None:
        if followed.retry_ms == RETRIES_UNTOLD * RETRY_MS:  # once; two nodes rarely learn of a new leader at the same moment
            self._world.log(f"node {self._room.node_id}: {followed.partition!r} not fetched from {self.leader}: {reason}")
        self._world.clock.call_later(followed.retry_ms, lambda: self._resume(key, followed))
        followed.retry_ms = min(followed.retry_ms * 2, max(self._retry_ms_max, RETRY_MS))

    def _resume(self, key: Key, followed: Followed) -> None:
        if self._followed.get(key) is followed:
            followed.paused = False
            self._changed[key] = None
            self.kick()

    def __repr__(self) -> str:
        state = "connected" if self._connection else "dialling" if self._dialling else "apart"
        return f"<LeaderFetcher {self._room.node_id} from {self.leader} {state} partitions={len(self._followed)}>"
