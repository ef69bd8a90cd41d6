"""Who gets a vote, when an election is won or lost, and how long to wait before standing. Decides only.

Sources: KIP-595 (votes), KIP-996 (pre-vote) and the `canGrantVote` of each of Kafka's raft states.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.quorum.voters import Voters
from engine.world.chance import Chance

if TYPE_CHECKING:
    from engine.quorum.roles import Role


NEVER = float("inf")
FETCH_SPREAD_MAX_MS = 40.0  # many round trips between nodes, and little against a failover


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Kafka's `controller.quorum.*.ms`."""

    election_ms: float
    fetch_ms: float
    election_backoff_max_ms: float
    request_ms: float
    retry_backoff_ms: float = 20.0  # controller.quorum.retry.backoff.ms

    @property
    def check_quorum_ms(self) -> float:
        """How long a leader leads without hearing from a majority; Kafka's factor."""
        return self.fetch_ms * 1.5

    @property
    def fetch_wait_ms(self) -> float:
        """How long a fetch waits at the leader. Kafka's 500 ms, but at most a quarter of the fetch timeout: with shorter timeouts
        two followers would else notice a dead leader far apart, and the first would be refused by the second."""
        return min(500.0, self.fetch_ms / 4)

    def fetch_in(self, chance: Chance) -> float:
        """A little more than the fetch timeout: one answer of the leader often reaches all at once, but not all should stand at once."""
        return self.fetch_ms + chance.real() * min(FETCH_SPREAD_MAX_MS, self.fetch_ms / 20)

    def election_in(self, chance: Chance) -> float:
        """Spread over one to two election timeouts, so that two voters seldom stand at once."""
        return self.election_ms * (1 + chance.real())


@dataclass(slots=True)
class Ballots:
    """The votes of one election; a voter that answered neither way may still."""

    voters: Voters
    granted: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)

    def count(self, voter: int, *, granted: bool) -> None:
        if voter in self.voters and voter not in self.granted:
            (self.granted if granted else self.refused).add(voter)

    @property
    def won(self) -> bool:
        return self.voters.is_majority(self.granted)

    @property
    def open(self) -> tuple[int, ...]:
        return tuple(voter for voter in self.voters.ids if voter not in self.granted | self.refused)


def is_log_up_to_date(*, candidate: tuple[int, int], own: tuple[int, int]) -> bool:
    """Whether a log that ends with (epoch, offset) holds everything that could be committed in ours."""
    return candidate >= own


def can_grant(role: Role, candidate: int, *, up_to_date: bool, pre_vote: bool, high_watermark_known: bool = True) -> bool:
    """Whether `role`, already in the candidate's epoch, gives it its vote."""
    kind = role.name
    if pre_vote:
        if kind == "Follower" and role.heard:
            return False  # the leader lives, says this node: nobody may disturb it
        if kind == "Leader" and high_watermark_known:
            return False
        return up_to_date
    if kind in ("Leader", "Candidate", "Resigned"):
        return False  # it had its vote itself
    if role.voted is not None:
        return role.voted == candidate
    return role.leader is None and up_to_date


def patience_after_end_epoch(node_id: int, preferred: tuple[int, ...], timeouts: Timeouts, chance: Chance) -> float:
    """How long a follower waits before it stands, when its leader has resigned: the first of the preferred not at all,
    the later ones longer and longer, and those that are not named as long as the last."""
    position = preferred.index(node_id) if node_id in preferred else max(len(preferred), 1)
    if position == 0:
        return 0.0
    longest = min(timeouts.election_backoff_max_ms, timeouts.retry_backoff_ms * 2**position)
    return timeouts.retry_backoff_ms + chance.real() * longest
