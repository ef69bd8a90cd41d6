"""What a fact is: what changed, from what to what, and why.

A fact is frozen. Its journal stamps `id` ("node.incarnation.sequence") and `at_ms`; `causes` are the ids of the facts it
follows from, recorded where the decision is made. `configs` holds the names and values that decided it. Facts are never
dropped; what happens thousands of times a second is traffic (traffic.py).
"""

from dataclasses import dataclass, field, fields
from typing import Any

FACTS: dict[str, type["Fact"]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What every fact has. `node` 0 is the host, which sees processes and hears commands."""

    id: str = ""
    node: int = 0
    incarnation: int = 0
    at_ms: int = 0
    causes: tuple[str, ...] = ()
    configs: dict[str, Any] = field(default_factory=dict)


def to_wire(fact: Fact) -> dict[str, Any]:
    """The fact as plain JSON values, with its `kind`."""
    return {"kind": type(fact).__name__} | {part.name: getattr(fact, part.name) for part in fields(fact)}


def fact(cls: type) -> type:
    """Makes a class a fact: frozen, and known by its name."""
    made = dataclass(frozen=True, slots=True, kw_only=True)(cls)
    FACTS[cls.__name__] = made
    return made
