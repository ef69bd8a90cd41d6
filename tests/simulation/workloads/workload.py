"""What a workload is: clients that begin, go on until a moment, and end in good order."""

from typing import Protocol

from tests.simulation.history import History
from tests.simulation.universe import Universe


class Workload(Protocol):
    """One kind of load. All of a plan's run together; each has topics of its own names."""

    promise: str
    """In one sentence what Kafka owes these clients."""

    async def prepare(self, universe: Universe, history: History) -> None:
        """Creates its topics and clients; before the first fault."""

    async def run(self, universe: Universe, history: History, until_ms: int) -> None:
        """Load until the universe's time is `until_ms`."""

    async def finish(self, universe: Universe, history: History) -> None:
        """After healing: every send is settled, readers have read everything, clients are gone. Raises Anomaly if that takes too long."""
