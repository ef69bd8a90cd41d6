"""The states of a classic group, and the table of moves between them. Source: ClassicGroupState of Apache Kafka."""

from enum import StrEnum


class GroupState(StrEnum):
    """The names are Kafka's own, as they go on the wire."""

    EMPTY = "Empty"
    PREPARING_REBALANCE = "PreparingRebalance"
    COMPLETING_REBALANCE = "CompletingRebalance"
    STABLE = "Stable"
    DEAD = "Dead"


class Move(StrEnum):
    """What happens to a group."""

    REBALANCE = "rebalance"  # somebody came, left or changed: all join again
    JOINED = "joined"  # all who will join have joined: a new generation begins
    EMPTIED = "emptied"  # the join phase ended with nobody there
    ASSIGNED = "assigned"  # the leader's assignment is stored
    GONE = "gone"  # deleted, or its coordinator has moved


TRANSITIONS: dict[tuple[GroupState, Move], GroupState] = {
    (GroupState.EMPTY, Move.REBALANCE): GroupState.PREPARING_REBALANCE,
    (GroupState.PREPARING_REBALANCE, Move.JOINED): GroupState.COMPLETING_REBALANCE,
    (GroupState.PREPARING_REBALANCE, Move.EMPTIED): GroupState.EMPTY,
    (GroupState.COMPLETING_REBALANCE, Move.ASSIGNED): GroupState.STABLE,
    (GroupState.COMPLETING_REBALANCE, Move.REBALANCE): GroupState.PREPARING_REBALANCE,
    (GroupState.STABLE, Move.REBALANCE): GroupState.PREPARING_REBALANCE,
    (GroupState.EMPTY, Move.GONE): GroupState.DEAD,
    (GroupState.PREPARING_REBALANCE, Move.GONE): GroupState.DEAD,
    (GroupState.COMPLETING_REBALANCE, Move.GONE): GroupState.DEAD,
    (GroupState.STABLE, Move.GONE): GroupState.DEAD,
    (GroupState.DEAD, Move.GONE): GroupState.DEAD,
}


def after(state: GroupState, move: Move) -> GroupState:
    """The state that the move leads to; a pair that is not in the table is a bug."""
    assert (state, move) in TRANSITIONS, f"a group that is {state} cannot be {move}"
    return TRANSITIONS[state, move]


def can_rebalance(state: GroupState) -> bool:
    """May a rebalance begin from here? (Not while one has begun already.)"""
    return (state, Move.REBALANCE) in TRANSITIONS
