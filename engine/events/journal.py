"""Numbers a node's facts and hands them to whoever listens.

Rule: emitting never waits and never fails; a listener that is slow is the listener's trouble.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from engine.events.facts import Fact

FACTS_KEPT = 10_000  # enough to look back over a workshop's hour on one node, a few megabytes

F = TypeVar("F", bound=Fact)


class Journal:
    """A node's own facts, newest last. `id` = "node.incarnation.sequence"."""

    def __init__(self, *, node: int, incarnation: int, now_ms: Callable[[], int]) -> None:
        self._node = node
        self._incarnation = incarnation
        self._now_ms = now_ms
        self._sequence = 0
        self._kept: deque[Fact] = deque(maxlen=FACTS_KEPT)
        self._listeners: list[Callable[[Fact], None]] = []

    def emit(self, fact: F) -> F:
        """Stamps the fact with its id and time, and tells every listener. Returns the stamped fact."""
        self._sequence += 1
        stamped = replace(
            fact,
            id=f"{self._node}.{self._incarnation}.{self._sequence}",
            node=self._node,
            incarnation=self._incarnation,
            at_ms=self._now_ms(),
        )
        self._kept.append(stamped)
        for listener in self._listeners:
            listener(stamped)
        return stamped

    def listen(self, listener: Callable[[Fact], None]) -> None:
        """Calls `listener` with every fact from now on."""
        self._listeners.append(listener)

    def recent(self, kind: type[F] | None = None) -> list[F]:
        """The facts still kept, oldest first; of one kind if asked."""
        return [fact for fact in self._kept if kind is None or isinstance(fact, kind)]

    def __repr__(self) -> str:
        return f"<Journal node={self._node} incarnation={self._incarnation} facts={self._sequence}>"
