"""One other node, reached over one connection: asked many things at once, dialled again when the connection breaks.

Rule: an ask ends in exactly one of three ways: its answer, Unreachable, or Expired. As in Kafka's NetworkClient an ask that
expires takes its connection with it, so that nothing piles up before a node that hangs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from engine.protocol import codec
from engine.protocol.api_keys import API_KEYS
from engine.world.network import Connection
from engine.world.tasks import Expired, Promise, Task, spawn, within
from engine.world.world import World

DIAL_BACKOFF_MS = 20  # a node that was just killed is often back soon; refused dials cost next to nothing
DIAL_BACKOFF_MAX_MS = 200  # what a node that returns waits at most to be dialled
DIAL_MS_MAX = 10_000  # socket.connection.setup.timeout.ms
CORRELATION_ID_MAX = 0x7FFFFFFF

Encode = Callable[[int], bytes]  # correlation id -> the whole request, length prefix included
Read = Callable[[memoryview], Any]  # the answer's frame -> what the asker gets; must not keep the view


class Unreachable(Exception):
    """The node cannot be asked now: nobody listens, or the connection broke before the answer came."""

    def __init__(self, node_id: int, reason: str) -> None:
        super().__init__(f"node {node_id}: {reason}")
        self.node_id = node_id
        self.reason = reason


def node_name(node_id: int) -> str:
    """What a node is called on the links; the client ids of its requests begin with it."""
    return f"node-{node_id}"


class _Ask:
    __slots__ = ("encode", "promise", "read")

    def __init__(self, encode: Encode, read: Read) -> None:
        self.encode = encode
        self.read = read
        self.promise: Promise[Any] = Promise()


class Peer:
    """One other node. Dials when first asked; asks made meanwhile wait in order."""

    def __init__(self, *, world: World, node_id: int, address: tuple[str, int] | None, client_id: str) -> None:
        self.node_id = node_id
        self._world = world
        self._address = address
        self._client_id = client_id
        self._connection: Connection | None = None
        self._dialling: Task | None = None
        self._failed_dials = 0
        self._dial_not_before_ms = 0.0
        self._unsent: list[_Ask] = []
        self._unanswered: dict[int, _Ask] = {}
        self._correlation_ids: Iterator[int] = count(1)

    @property
    def connected(self) -> bool:
        return self._connection is not None

    async def ask(self, message: codec.Message, *, within_ms: float) -> codec.Message:
        """The answer to a request built by the codec. Raises Unreachable or Expired."""
        api, version = API_KEYS[message.__api_key__].name, message.__version__

        def encode(correlation_id: int) -> bytes:
            return codec.encode_request(message, correlation_id=correlation_id, client_id=self._client_id)

        return await self._ask(encode, lambda frame: codec.decode_response(api, version, frame)[1], within_ms)

    async def ask_raw(self, encode: Encode, *, within_ms: float) -> bytes:
        """The answer's frame, a copy, correlation id first. Raises Unreachable or Expired."""
        return await self._ask(encode, bytes, within_ms)

    async def _ask(self, encode: Encode, read: Read, within_ms: float) -> Any:
        ask = _Ask(encode, read)
        timer = self._world.clock.call_later(within_ms, lambda: self._expire(ask, within_ms))
        if self._connection is not None:
            self._send(ask)
        else:
            self._unsent.append(ask)
            self._dial()
        try:
            return await ask.promise.wait()
        finally:
            timer.cancel()
            if not ask.promise.done and ask in self._unsent:
                self._unsent.remove(ask)

    def _expire(self, ask: _Ask, within_ms: float) -> None:
        ask.promise.refuse(Expired(f"node {self.node_id} did not answer within {within_ms:.0f} ms"))
        if ask in self._unsent:
            self._unsent.remove(ask)
        elif ask in self._unanswered.values():
            self.break_off("a request timed out")

    def _send(self, ask: _Ask) -> None:
        assert self._connection is not None
        correlation_id = next(self._correlation_ids)
        if correlation_id == CORRELATION_ID_MAX:
            self._correlation_ids = count(1)
        self._unanswered[correlation_id] = ask
        self._connection.send(ask.encode(correlation_id))

    def _dial(self) -> None:
        if self._dialling is None:
            self._dialling = spawn(self._dial_until_nobody_asks(), name=f"dial {self._client_id} to {self.node_id}")

    async def _dial_until_nobody_asks(self) -> None:
        try:
            wait_ms = self._dial_not_before_ms - self._world.clock.monotonic_ms()
            if wait_ms > 0:
                await self._world.clock.sleep(wait_ms)
            if not self._unsent:
                return
            if self._address is None:
                raise OSError("its address is not known")
            address = self._address
            connection = await within(self._world.clock, DIAL_MS_MAX, self._world.network.dial(*address, to=node_name(self.node_id)))
            if address != self._address:
                connection.close()
                raise OSError("it has moved")
            self._connect(connection)
        except OSError as error:
            backoff_ms = min(DIAL_BACKOFF_MS * 2 ** min(self._failed_dials, 10), DIAL_BACKOFF_MAX_MS)
            self._failed_dials += 1
            self._dial_not_before_ms = self._world.clock.monotonic_ms() + backoff_ms
            self._refuse_all(str(error) or type(error).__name__)
        finally:
            self._dialling = None

    def _connect(self, connection: Connection) -> None:
        self._failed_dials = 0
        self._connection = connection
        connection.on_frame = self._answered
        connection.on_closed = lambda reason: self._closed(connection, reason)
        unsent, self._unsent = self._unsent, []
        for ask in unsent:
            self._send(ask)

    def _answered(self, frame: memoryview) -> None:
        ask = self._unanswered.pop(int.from_bytes(frame[:4], "big"), None)
        if ask is None:
            return self.break_off("it answered what nobody asked")
        try:
            answer = ask.read(frame)
        except codec.Malformed as error:
            ask.promise.refuse(Unreachable(self.node_id, str(error)))
            return self.break_off(f"its answer could not be read: {error}")
        ask.promise.resolve(answer)

    def _closed(self, connection: Connection, reason: str) -> None:
        if connection is self._connection:
            self._connection = None
            self._refuse_all(reason)

    def _refuse_all(self, reason: str) -> None:
        refused = [*self._unanswered.values(), *self._unsent]
        self._unanswered, self._unsent = {}, []
        for ask in refused:
            ask.promise.refuse(Unreachable(self.node_id, reason))

    def break_off(self, reason: str) -> None:
        """Close the connection; whoever waits for an answer hears `reason`. The next ask dials again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._refuse_all(reason)

    def moved(self, address: tuple[str, int]) -> None:
        """From now on the node is at `address`."""
        if address != self._address:
            self._address, self._failed_dials, self._dial_not_before_ms = address, 0, 0.0
            if self._connection is not None:
                self.break_off("it has moved")

    def close(self) -> None:
        """For good: ours is the node that goes."""
        if self._dialling is not None:
            self._dialling.cancel()
        self.break_off("this node is going")

    def __repr__(self) -> str:
        state = "connected" if self.connected else "dialling" if self._dialling else "idle"
        return f"<Peer {self.node_id} at {self._address} {state} asked={len(self._unanswered)} waiting={len(self._unsent)}>"
