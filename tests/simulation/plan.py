"""A run as data: everything that a seed decides before it begins. Printable, shrinkable, replayable.

Rule: a plan is drawn once; while it runs nothing else decides which fault comes when. Dice inside nodes and links are the seed's too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One fault: begins `at_ms` after the start of the load, ends `lasts_ms` later (0: it is a moment)."""

    at_ms: int
    fault: str  # a key of faults.FAULTS
    lasts_ms: int = 0
    args: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        args = " ".join(f"{name}={value}" for name, value in sorted(self.args.items()))
        return f"{self.at_ms:>7} ms  {self.fault} {args}" + (f" for {self.lasts_ms} ms" if self.lasts_ms else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`nodes`: how many begin, the first three vote. `workloads`: keys of workloads.WORKLOADS, all run together."""

    seed: int
    seconds: float
    nodes: int
    steps: tuple[Step, ...]
    workloads: tuple[str, ...]
    configs: dict[str, str] = field(default_factory=dict)  # of all nodes
