"""DeleteRecords (key 21, versions 0 to 2): everything before an offset goes, on all replicas that are alive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.broker.request_context import LATER
from engine.controller.topic_names import INTERNAL_TOPICS
from engine.protocol.codec import Message, build, milliseconds
from engine.protocol.errors import ErrorCode, InvalidTopic, KafkaError, OffsetOutOfRange, PolicyViolation

if TYPE_CHECKING:
    from engine.broker.request_context import RequestContext
    from engine.replication.partition import Partition

HIGH_WATERMARK = -1  # delete all that is committed


def handle(context: RequestContext, request: Message) -> Any:
    """Deletes on the leader at once, and answers when the followers have done so too."""
    waiting = WaitingDeletion(context)
    for topic in request.topics:
        for asked in topic.partitions:
            waiting.delete(topic.name, asked.partition_index, asked.offset)
    return waiting.begin(milliseconds(request.timeout))


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    told = {"low_watermark": -1, "error_code": error.code}
    rows = [
        {"name": topic.name, "partitions": [{"partition_index": one.partition_index} | told for one in topic.partitions]}
        for topic in request.topics
    ]
    return build("DeleteRecords", "response", context.api_version, topics=rows)


class WaitingDeletion:
    """One request until the low watermarks have moved."""

    def __init__(self, context: RequestContext) -> None:
        self._context = context
        self._found: dict[tuple[str, int], dict[str, Any]] = {}
        self._begun: list[tuple[Partition, int, dict[str, Any]]] = []
        self._open = 0
        self._late = False
        self.done = False

    def delete(self, topic: str, index: int, offset: int) -> None:
        """On the leader; an error concerns its partition alone."""
        found = self._found[topic, index] = {"partition_index": index, "low_watermark": -1, "error_code": ErrorCode.none}
        try:
            if topic in INTERNAL_TOPICS and self._context.node.image.partition(topic, index) is not None:
                raise InvalidTopic(f"Cannot delete records of internal topic {topic}.")
            partition = self._context.node.replicas.leader(topic, index)
            if "delete" not in partition.log.config.cleanup_policy:
                raise PolicyViolation(f"Records of partition {topic}-{index} can not be deleted due to the configured policy")
            before = partition.high_watermark if offset == HIGH_WATERMARK else offset
            if before < 0:
                raise OffsetOutOfRange(f"The offset {before} for partition {topic}-{index} is not valid")
            partition.delete_before(before)
        except KafkaError as error:
            found["error_code"] = error.code
        else:
            self._begun.append((partition, before, found))

    def begin(self, timeout_ms: int) -> Any:
        """The answer if it is due at once, else LATER."""
        self._open = len(self._begun)
        for partition, before, found in self._begun:
            found["error_code"] = ErrorCode.request_timed_out
            partition.leading.when_deleted(before, self._settler(partition, found))
        if self._open == 0:
            self.done = True
            return self._response()
        self._late = True
        self._context.node.waiting.until(max(timeout_ms, 0), self)
        return LATER

    def _settler(self, partition: Partition, found: dict[str, Any]) -> Any:
        def settle(error: KafkaError | None) -> None:
            if self.done:
                return
            self._open -= 1
            found["error_code"] = error.code if error else ErrorCode.none
            if not error and partition.leading:
                found["low_watermark"] = partition.leading.low_watermark()
            if self._open == 0 and self._late:
                self._finish()

        return settle

    def woken(self) -> None:
        """Nobody wakes a deletion; low watermarks call back."""

    def expire(self) -> None:
        """Some follower has not deleted yet: REQUEST_TIMED_OUT. It will, with its next fetch."""
        self._finish()

    def _finish(self) -> None:
        self.done = True
        self._context.answer(self._response())

    def _response(self) -> Message:
        topics: dict[str, list[dict[str, Any]]] = {}
        for (topic, _), found in self._found.items():
            topics.setdefault(topic, []).append(found)
        rows = [{"name": topic, "partitions": partitions} for topic, partitions in topics.items()]
        return build("DeleteRecords", "response", self._context.api_version, topics=rows)
