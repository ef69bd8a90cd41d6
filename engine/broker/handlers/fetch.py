"""Fetch (key 1, versions 4 to 18): records for consumers and followers, at once or when there are some.

Not done: a preferred read replica is never named (no replica.selector.class), so consumers read from leaders unless they ask a
follower themselves. Never throttled. The metadata log is answered by the quorum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine.broker.current_leader import endpoints, name_of
from engine.broker.fetch_reading import Reader, Reading
from engine.broker.fetch_sessions import FetchSession, SessionPartition
from engine.broker.request_context import LATER
from engine.protocol.codec import build, decode_body
from engine.protocol.errors import KafkaError
from engine.protocol.hot_fetch import Fetched, FetchRequest, parse_request, write_response
from engine.protocol.hot_fields import Topic
from engine.world.tasks import spawn

if TYPE_CHECKING:
    from engine.broker.request_context import RequestContext

METADATA_TOPIC, METADATA_TOPIC_ID = "__cluster_metadata", UUID(int=1)


def handle_frame(context: RequestContext, body: memoryview) -> Any:
    """Reads at once; answers now, or when enough has come, or when the time is over."""
    request = parse_request(body, context.api_version)
    if is_of_metadata(request):
        message = decode_body("Fetch", "request", context.api_version, body)
        spawn(_fetch_metadata(context, message), name=f"Fetch of {METADATA_TOPIC}")
        return LATER
    node = context.node
    try:
        session, full = node.fetch_sessions.open(request)
    except KafkaError as error:
        return _refused(context, request, error)
    return WaitingFetch(context, request, session, full=full).begin()


def refuse_frame(context: RequestContext, body: memoryview, error: KafkaError) -> Any:
    """The error in every partition that is asked for, also by an earlier request of the session, which goes on."""
    request = parse_request(body, context.api_version)
    try:
        session, _ = context.node.fetch_sessions.open(request)
    except KafkaError as of_session:
        return _refused(context, request, of_session)
    found = [(one, Fetched(one.index, error=int(error.code))) for one in session.partitions.values()]
    number = session.id
    if not session.is_kept:
        session.end()
    return write_response(
        request.version, context.correlation_id, error=0, session_id=number, topics=_by_topic(found), endpoints=[]
    )


def is_of_metadata(request: FetchRequest) -> bool:
    """Does it follow the metadata log, which the quorum answers?"""
    if len(request.topics) != 1:
        return False
    topic = request.topics[0][0]
    return topic.topic_id == METADATA_TOPIC_ID or topic.name == METADATA_TOPIC


def _refused(context: RequestContext, request: FetchRequest, error: KafkaError) -> list:
    code = int(error.code)
    return write_response(request.version, context.correlation_id, error=code, session_id=0, topics=[], endpoints=[])


def _by_topic(found: list[tuple[SessionPartition, Fetched]]) -> list[tuple[Topic, list[Fetched]]]:
    topics: list[tuple[Topic, list[Fetched]]] = []
    field = None
    for one, fetched in found:
        if one.topic.field != field:
            field = one.topic.field
            topics.append((one.topic, []))
        topics[-1][1].append(fetched)
    return topics


async def _fetch_metadata(context: RequestContext, message: Any) -> None:
    try:
        context.answer(await context.node.raft.answer_fetch(message, context.api_version))
    except KafkaError as error:
        context.answer(build("Fetch", "response", context.api_version, error_code=error.code))


class WaitingFetch:
    """One request from its arrival to its answer."""

    __slots__ = ("_bytes_min", "_context", "_full", "_reader", "_request", "_session", "_woken", "done")

    def __init__(self, context: RequestContext, request: FetchRequest, session: FetchSession, *, full: bool) -> None:
        node = context.node
        self._context = context
        self._request = request
        self._session = session
        self._full = full
        bytes_max = request.bytes_max if session.is_follower else min(request.bytes_max, node.config["fetch.max.bytes"])
        self._bytes_min = min(request.bytes_min, bytes_max)
        self._reader = Reader(replicas=node.replicas, image=node.image, session=session, request=request, bytes_max=bytes_max)
        self.done = self._woken = False

    def begin(self) -> Any:
        """The answer if it is due at once, else LATER."""
        session = self._session
        reading = self._reader.look(full=self._full, arrived=True)
        if self._is_due(reading) or self._request.wait_ms_max <= 0 or not session.partitions:
            self.done = True
            return self._response(reading)
        if not session.is_kept:
            for one in session.partitions.values():
                one.observe(one.partition)
        session.waiter = self
        self._context.node.waiting.until(self._request.wait_ms_max, self)
        return LATER

    def _is_due(self, reading: Reading) -> bool:
        return reading.urgent or reading.size >= self._bytes_min

    def wake(self) -> None:
        """Look again in the loop's next turn, once."""
        if not self._woken:
            self._woken = True
            self._context.node.waiting.wake(self)

    def woken(self) -> None:
        """Something moved: enough?"""
        self._woken = False
        reading = self._reader.look(full=self._full, arrived=False)
        if self._is_due(reading):
            self._finish(reading)

    def expire(self) -> None:
        """The time is over, or the reader has overtaken its own request."""
        if not self.done:
            self._finish(self._reader.look(full=self._full, arrived=False))

    def _finish(self, reading: Reading) -> None:
        self.done = True
        self._session.waiter = None
        response = self._response(reading)
        if not self._session.is_kept:
            self._session.end()
        self._context.answer(response)

    def _response(self, reading: Reading) -> list:
        found = self._reader.answered(reading, full=self._full)
        if not self._session.is_follower:
            self._count(found)
        topics = _by_topic(found)
        leaders = [fetched.leader[0] for _, fetched in found if fetched.leader] if reading.urgent else ()
        return write_response(
            self._request.version,
            self._context.correlation_id,
            error=0,
            session_id=self._session.id,
            topics=topics,
            endpoints=endpoints(self._context.node.image, leaders) if leaders else [],
        )

    def _count(self, found: list) -> None:
        node, client = self._context.node, self._context.client_id or ""
        for one, fetched in found:
            if fetched.size:
                records = max(fetched.next_offset - one.wanted.fetch_offset, 0)
                node.traffic.fetched(client, name_of(node.image, one.topic) or "", one.index, records, fetched.size)
