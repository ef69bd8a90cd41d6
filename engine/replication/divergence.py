"""Where two logs part: what a leader tells, and where a follower cuts. Decides only.

Source: KIP-101 (leader epochs instead of the high watermark), KIP-279 (fast failovers), KIP-595 (told in the Fetch answer).
"""

from dataclasses import dataclass

UNDEFINED_EPOCH = -1
UNDEFINED_OFFSET = -1


@dataclass(frozen=True, slots=True)
class EpochEnd:
    """The last offset + 1 that was written in `epoch`."""

    epoch: int
    end_offset: int


@dataclass(frozen=True, slots=True)
class Truncation:
    """Cut here. `done` False: the leader must be asked again, with the epoch that is now the last."""

    offset: int
    done: bool


def diverges(*, last_fetched_epoch: int, fetch_offset: int, leader: EpochEnd) -> bool:
    """Does the follower's log part from the leader's before `fetch_offset`?

    `leader` is the largest epoch up to `last_fetched_epoch` in the leader's log, and where it ends there.
    """
    return leader.epoch < last_fetched_epoch or leader.end_offset < fetch_offset


def truncation(*, leader: EpochEnd, own: EpochEnd | None, log_end_offset: int) -> Truncation:
    """Where a follower cuts when its leader says that they part.

    `own` is the largest epoch up to `leader.epoch` in the follower's log, None if it knows none.
    """
    if leader.end_offset == UNDEFINED_OFFSET:
        return Truncation(log_end_offset, True)
    if leader.epoch == UNDEFINED_EPOCH or own is None:
        return Truncation(min(leader.end_offset, log_end_offset), True)
    if own.epoch != leader.epoch:
        # KIP-279: we never saw the leader's epoch. Drop all epochs after the last that may be common, then compare again.
        return Truncation(min(own.end_offset, log_end_offset), False)
    return Truncation(min(own.end_offset, leader.end_offset, log_end_offset), True)
