"""Produce (key 0, versions 3 to 13): append on the leader, and answer when acks says so.

Not done: transactions; a transactional id is refused with TRANSACTIONAL_ID_AUTHORIZATION_FAILED. Never throttled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.broker.current_leader import endpoints, leader_of, name_of
from engine.broker.request_context import LATER, NO_ANSWER
from engine.controller.topic_names import INTERNAL_TOPICS
from engine.protocol.errors import (
    ErrorCode,
    InvalidRecord,
    InvalidRequiredAcks,
    InvalidTopic,
    KafkaError,
    TransactionalIdAuthorizationFailed,
    UnknownTopicId,
    UnknownTopicOrPartition,
    UnsupportedCompressionType,
)
from engine.protocol.hot_fields import Topic
from engine.protocol.hot_produce import Produced, ProduceRequest, parse_request, write_response
from engine.protocol.record_batch import ATTRIBUTES_AT, COMPRESSION_BITS, HEADER_BYTES, OVERHEAD_BYTES
from engine.storage.batch_checks import record_errors

if TYPE_CHECKING:
    from engine.broker.request_context import RequestContext

ALL, LEADER, NONE = -1, 1, 0
ZSTD, ZSTD_SINCE = 4, 7  # KIP-110
ADMIN_CLIENT = "__admin_client"  # the only client id that may write to internal topics, as in Kafka

Outcomes = list[tuple[Topic, list[Produced]]]


def handle_frame(context: RequestContext, body: memoryview) -> Any:
    """Appends at once; answers now, or when the replicas have it."""
    request = parse_request(body, context.api_version)
    waiting = WaitingProduce(context, request)
    for topic, partitions in request.topics:
        waiting.append(topic, partitions)
    return waiting.begin() if request.acks != NONE else waiting.unacknowledged()


def refuse_frame(context: RequestContext, body: memoryview, error: KafkaError) -> Any:
    """The error for each partition, and nothing is appended."""
    request = parse_request(body, context.api_version)
    waiting = WaitingProduce(context, request)
    waiting.refuse_all(error)
    return waiting.begin() if request.acks != NONE else waiting.unacknowledged()


def check_batch(records: memoryview | None, version: int) -> None:
    """What can be said before the log looks: one whole batch, in a codec of this version. Raises InvalidRecord and others."""
    if records is None or len(records) < HEADER_BYTES or int.from_bytes(records[8:12], "big") + OVERHEAD_BYTES != len(records):
        raise InvalidRecord("Produce requests with version 3 or newer must contain exactly one record batch per partition")
    if version < ZSTD_SINCE and records[ATTRIBUTES_AT + 1] & COMPRESSION_BITS == ZSTD:
        raise UnsupportedCompressionType(f"Produce requests with version {version} are not allowed to use ZStandard compression")


class WaitingProduce:
    """One request from its appends to its answer."""

    __slots__ = ("_commits", "_context", "_image", "_late", "_open", "_outcomes", "_request", "done", "first_error")

    def __init__(self, context: RequestContext, request: ProduceRequest) -> None:
        self._context = context
        self._image = context.node.image
        self._request = request
        self._outcomes: Outcomes = []
        self._commits: list[tuple[Any, int, Produced]] = []  # (partition, offset to be committed, its outcome)
        self._open = 0
        self._late = False
        self.done = False
        self.first_error: KafkaError | None = None

    # ---- appending

    def append(self, topic: Topic, partitions: list[tuple[int, memoryview | None]]) -> None:
        """The records of one topic; an error concerns its partition alone."""
        name = name_of(self._image, topic)
        outcomes = []
        for index, records in partitions:
            done = Produced(index)
            try:
                self._append_one(topic, name, records, done)
            except KafkaError as error:
                self._refuse(done, name, error)
            outcomes.append(done)
        self._outcomes.append((topic, outcomes))

    def _append_one(self, topic: Topic, name: str | None, records: memoryview | None, done: Produced) -> None:
        request, context = self._request, self._context
        if request.acks not in (ALL, LEADER, NONE):
            raise InvalidRequiredAcks()
        if request.transactional_id is not None:
            raise TransactionalIdAuthorizationFailed("transactions are not served yet")
        if name is None:
            raise UnknownTopicId() if topic.topic_id else UnknownTopicOrPartition()
        if self._image.partition(name, done.index) is None:
            raise UnknownTopicOrPartition()
        check_batch(records, request.version)
        if name in INTERNAL_TOPICS and context.client_id != ADMIN_CLIENT:
            raise InvalidTopic(f"Cannot append to internal topic {name}")
        node = context.node
        partition = node.replicas.find(name, done.index)
        try:
            appended = partition.append(records, acks=request.acks, now_ms=node.clock.now_ms())
        except KafkaError as error:
            done.record_errors = [(one.batch_index, one.message) for one in record_errors(error)]
            if done.record_errors:
                done.log_start_offset = partition.log.log_start_offset  # told only with errors of single records, as by Kafka
            raise
        done.base_offset = appended.base_offset
        done.log_append_time_ms = appended.log_append_time_ms
        done.log_start_offset = appended.log_start_offset
        if not appended.duplicate:
            node.traffic.appended(context.client_id or "", name, done.index, appended.record_count, len(records))
        self._commits.append((partition, appended.last_offset + 1, done))

    def _refuse(self, done: Produced, name: str | None, error: KafkaError) -> None:
        self.first_error = self.first_error or error
        done.error = int(error.code)
        done.message = error.message
        if error.code == ErrorCode.not_leader_or_follower:
            done.leader = leader_of(self._image, name, done.index)

    def refuse_all(self, error: KafkaError) -> None:
        """As if each partition had failed so."""
        for topic, partitions in self._request.topics:
            name, outcomes = name_of(self._image, topic), [Produced(index) for index, _ in partitions]
            for done in outcomes:
                self._refuse(done, name, error)
            self._outcomes.append((topic, outcomes))

    # ---- waiting

    def unacknowledged(self) -> Any:
        """With acks=0 there is never an answer."""
        connection = self._context.connection
        if self.first_error is not None and connection is not None:
            # There is no answer that could carry the error: the closed connection makes the client look for the leader.
            connection.close(f"a Produce request with acks=0 failed: {self.first_error}")
        return NO_ANSWER

    def begin(self) -> Any:
        """The answer if it is due at once, else LATER."""
        if self._request.acks == ALL and self._commits:
            self._open = len(self._commits)
            for partition, offset, done in self._commits:
                partition.when_committed(offset, self._settler(partition, done))
            if self._open:
                self._late = True  # from now on the last commit answers
                self._context.node.waiting.until(max(self._request.timeout_ms, 0), self)
                return LATER
        self.done = True
        return self._response()

    def _settler(self, partition: Any, done: Produced) -> Any:
        def settle(error: KafkaError | None) -> None:
            if self.done:
                return
            self._open -= 1
            if error is not None:
                self._refuse(done, partition.topic, error)
            elif done.error == ErrorCode.request_timed_out:
                done.error = 0
            if self._open == 0 and self._late:
                self._finish()

        done.error = int(ErrorCode.request_timed_out)  # until its records are committed
        return settle

    def woken(self) -> None:
        """Nobody wakes a produce; its commits call back."""

    def expire(self) -> None:
        """What is not committed by now is answered REQUEST_TIMED_OUT; the records stay in the log."""
        self._finish()

    def _finish(self) -> None:
        self.done = True
        self._context.answer(self._response())

    def _response(self) -> list[bytes]:
        leaders = [done.leader[0] for _, outcomes in self._outcomes for done in outcomes if done.leader]
        where = endpoints(self._image, leaders) if leaders else []
        return [write_response(self._request.version, self._context.correlation_id, self._outcomes, where)]
