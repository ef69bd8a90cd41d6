"""What a handler knows about the request that it answers: who asked, at which version, and how to answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from engine.protocol.codec import Message

if TYPE_CHECKING:
    from engine.broker.connection import ClientConnection
    from engine.broker.node import Node

Answer = Message | Sequence[Any] | None


class _Sign:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


LATER: Final = _Sign("LATER")  # returned by a handler that will call context.answer itself
NO_ANSWER: Final = _Sign("NO_ANSWER")  # Produce with acks=0: the client expects no response at all


class RequestContext:
    """One request in flight.

    `connection` is None when the node asks itself, and the forwarder's connection inside an Envelope, where
    `forwarded_from` is the first client's address.
    """

    __slots__ = ("api_key", "api_version", "client_id", "connection", "correlation_id", "forwarded_from", "node", "_deliver")

    def __init__(
        self,
        *,
        node: Node,
        connection: ClientConnection | None,
        api_key: int,
        api_version: int,
        correlation_id: int,
        client_id: str | None,
        deliver: Callable[[Any], None],
        forwarded_from: str | None = None,
    ) -> None:
        self.node = node
        self.connection = connection
        self.api_key = api_key
        self.api_version = api_version
        self.correlation_id = correlation_id
        self.client_id = client_id
        self.forwarded_from = forwarded_from
        self._deliver = deliver

    @property
    def client_host(self) -> str:
        """The client's address as Kafka shows it in group descriptions, without the slash."""
        if self.forwarded_from is not None:
            return self.forwarded_from
        return self.connection.remote[0] if self.connection else "127.0.0.1"

    def answer(self, answer: Any) -> None:
        """A message, or the ready parts of a response with length prefix and header, or NO_ANSWER. Once only."""
        self._deliver(answer)

    def __repr__(self) -> str:
        return f"<Request api={self.api_key} version={self.api_version} id={self.correlation_id} client={self.client_id}>"
