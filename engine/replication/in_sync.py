"""Which followers are in sync. Decides only; never sends.

Times are ms of the monotonic clock. Source: Kafka's Replica, Partition.maybeShrinkIsr and maybeExpandIsr; KIP-903 for broker epochs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

NEVER = float("-inf")
UNKNOWN = -1


class Heard(Protocol):
    """A follower's fetch session: each fetch in it says again where all its quiet partitions stand."""

    last_fetch_ms: float


@dataclass(slots=True, kw_only=True)
class Follower:
    """What a leader knows of one follower; offsets are -1 until its first fetch."""

    broker: int
    log_end_offset: int = UNKNOWN
    log_start_offset: int = UNKNOWN
    leader_end_at_last_fetch: int = UNKNOWN
    last_fetch_ms: float = NEVER
    last_caught_up_ms: float = NEVER
    broker_epoch: int = UNKNOWN
    session: Heard | None = None


def begin_leading(followers: Iterable[Follower], *, isr: Iterable[int], now_ms: float) -> None:
    """A new leader knows nothing yet, and gives those in the ISR the whole lag time to show up."""
    members = set(isr)
    for follower in followers:
        follower.log_end_offset = follower.log_start_offset = follower.leader_end_at_last_fetch = UNKNOWN
        follower.last_fetch_ms = NEVER
        follower.last_caught_up_ms = now_ms if follower.broker in members else NEVER
        follower.broker_epoch = UNKNOWN
        follower.session = None


def note_fetch(follower: Follower, *, offset: int, leader_end_offset: int, now_ms: float) -> None:
    """A fetch from `offset` says that everything before it is in the follower's log."""
    if offset >= leader_end_offset:
        follower.last_caught_up_ms = max(follower.last_caught_up_ms, now_ms)
    elif offset >= follower.leader_end_at_last_fetch:
        # It has all that the leader had when it fetched last: it was caught up then, however fast the leader grows.
        follower.last_caught_up_ms = max(follower.last_caught_up_ms, follower.last_fetch_ms)
    follower.log_end_offset = offset
    follower.leader_end_at_last_fetch = max(leader_end_offset, follower.leader_end_at_last_fetch)
    follower.last_fetch_ms = now_ms


def note_growth(followers: Iterable[Follower], *, was_end_offset: int) -> None:
    """Before the leader grows: quiet followers were caught up as of the last fetch of their session, which did not name us."""
    for follower in followers:
        if follower.log_end_offset >= was_end_offset and follower.session is not None:
            heard = follower.session.last_fetch_ms
            if heard > follower.last_caught_up_ms:
                follower.last_caught_up_ms = follower.last_fetch_ms = heard


def is_caught_up(follower: Follower, *, leader_end_offset: int, now_ms: float, lag_ms_max: float) -> bool:
    """By time, not by count: it stands at the end, or stood there less than replica.lag.time.max.ms ago."""
    return follower.log_end_offset == leader_end_offset or now_ms - follower.last_caught_up_ms <= lag_ms_max


def out_of_sync(
    followers: Mapping[int, Follower], *, isr: Iterable[int], leader_end_offset: int, now_ms: float, lag_ms_max: float
) -> tuple[int, ...]:
    """Members of the ISR that must leave it, in order."""
    return tuple(
        broker
        for broker in sorted(isr)
        if broker in followers
        and not is_caught_up(followers[broker], leader_end_offset=leader_end_offset, now_ms=now_ms, lag_ms_max=lag_ms_max)
    )


def may_join(follower: Follower, *, high_watermark: int, leader_epoch_start: int) -> bool:
    """It has everything that is committed, and has fetched past where this leader began (so its epochs agree)."""
    return follower.log_end_offset >= high_watermark and follower.log_end_offset >= leader_epoch_start
