"""Causes that only the sandbox knows: a member that joined because we started a client, one that fell silent because it crashed."""

from typing import Any

Wire = dict[str, Any]

BORN = ("AppStarted", "AppResumed", "AppChanged")
ENDED = ("AppCrashed", "AppFailed")


class AppCauses:
    """Remembers the last fact about each of our clients."""

    def __init__(self) -> None:
        self._born: dict[str, str] = {}
        self._ended: dict[str, str] = {}
        self._closing: dict[str, str] = {}
        self._clients: dict[str, str] = {}  # member id -> client id

    def closing(self, client: str, given: str) -> None:
        """A command asks this client to close or to join anew: its group may hear of it before we do."""
        self._closing[client] = given

    def see(self, fact: Wire) -> None:
        """A fact of the host or a node, as it is kept for later ones."""
        kind = fact["kind"]
        if kind in BORN:
            self._born[fact["client"]] = fact["id"]
            self._ended.pop(fact["client"], None)
            self._closing.pop(fact["client"], None)
        elif kind in ENDED:
            self._ended[fact["client"]] = fact["id"]
        elif kind == "MemberJoined":
            self._clients[fact["member"]] = fact["client_id"]
        elif kind == "MemberLeft":
            self._clients.pop(fact["member"], None)

    def complete(self, fact: Wire) -> Wire:
        """The fact with the cause that it lacks, if a client of ours is behind it."""
        cause = None if fact["causes"] else self._cause(fact)
        return fact | {"causes": [cause]} if cause else fact

    def _cause(self, fact: Wire) -> str | None:
        kind = fact["kind"]
        if kind in ("MemberJoined", "ClientConnected"):
            return self._born.get(fact["client_id"])
        if kind == "MemberSessionExpired":
            return self._ended.get(self._clients.get(fact["member"], ""))
        if kind == "MemberLeft":
            client = self._clients.get(fact["member"], "")
            return self._closing.get(client) or self._ended.get(client)
        return None
