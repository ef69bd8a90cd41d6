"""Which link that was cut or slowed, or which interception, keeps two from hearing each other: the cause of their silence."""

from typing import Any

from engine.peers.connection import node_name
from engine.world.links import CLIENTS, Link

Wire = dict[str, Any]


class TroubleCauses:
    """Remembers the fact that last touched each link, and the one behind each rule, until they end."""

    def __init__(self) -> None:
        self._cut: dict[Link, str] = {}
        self._slow: dict[Link, str] = {}
        self._rules: dict[tuple[int, str], str] = {}

    def see(self, fact: Wire) -> set[int]:
        """A fact of the host. Returns the brokers whose links are whole again by it."""
        kind = fact["kind"]
        if kind == "LinkCut":
            for link in _links(fact):
                for one in (link, link[::-1]) if fact["both_ways"] else (link,):
                    self._cut[one] = fact["id"]
        elif kind == "LinkSlowed":
            for link in _links(fact):
                self._slow[link] = self._slow[link[::-1]] = fact["id"]
        elif kind == "RequestsIntercepted":
            self._rules[fact["broker"], fact["api"]] = fact["id"]
        elif kind == "InterceptionEnded":
            self._rules = {key: id for key, id in self._rules.items() if fact["broker"] not in (None, key[0])}
        elif kind == "LinksHealed":
            return self._heal(fact["broker"])
        return set()

    def _heal(self, broker: int | None) -> set[int]:
        name = None if broker is None else node_name(broker)
        whole = {link for link in (*self._cut, *self._slow) if name in (None, *link)}
        for link in whole:
            self._cut.pop(link, None)
            self._slow.pop(link, None)
        return {int(end.removeprefix("node-")) for link in whole for end in link if end != CLIENTS}

    def between(self, sender: int | None, receiver: int) -> str | None:
        """Why what `sender` sends (None: any client) does not arrive, or late."""
        link = (CLIENTS if sender is None else node_name(sender), node_name(receiver))
        return self._cut.get(link) or self._cut.get(link[::-1]) or self._slow.get(link)

    def around(self, broker: int) -> str | None:
        """Why the broker may be alone: the newest cut of a link to another."""
        name = node_name(broker)
        cuts = [id for link, id in self._cut.items() if name in link and CLIENTS not in link]
        return cuts[-1] if cuts else None

    def intercepting(self, broker: int, api: str) -> str | None:
        """Why the broker does not treat requests of that API as it should."""
        return self._rules.get((broker, api))


def _links(fact: Wire) -> list[Link]:
    far = [node_name(other) for other in fact["others"]] + ([CLIENTS] if fact["clients"] else [])
    return [(node_name(fact["broker"]), name) for name in far]
