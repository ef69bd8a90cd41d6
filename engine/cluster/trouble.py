"""What is broken on purpose inside a running cluster: links that are cut or slow, requests that fail, wait or are lost.

The host keeps it and tells each broker the whole of what concerns it, also one that starts later. Rule: the fact comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from engine.events.facts import Fact, InterceptionEnded, LinkCut, LinksHealed, LinkSlowed, RequestsIntercepted
from engine.events.journal import Journal
from engine.peers.connection import node_name
from engine.world.links import CLIENTS, Link

Causes = tuple[str, ...]
FAIL, DELAY, DROP = "fail", "delay", "drop"


class Trouble:
    """`tell_all` hands every running broker its orders anew."""

    def __init__(self, journal: Journal, tell_all: Callable[[], None]) -> None:
        self._journal = journal
        self._tell_all = tell_all
        self._cut: set[Link] = set()
        self._slow: dict[Link, int] = {}
        self._rules: dict[int, dict[str, dict[str, Any]]] = {}  # broker -> API -> rule

    def cut(self, broker: int, *, others: Iterable[int], clients: bool, both_ways: bool, causes: Causes) -> Fact:
        """Nothing passes between the broker and those; not `both_ways`: nothing from it to them."""
        fact = self._journal.emit(
            LinkCut(broker=broker, others=tuple(others), clients=clients, both_ways=both_ways, causes=causes)
        )
        for link in _links(broker, fact.others, clients):
            self._cut.update((link, link[::-1]) if both_ways else (link,))
        return self._told(fact)

    def slow(self, broker: int, *, others: Iterable[int], clients: bool, delay_ms: int, causes: Causes) -> Fact:
        """Whatever passes between the broker and those takes so much longer, in each direction."""
        fact = self._journal.emit(
            LinkSlowed(broker=broker, others=tuple(others), clients=clients, delay_ms=delay_ms, causes=causes)
        )
        for link in _links(broker, fact.others, clients):
            self._slow[link] = self._slow[link[::-1]] = delay_ms
        return self._told(fact)

    def intercept(
        self, broker: int, *, api: str, how: str, share: int, causes: Causes, error: str | None = None, delay_ms: int = 0
    ) -> Fact:
        """From now on; a rule for the same API is replaced."""
        rule = {"api": api, "how": how, "error": error, "delay_ms": delay_ms, "share": share}
        fact = self._journal.emit(RequestsIntercepted(broker=broker, causes=causes, **rule))
        self._rules.setdefault(broker, {})[api] = rule
        return self._told(fact)

    def heal(self, broker: int | None, *, causes: Causes) -> list[Fact]:
        """Ends all that concerns the broker; everything if it is None. No fact where there was nothing to end."""
        facts: list[Fact] = []
        name = None if broker is None else node_name(broker)
        if any(name in (None, *link) for link in (*self._cut, *self._slow)):
            facts.append(self._journal.emit(LinksHealed(broker=broker, causes=causes)))
        if any(broker in (None, known) for known in self._rules):
            facts.append(self._journal.emit(InterceptionEnded(broker=broker, causes=causes)))
        self.forget(broker)
        self._tell_all()
        return facts

    def forget(self, broker: int | None) -> None:
        """Without a word: the broker has left the cluster."""
        name = None if broker is None else node_name(broker)
        self._cut = {link for link in self._cut if name and name not in link}
        self._slow = {link: ms for link, ms in self._slow.items() if name and name not in link}
        self._rules = {known: rules for known, rules in self._rules.items() if broker not in (None, known)}

    def orders(self, broker: int) -> list[dict[str, Any]]:
        """All that the broker must know, as messages for its pipe; an order replaces the one before."""
        slow = [[*link, ms] for link, ms in sorted(self._slow.items())]
        rules = [rule for _, rule in sorted(self._rules.get(broker, {}).items())]
        return [
            {"do": "links", "cut": [list(link) for link in sorted(self._cut)], "slow": slow},
            {"do": "intercept", "rules": rules},
        ]

    def _told(self, fact: Fact) -> Fact:
        self._tell_all()
        return fact

    def __repr__(self) -> str:
        return f"<Trouble cut={sorted(self._cut)} slow={sorted(self._slow)} rules={sorted(self._rules)}>"


def _links(broker: int, others: Iterable[int], clients: bool) -> list[Link]:
    far = [node_name(other) for other in others] + ([CLIENTS] if clients else [])
    return [(node_name(broker), name) for name in far]
