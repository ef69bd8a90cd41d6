"""The roles that a node can have in the quorum, and which may follow which (KIP-595, KIP-996)."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.quorum.commit import Progress
from engine.quorum.election import Ballots

ANY = frozenset({"Unattached", "Follower"})  # a newer epoch can make anything of these of any role

# The role on the left may become those on the right. An observer is only ever Unattached or Follower.
TRANSITIONS: dict[str, frozenset[str]] = {
    "Unattached": ANY | {"Prospective"},
    "Prospective": ANY | {"Candidate"},
    "Candidate": ANY | {"Prospective", "Leader"},
    "Follower": ANY | {"Prospective"},
    "Leader": ANY | {"Resigned"},
    "Resigned": ANY,
}


@dataclass(slots=True, kw_only=True)
class Role:
    """What every role knows: its epoch, whom it voted for in it, and when its patience ends (ms of the monotonic clock)."""

    epoch: int
    voted: int | None = None
    deadline_ms: float = float("inf")

    @property
    def leader(self) -> int | None:
        return None

    @property
    def name(self) -> str:
        return type(self).__name__


@dataclass(slots=True, kw_only=True)
class Unattached(Role):
    """Knows no leader of its epoch; looks for one, and stands when its election timeout is over.

    `leaderless`: who told us that they know none either. Once a majority says so there is nothing to wait for.
    """

    leaderless: set[int] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Prospective(Role):
    """Asks whether it would be elected, before it disturbs anybody with a new epoch (pre-vote)."""

    ballots: Ballots
    known_leader: int | None = None

    @property
    def leader(self) -> int | None:
        return self.known_leader


@dataclass(slots=True, kw_only=True)
class Candidate(Role):
    """Asks for votes in a new epoch, and has given itself its own."""

    ballots: Ballots


@dataclass(slots=True, kw_only=True)
class Follower(Role):
    """Fetches from the leader of its epoch. `heard`: the leader answered a fetch within the fetch timeout."""

    leader_id: int
    heard: bool = False
    leader_resigned: bool = False

    @property
    def leader(self) -> int | None:
        return self.leader_id


@dataclass(slots=True, kw_only=True)
class Leader(Role):
    """Leads since `start_offset`, where its LeaderChange batch stands."""

    node_id: int
    start_offset: int
    progress: Progress
    begun: set[int] = field(default_factory=set)  # voters that know that we lead
    begin_again_ms: float = 0.0

    @property
    def leader(self) -> int | None:
        return self.node_id


@dataclass(slots=True, kw_only=True)
class Resigned(Role):
    """Led this epoch and does no more; tells the others, and can neither vote nor stand in it."""

    node_id: int
    preferred: tuple[int, ...] = ()
    told: set[int] = field(default_factory=set)
