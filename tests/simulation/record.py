"""A run as checkers see it, while it goes on and when it has ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.simulation.history import History
from tests.simulation.plan import Plan
from tests.simulation.universe import Universe


@dataclass(slots=True, kw_only=True)
class Record:
    """`universe.facts`: all facts of all nodes in order, as on the wire; the universe's own (Crash, Cut …) are among them."""

    plan: Plan
    universe: Universe
    history: History
    healed: bool = False  # the faults are over, and every replica is in sync again
    notes: dict[str, Any] = field(default_factory=dict)  # what a watcher keeps between two looks, under its own name


class Checker(Protocol):
    """A module of tests/simulation/checkers; its first line is the promise. It has one or both of these."""

    def look(self, record: Record) -> None:
        """While the run goes on, every LOOK_EVERY_MS. Raises Anomaly."""

    def check(self, record: Record) -> None:
        """At the end, after healing. Raises Anomaly."""
