"""Plans on disk: what once broke a promise is kept as JSON, and replayed for ever."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from tests.simulation.plan import Plan, Step

REGRESSIONS = Path(__file__).parent / "regressions"


def to_json(plan: Plan, *, sentence: str) -> str:
    """`sentence`: what was wrong, and with which checker it was seen."""
    return json.dumps({"sentence": sentence} | asdict(plan), indent=1, sort_keys=False) + "\n"


def from_json(text: str) -> tuple[Plan, str]:
    """(the plan, its sentence)."""
    values = json.loads(text)
    sentence = values.pop("sentence")
    steps = tuple(Step(**step) for step in values.pop("steps"))
    return Plan(**values | {"steps": steps, "workloads": tuple(values["workloads"])}), sentence


def regressions() -> list[Path]:
    """Every plan that is kept, by name."""
    return sorted(REGRESSIONS.glob("*.json"))
