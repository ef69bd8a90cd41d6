"""Clients of others that connect, and apps of our own."""

from typing import Any

from engine.events.fact import Fact, fact


@fact
class ClientConnected(Fact):
    """A connection said who it is. `connection` is unique in the node's incarnation."""

    connection: int
    client_id: str
    software: str
    software_version: str
    address: str


@fact
class ClientDisconnected(Fact):
    """A client's connection has closed."""

    connection: int
    client_id: str
    address: str
    reason: str


@fact
class AppStarted(Fact):
    """The playground started a client of its own. `app`: producer or consumer; `settings` as asked for."""

    client: str
    app: str
    topic: str
    group: str | None
    settings: dict[str, Any]


@fact
class AppChanged(Fact):
    """Settings of a running client changed."""

    client: str
    changes: dict[str, Any]


@fact
class AppPaused(Fact):
    """The client stops sending or polling for records; a consumer stays in its group."""

    client: str


@fact
class AppResumed(Fact):
    """The client goes on."""

    client: str


@fact
class AppCrashed(Fact):
    """The client is gone without a goodbye; its group learns it by the session timeout."""

    client: str


@fact
class AppClosed(Fact):
    """The client closed itself: flushed, and left its group."""

    client: str


@fact
class AppFailed(Fact):
    """The client met an error that it reports to its user."""

    client: str
    error: str
