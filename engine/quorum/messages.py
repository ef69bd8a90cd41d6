"""What goes into the raft node (events) and what comes out of it (effects); plain values, no bytes.

Rule: effects are carried out in their order, and whatever one makes durable is durable before the next is begun.
`ref` of an event that asks for an answer is whatever its asker likes; it comes back in the Answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kio.schema.errors import ErrorCode

NONE = ErrorCode.none


def message(cls: type) -> type:
    """Frozen, with slots, by keyword only."""
    return dataclass(frozen=True, slots=True, kw_only=True)(cls)


# ---- what other nodes ask and answer


@message
class Vote:
    """A candidate's (or, with `pre_vote`, a prospective's) question; its log ends at `last_offset` in `last_epoch`."""

    candidate: int
    epoch: int
    last_epoch: int
    last_offset: int
    pre_vote: bool = False


@message
class BeginEpoch:
    """The leader of an epoch says that it leads."""

    leader: int
    epoch: int


@message
class EndEpoch:
    """The leader resigns; the preferred successors come in the order in which they should stand."""

    leader: int
    epoch: int
    preferred: tuple[int, ...]


@message
class Fetch:
    """`known_high_watermark` None: the follower knows none (KIP-1166)."""

    replica: int
    epoch: int
    offset: int
    last_epoch: int
    known_high_watermark: int | None = None


@message
class Reply:
    """What every answer says: an error, and the answerer's epoch and leader (None: it knows none)."""

    error: ErrorCode = NONE
    epoch: int
    leader: int | None


@message
class VoteReply(Reply):
    granted: bool = False


@message
class BeginReply(Reply):
    pass


@message
class EndReply(Reply):
    pass


@message
class FetchReply(Reply):
    """`diverging`: (epoch, end offset) where the logs part. On the leader's side `read_from` is where to read the records;
    on the follower's side `records` are their bytes."""

    high_watermark: int | None = None
    diverging: tuple[int, int] | None = None
    read_from: int | None = None
    records: bytes = b""


# ---- events


@message
class Tick:
    """Nothing happened but time."""


@message
class Asked:
    """Another node asks; exactly one Answer with this `ref` will come, perhaps later (a Fetch may wait)."""

    ref: Any
    request: Vote | BeginEpoch | EndEpoch | Fetch
    wait_ms: float = 0  # how long a Fetch may wait for news


@message
class Answered:
    """The answer to what we asked `sender`."""

    sender: int
    request: Vote | BeginEpoch | EndEpoch | Fetch
    reply: Reply


@message
class Unanswered:
    """`sender` could not be asked, or did not answer."""

    sender: int
    request: Vote | BeginEpoch | EndEpoch | Fetch


@message
class LogChanged:
    """Our log has grown or was cut, and what it is now is on disk."""


@message
class Resign:
    """Controlled shutdown: lead no more, and stand for nothing."""


# ---- effects


@message
class SaveElection:
    """To be durable before anything that follows is done."""

    epoch: int
    leader: int | None
    voted: int | None


@message
class Ask:
    to: int
    request: Vote | BeginEpoch | EndEpoch | Fetch


@message
class Answer:
    ref: Any
    reply: Reply


@message
class AppendLeaderChange:
    """As new leader: append the control batch that opens the epoch, make it durable, and say LogChanged."""

    epoch: int
    granting: tuple[int, ...]


@message
class AppendFetched:
    """As follower: append the leader's batches, make them durable, and say LogChanged."""

    records: bytes


@message
class Truncate:
    """Cut our log at `offset`, never below the high watermark, and say LogChanged."""

    offset: int


@message
class HighWatermarkMoved:
    offset: int


@message
class LeaderIs:
    """Whom we follow, are, or no longer have. `reason` says in words why it changed."""

    leader: int | None
    epoch: int
    before: int | None
    before_epoch: int
    reason: str


@message
class Standing:
    """We ask for votes, because of `reason`."""

    epoch: int
    pre_vote: bool
    reason: str
