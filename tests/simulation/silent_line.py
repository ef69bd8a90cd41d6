"""Requests that get no answer (Produce with acks=0): written to a connection, and nothing is ever heard of them."""

from __future__ import annotations

from engine.protocol.codec import Message, encode_request
from engine.world.network import Connection
from engine.world.tasks import Promise
from tests.simulation.client import Client


class SilentLines:
    """One connection to each node, dialled again when it broke. A broker closes it to say that something failed."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._connections: dict[int, Connection] = {}
        self._dialling: dict[int, Promise[Connection | None]] = {}
        self._sent = 0

    async def send(self, node: int, message: Message) -> bool:
        """Was it handed to a connection that lived?"""
        connection = self._connections.get(node) or await self._dial(node)
        if connection is None:
            return False
        self._sent += 1
        connection.send(encode_request(message, correlation_id=self._sent, client_id=self._client.name))
        return True

    async def _dial(self, node: int) -> Connection | None:
        """Those who come while it is dialled wait for the same connection, and send in the order in which they came."""
        if node in self._dialling:
            return await self._dialling[node].wait()
        promise = self._dialling[node] = Promise()
        connection = None
        try:
            connection = await self._client.world.network.dial(*self._client.address_of(node))
            connection.on_closed = lambda reason: self._closed(node)
            self._connections[node] = connection
        except OSError:
            self._client.wants_metadata()
        finally:
            del self._dialling[node]
            promise.resolve(connection)
        return connection

    def _closed(self, node: int) -> None:
        del self._connections[node]
        self._client.wants_metadata()

    def close(self) -> None:
        for node in sorted(self._connections):
            self._connections[node].close()
        self._connections.clear()
