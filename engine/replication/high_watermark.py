"""Up to where records are committed: the least log end of those who count. Decides only.

Source: Kafka's Partition.maybeIncrementLeaderHW; KIP-497 for the maximal ISR; KIP-966 for the rule of min.insync.replicas.
"""

from collections.abc import Collection, Iterable

from engine.replication.in_sync import Follower, is_caught_up


def required_in_sync(*, min_insync_replicas: int, replicas: int) -> int:
    """min.insync.replicas, but never more than there are replicas."""
    return min(min_insync_replicas, replicas)


def next_high_watermark(
    *,
    log_end_offset: int,
    followers: Iterable[Follower],
    maximal_isr: Collection[int],
    joining: Collection[int],
    now_ms: float,
    lag_ms_max: float,
) -> int:
    """The offset that all of the maximal ISR have, and those (`joining`: eligible) that are caught up and about to join.

    The maximal ISR counts while an AlterPartition is in flight, since the controller may have taken it already. Who is caught up
    outside the ISR is waited for: else a steadily growing log would keep it from ever reaching the high watermark.
    """
    lowest = log_end_offset
    for follower in followers:
        if follower.log_end_offset >= lowest:
            continue
        counts = follower.broker in maximal_isr or (
            follower.broker in joining
            and is_caught_up(follower, leader_end_offset=log_end_offset, now_ms=now_ms, lag_ms_max=lag_ms_max)
        )
        if counts:
            lowest = follower.log_end_offset
    return lowest
