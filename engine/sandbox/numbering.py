"""Numbers the facts of all nodes in the order of their arrival, and turns causes from ids into numbers."""

import json
from collections import OrderedDict
from typing import Any

IDS_KEPT = 50_000  # a cause older than so many facts is history; a few megabytes


class Numbering:
    """1, 2, 3 … per sandbox; goes on after `last` when the host starts again."""

    def __init__(self, last: int = 0) -> None:
        self.last = last
        self._numbers: OrderedDict[str, int] = OrderedDict()

    def remember(self, fact: dict[str, Any]) -> None:
        """A fact that was numbered before the host started again: later facts may follow from it."""
        self._keep(fact["id"], fact["number"])
        self.last = max(self.last, fact["number"])

    def number(self, wire: dict[str, Any]) -> dict[str, Any]:
        """The fact with its number and with its causes as numbers; causes that nobody knows any more are left out."""
        self.last += 1
        self._keep(wire["id"], self.last)
        causes = [self._numbers[cause] for cause in wire["causes"] if cause in self._numbers and cause != wire["id"]]
        return {"number": self.last} | wire | {"causes": causes}

    def of(self, fact_id: str) -> int | None:
        """The number of a fact by its id."""
        return self._numbers.get(fact_id)

    def _keep(self, fact_id: str, number: int) -> None:
        self._numbers[fact_id] = number
        if len(self._numbers) > IDS_KEPT:
            self._numbers.popitem(last=False)

    def __repr__(self) -> str:
        return f"<Numbering last={self.last} ids={len(self._numbers)}>"


def plain(wire: dict[str, Any]) -> dict[str, Any]:
    """The same as JSON would give it back: tuples are lists, keys are text."""
    return json.loads(json.dumps(wire))
