"""Where a follower's log parts from its leader's, and where to cut it (KIP-595, as in KIP-279 and KIP-320)."""

from __future__ import annotations

from typing import Protocol


class LogEnds(Protocol):
    """What the decisions need to know of a log."""

    @property
    def end_offset(self) -> int: ...

    @property
    def last_epoch(self) -> int:
        """The epoch of the last record; 0 of an empty log."""

    def end_of_epoch(self, epoch: int) -> tuple[int, int]:
        """(the largest epoch <= `epoch` in the log, where it ends); (epoch, 0) when the log has none so old."""


def divergence(log: LogEnds, *, offset: int, last_epoch: int) -> tuple[int, int] | None:
    """None when a log that ends at `offset` in `last_epoch` is a prefix of this one; else (epoch, end offset) where they part."""
    if offset == 0 and last_epoch == 0:
        return None
    epoch, end = log.end_of_epoch(last_epoch)
    return (epoch, end) if epoch != last_epoch or end < offset else None


def cut_at(log: LogEnds, diverging: tuple[int, int]) -> int:
    """The offset from which the follower's log is not the leader's."""
    leader_epoch, leader_end = diverging
    epoch, end = log.end_of_epoch(leader_epoch)
    if epoch != leader_epoch:
        return end
    return min(end, leader_end, log.end_offset)
