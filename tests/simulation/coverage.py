"""Which moves of the engine's state tables a run took: the tables themselves are asked, so the engine knows nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from engine.coordination.groups import states
from engine.quorum import raft_node, roles

Move = tuple[str, str, str]  # (table, from, to or by)

# Moves that no run takes, and why.
NEVER_TAKEN: dict[Move, str] = {
    ("group", "Dead", "gone"): "a deleted group has left its shard when it is Dead, so the shard's end finds it no more; the move is Kafka's",
}


def all_moves() -> set[Move]:
    """Every move that the tables allow."""
    quorum = {("quorum", was, role) for was, follow in roles.TRANSITIONS.items() for role in follow}
    return quorum | {("group", str(state), str(move)) for state, move in states.TRANSITIONS}


class _Follow:
    """The roles that may follow one; whoever asks whether one of them may is about to become it."""

    def __init__(self, was: str, allowed: frozenset[str], taken: set[Move]) -> None:
        self._was, self._allowed, self._taken = was, allowed, taken

    def __contains__(self, role: str) -> bool:
        if role in self._allowed:
            self._taken.add(("quorum", self._was, role))
        return role in self._allowed


class _Moves(dict):
    """The table of group states; looking an entry up is taking the move."""

    taken: set[Move]

    def __getitem__(self, key: tuple) -> object:
        self.taken.add(("group", str(key[0]), str(key[1])))
        return super().__getitem__(key)


@contextmanager
def watching() -> Iterator[set[Move]]:
    """The moves that are taken while it is open."""
    taken: set[Move] = set()
    quorum = {was: _Follow(was, follow, taken) for was, follow in roles.TRANSITIONS.items()}
    groups = _Moves(states.TRANSITIONS)
    groups.taken = taken
    with mock.patch.object(raft_node, "TRANSITIONS", quorum), mock.patch.object(states, "TRANSITIONS", groups):
        yield taken
