"""All connections of a node: opened, introduced, idle, paused, closed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.broker.connection import ClientConnection
from engine.events.facts import ClientConnected, ClientDisconnected
from engine.protocol.api_keys import API_KEYS
from engine.protocol.codec import Malformed, build, read_header
from engine.world.links import CLIENTS

if TYPE_CHECKING:
    from engine.events.journal import Journal
    from engine.world.network import Connection
    from engine.world.world import World

IDLE_SWEEP_MS = 5_000  # how late an idle connection may be noticed
HEARTBEAT, API_VERSIONS = 12, 18
# What nodes ask each other, from their first moment on. Fetch is how they follow the metadata log.
OF_NODES = frozenset({api.key for api in API_KEYS.values() if api.for_nodes} | {1, 23})
NODE_CLIENT_ID = re.compile(r"(node-\d+)(-|$)")  # how nodes call themselves (peers/directory); they are not shown as clients


def far_name(client_id: str | None) -> str:
    """Whose a connection is, as the links call it."""
    node = NODE_CLIENT_ID.match(client_id or "")
    return node[1] if node else CLIENTS


def far_of(frame: memoryview) -> str:
    """The same from a request; what cannot be read is no node's."""
    try:
        return far_name(read_header(frame).client_id)
    except Malformed:
        return CLIENTS


def matches_by_correlation_id(connection: ClientConnection) -> bool:
    """librdkafka and what stands on it: answers may overtake. Others (Java …) take an answer out of order for a broken connection."""
    return "rdkafka" in f"{connection.software_name} {connection.software_version}"


class Connections:
    """The node's door. `on_request` is the dispatcher; `open_to_clients` says whether strangers are heard already."""

    def __init__(self, *, world: World, journal: Journal, idle_max_ms: int, open_to_clients: bool = True) -> None:
        self.clock = world.clock
        self.open_to_clients = open_to_clients
        self.on_request: Callable[[ClientConnection, memoryview], None] = lambda connection, frame: None
        self.by_id: dict[int, ClientConnection] = {}
        self._log = world.log
        self._journal = journal
        self._idle_max_ms = idle_max_ms
        self._opened = 0
        self.clock.on_change(self._clock_changed)
        self.clock.call_later(IDLE_SWEEP_MS, self._sweep)

    def accept(self, wire: Connection) -> None:
        """A new connection; nothing is known of it yet."""
        self._opened += 1
        self.by_id[self._opened] = ClientConnection(number=self._opened, wire=wire, owner=self)

    def open(self) -> None:
        """From now on clients are heard, those first who have waited."""
        self.open_to_clients = True
        self._resume_all()

    def takes(self, frame: memoryview | bytearray) -> bool:
        """Is this request handled now? Otherwise it waits for the end of the pause, or until the node is open.

        Kafka's brokers listen to clients once they are unfenced. A client that is told before that there are no brokers loses
        all that it knew, and librdkafka does not find back (its issue 5301).
        """
        return not self.clock.paused and (self.open_to_clients or int.from_bytes(frame[:2], "big", signed=True) in OF_NODES)

    def introduce(self, connection: ClientConnection, client_id: str | None) -> None:
        """The connection has sent something that tells who it is: shown once, unless it is another node's."""
        if connection.introduced:
            return
        connection.introduced = True
        connection.client_id = client_id
        connection.is_of(far_name(client_id))
        if not NODE_CLIENT_ID.match(client_id or ""):
            self._journal.emit(
                ClientConnected(
                    connection=connection.id,
                    client_id=client_id or "",
                    software=connection.software_name,
                    software_version=connection.software_version,
                    address=connection.remote[0],
                )
            )

    def on_lost(self, connection: ClientConnection, reason: str) -> None:
        """The connection is gone, by whoever's doing."""
        del self.by_id[connection.id]
        client_id = connection.client_id or ""
        if connection.introduced and not NODE_CLIENT_ID.match(client_id):
            self._journal.emit(
                ClientDisconnected(
                    connection=connection.id, client_id=client_id, address=connection.remote[0], reason=reason
                )
            )

    def refuse(self, connection: ClientConnection, reason: str) -> None:
        """As Kafka: what is not understood is logged, and its connection closed; nothing else is touched."""
        self._log(f"closing the connection from {connection.remote[0]}:{connection.remote[1]}: {reason}")
        connection.close(reason)

    def answered_though_paused(self, connection: ClientConnection, frame: memoryview) -> bool:
        """ApiVersions and Heartbeat: in order when nothing waits before them; a Heartbeat else only where it may overtake."""
        if not self.clock.paused or not self.open_to_clients:
            return False
        api_key = int.from_bytes(frame[:2], "big", signed=True)
        nothing_before = not connection.in_flight and not connection.has_kept
        if api_key == API_VERSIONS and nothing_before:
            self.on_request(connection, frame)
            connection.flush(though_paused=True)
            return True
        if api_key != HEARTBEAT or not (nothing_before or matches_by_correlation_id(connection)):
            return False
        try:
            header = read_header(frame)
        except Malformed:
            return False
        if not API_KEYS[HEARTBEAT].serves(header.api_version):
            return False
        connection.send_past_queue(build("Heartbeat", "response", header.api_version), header.correlation_id)
        return True

    def _release_heartbeats(self, connection: ClientConnection) -> None:
        """Heartbeats that were taken before the pause and wait behind something slower."""
        if matches_by_correlation_id(connection):
            for context in connection.take_out(HEARTBEAT):
                connection.send_past_queue(build("Heartbeat", "response", context.api_version), context.correlation_id)

    def close_all(self, reason: str) -> None:
        """The node stops."""
        for connection in list(self.by_id.values()):
            connection.close(reason)

    def _clock_changed(self) -> None:
        if not self.clock.paused:
            return self._resume_all()
        for connection in list(self.by_id.values()):
            self._release_heartbeats(connection)
        return None

    def _resume_all(self) -> None:
        for connection in list(self.by_id.values()):
            connection.resume()

    def _sweep(self) -> None:
        idle_since = self.clock.monotonic_ms() - self._idle_max_ms
        for connection in list(self.by_id.values()):
            if connection.last_active_ms < idle_since and not connection.in_flight:
                connection.close(f"idle for {self._idle_max_ms} ms (connections.max.idle.ms)")
        self.clock.call_later(IDLE_SWEEP_MS, self._sweep)

    def __repr__(self) -> str:
        return f"<Connections open={len(self.by_id)} ever={self._opened}>"
