"""What the controller decides: records to commit, facts to tell once they are, the answer to give then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from engine.events.facts import Fact
from engine.events.journal import Journal
from engine.protocol.stored.metadata import MetadataRecord


@dataclass(slots=True, eq=False)
class Telling:
    """A fact that will be told if its records are committed, and the tellings that it follows from."""

    fact: Fact
    because: tuple[Telling, ...] = ()


@dataclass(slots=True)
class Decision:
    """`after_commit` is called with the offset of the last record, for soft state that needs it."""

    answer: Any = None
    records: list[MetadataRecord] = field(default_factory=list)
    tellings: list[Telling] = field(default_factory=list)
    after_commit: Callable[[int], None] | None = None

    def tell(self, fact: Fact, *because: Telling | None) -> Telling:
        """Note a fact and what it follows from; both are told in the order of the notes."""
        telling = Telling(fact, tuple(cause for cause in because if cause))
        self.tellings.append(telling)
        return telling


def tell_all(journal: Journal, tellings: list[Telling]) -> list[Fact]:
    """Emit the facts, each with the ids of those that it follows from."""
    told: dict[int, Fact] = {}
    for telling in tellings:
        causes = tuple(told[id(cause)].id for cause in telling.because)
        told[id(telling)] = journal.emit(replace(telling.fact, causes=telling.fact.causes + causes))
    return list(told.values())
