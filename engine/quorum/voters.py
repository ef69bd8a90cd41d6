"""Who may vote. Static, as with Kafka's `controller.quorum.voters`; all other nodes observe: they fetch and never stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class Voters:
    """The voters of the metadata log and how many of them decide."""

    def __init__(self, ids: Iterable[int]) -> None:
        self.ids = tuple(sorted(set(ids)))
        assert self.ids, "a quorum without voters never decides"

    @property
    def majority(self) -> int:
        return len(self.ids) // 2 + 1

    def others(self, node_id: int) -> tuple[int, ...]:
        return tuple(voter for voter in self.ids if voter != node_id)

    def is_majority(self, nodes: Iterable[int]) -> bool:
        return len(set(nodes) & set(self.ids)) >= self.majority

    def reached_by_majority(self, offsets: Mapping[int, int]) -> int:
        """The largest offset that a majority of the voters has reached; a voter of which nothing is known has reached 0."""
        reached = sorted((offsets.get(voter, 0) for voter in self.ids), reverse=True)
        return reached[self.majority - 1]

    def __contains__(self, node_id: int) -> bool:
        return node_id in self.ids

    def __repr__(self) -> str:
        return f"<Voters {list(self.ids)}>"
