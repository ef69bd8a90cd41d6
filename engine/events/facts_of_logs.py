"""What happens to a replica's log."""

from engine.events.fact import Fact, fact


@fact
class LogRecovered(Fact):
    """After an unclean stop a log was checked; `cut_bytes` of a torn tail were dropped."""

    topic: str
    partition: int
    log_end_offset: int
    cut_bytes: int
    took_ms: int


@fact
class LogTruncated(Fact):
    """A replica dropped records that its leader does not have."""

    topic: str
    partition: int
    to_offset: int
    was_log_end_offset: int
    leader_epoch: int


@fact
class SegmentRolled(Fact):
    """A segment was closed and a new one begun at `base_offset`; `reason`: size, time, index."""

    topic: str
    partition: int
    base_offset: int
    reason: str


@fact
class RecordsDeleted(Fact):
    """The log start offset moved."""

    topic: str
    partition: int
    log_start_offset: int


@fact
class WritesRefused(Fact):
    """The first NOT_ENOUGH_REPLICAS of a partition since it had enough (not one per request)."""

    topic: str
    partition: int
    isr: tuple[int, ...]


@fact
class StorageFailed(Fact):
    """The disk refused (full, failing), and the broker ends; `reason` in the system's words. No topic: a file of the node itself."""

    topic: str
    partition: int
    reason: str
