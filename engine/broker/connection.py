"""A client's connection: who it is, and its answers in the order of its requests.

While the clock is paused, frames are kept unhandled and due answers unsent. Heartbeats and ApiVersions alone are answered at once:
members watch their session on clocks of their own and would leave, and a client that reconnects waits only ten seconds for the latter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.broker.request_context import NO_ANSWER, RequestContext
from engine.protocol.codec import encode_response

if TYPE_CHECKING:
    from engine.broker.connections import Connections
    from engine.broker.node import Node
    from engine.protocol.codec import RequestHeader
    from engine.world.network import Connection

REQUESTS_IN_FLIGHT_MAX = 100  # per connection; librdkafka and Java keep 5 or fewer, so only floods meet it
FRAMES_KEPT_MAX = 200  # per connection while paused; then its socket fills, as it would on a broker that stands still
ANSWERS_QUEUED_BYTES_MAX = 64 << 20  # a client that asks but does not read gets no further requests taken

_WAITING = object()  # an answer that is not there yet


class _Slot:
    __slots__ = ("answer", "begin", "context", "dropped")

    def __init__(self) -> None:
        self.answer: Any = _WAITING
        self.begin: Callable[[], None] | None = None  # handles the request once all earlier ones are answered
        self.context: RequestContext | None = None
        self.dropped = False  # was answered past the queue

    def forget_context(self) -> RequestContext:
        """Context and slot know each other; apart, they go at once and not with the next collection of garbage."""
        context, self.context = self.context, None
        return context


class ClientConnection:
    """One connection of a client or of another node. `id` is unique in the node's incarnation."""

    def __init__(self, *, number: int, wire: Connection, owner: Connections) -> None:
        self.id = number
        self.remote = wire.remote
        self.client_id: str | None = None
        self.software_name = "unknown"
        self.software_version = "unknown"
        self.introduced = False  # its ClientConnected was told
        self.closed = False
        self.last_active_ms = owner.clock.monotonic_ms()
        self._wire = wire
        self._owner = owner
        self._slots: deque[_Slot] = deque()
        self._kept: deque[bytearray] = deque()  # frames that came while paused, or before the node was open
        self._held = False
        self._beginning = False
        wire.on_frame = self._take
        wire.on_closed = self._lost

    @property
    def in_flight(self) -> int:
        """Requests that were taken and not answered yet."""
        return len(self._slots)

    @property
    def has_kept(self) -> bool:
        """Frames wait for the end of a pause."""
        return bool(self._kept)

    def is_of(self, far: str) -> None:
        """Whose it is, as the links call it."""
        self._wire.far = far

    def hold_reading(self, hold: bool, *, by: str) -> None:
        """While anybody holds no further requests come."""
        if not self.closed:
            self._wire.hold_reading(hold, by=by)

    # ---- requests in

    def _take(self, frame: memoryview) -> None:
        self.last_active_ms = self._owner.clock.monotonic_ms()
        if not self._kept and self._owner.takes(frame):
            self._handle(frame)
        elif not self._owner.answered_though_paused(self, frame):
            self._kept.append(bytearray(frame))
            self._hold_if_full()

    def _handle(self, frame: memoryview) -> None:
        self._owner.on_request(self, frame)
        self._hold_if_full()

    def open_slot(self, node: Node, header: RequestHeader) -> RequestContext:
        """The context of the next request; its answer goes out after all earlier ones."""
        slot = _Slot()
        self._slots.append(slot)
        slot.context = RequestContext(
            node=node,
            connection=self,
            api_key=header.api_key,
            api_version=header.api_version,
            correlation_id=header.correlation_id,
            client_id=header.client_id,
            deliver=lambda answer: self._fill(slot, answer),
        )
        return slot.context

    def begin_in_turn(self, begin: Callable[[], None]) -> None:
        """Handles the newest request by `begin` once all earlier ones are answered: its answer must be as new as it looks.

        Kafka handles one request of a connection after the other. Metadata that was read before a Produce waited for its followers
        would tell of a leader that is dead by the time it is sent.
        """
        self._slots[-1].begin = begin

    def _hold_if_full(self) -> None:
        full = (
            len(self._slots) >= REQUESTS_IN_FLIGHT_MAX
            or len(self._kept) >= FRAMES_KEPT_MAX
            or self._wire.queued_bytes > ANSWERS_QUEUED_BYTES_MAX
        )
        if full != self._held and not self.closed:
            self._held = full
            self._wire.hold_reading(full)
            if full and self._wire.queued_bytes > ANSWERS_QUEUED_BYTES_MAX:
                self._owner.clock.call_later(100, self._hold_if_full)

    # ---- answers out

    def _fill(self, slot: _Slot, answer: Any) -> None:
        if self.closed or slot.dropped:
            return
        assert slot.answer is _WAITING, f"answered twice: {slot.context}"
        slot.answer = answer
        if slot is self._slots[0]:
            self.flush()

    def flush(self, *, though_paused: bool = False) -> None:
        """Sends every answer that is due and has none open before it; nothing while paused, unless asked to."""
        slots = self._slots
        while slots and (though_paused or not self._owner.clock.paused):
            slot = slots[0]
            if slot.answer is not _WAITING:
                slots.popleft()
                self._send(slot.answer, slot.forget_context().correlation_id)
            elif slot.begin is None or self._beginning:
                break
            else:
                self._begin(slot)
        if self._held:
            self._hold_if_full()

    def _begin(self, slot: _Slot) -> None:
        begin, slot.begin, self._beginning = slot.begin, None, True
        try:
            begin()
        finally:
            self._beginning = False

    def send_past_queue(self, answer: Any, correlation_id: int) -> None:
        """At once, before answers that are still open; only for what may overtake."""
        self._send(answer, correlation_id)

    def _send(self, answer: Any, correlation_id: int) -> None:
        if answer is NO_ANSWER:
            return
        if isinstance(answer, (list, tuple)):
            self._wire.send(*answer)
        elif isinstance(answer, (bytes, bytearray, memoryview)):
            self._wire.send(answer)
        else:
            self._send_message(answer, correlation_id)

    def _send_message(self, message: Any, correlation_id: int) -> None:
        try:
            encoded = encode_response(message, correlation_id=correlation_id)
        except Exception as bug:  # an answer that cannot be written ends its own connection, never whoever happened to flush
            self._owner.refuse(self, f"an answer that cannot be written, a bug: {bug!r} in {message!r:.500}")
        else:
            self._wire.send(encoded)

    def take_out(self, api_key: int) -> list[RequestContext]:
        """Requests of that API whose answers were not sent: whoever calls sends them; what their handlers say is dropped."""
        taken = [slot.context for slot in self._slots if slot.context.api_key == api_key and slot.answer is not NO_ANSWER]
        for slot in self._slots:
            if slot.context in taken:
                slot.answer, slot.dropped = NO_ANSWER, True
        return taken

    def resume(self) -> None:
        """After a pause, or when the node opens: answers that are due, then the requests that were kept."""
        self.flush()
        while self._kept and not self.closed and self._owner.takes(self._kept[0]):
            self._handle(memoryview(self._kept.popleft()))
        if self._held:
            self._hold_if_full()

    # ---- the end

    def close(self, reason: str) -> None:
        """From our side; what is not answered stays so."""
        if not self.closed:
            self._wire.close()
            self._lost(reason)

    def _lost(self, reason: str) -> None:
        if not self.closed:
            self.closed = True
            for slot in self._slots:
                slot.forget_context()
            self._slots.clear()
            self._kept.clear()
            self._owner.on_lost(self, reason)

    def __repr__(self) -> str:
        software = f"{self.software_name}/{self.software_version}"
        return f"<ClientConnection {self.id} {self.remote[0]}:{self.remote[1]} {self.client_id} {software} in_flight={self.in_flight}>"
