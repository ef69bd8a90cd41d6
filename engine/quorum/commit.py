"""How far each replica has come, and so what is committed and whether the leader still has its majority. Decides only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.quorum.voters import Voters

OBSERVER_FORGOTTEN_MS = 300_000  # Kafka's observer session timeout: one that does not fetch for so long is no longer shown


@dataclass(slots=True)
class Replica:
    """One replica as its leader sees it; times are ms of the monotonic clock, None when it never happened."""

    end_offset: int | None = None
    last_fetch_ms: float | None = None
    last_caught_up_ms: float | None = None
    leader_end_at_last_fetch: int = 0

    def fetched(self, offset: int, *, leader_end: int, now_ms: float) -> None:
        """It has everything before `offset`. Caught up when: it has what the leader has, or had at the fetch before."""
        if offset >= leader_end:
            self.last_caught_up_ms = now_ms
        elif self.last_fetch_ms is not None and offset >= self.leader_end_at_last_fetch:
            self.last_caught_up_ms = max(self.last_caught_up_ms or 0.0, self.last_fetch_ms)
        self.end_offset, self.last_fetch_ms, self.leader_end_at_last_fetch = offset, now_ms, leader_end


class Progress:
    """A leader's view of all replicas in its epoch."""

    def __init__(self, *, node_id: int, voters: Voters, start_offset: int, high_watermark: int | None, now_ms: float) -> None:
        self.node_id = node_id
        self.voters = voters
        self.start_offset = start_offset
        self.high_watermark = high_watermark
        self.replicas: dict[int, Replica] = {voter: Replica() for voter in voters.ids}
        self._heard: set[int] = set()
        self.quorum_seen_ms = now_ms

    def own_log_ends_at(self, offset: int) -> bool:
        """Our own log is on disk up to `offset`. Whether the high watermark moved."""
        self.replicas[self.node_id].end_offset = offset
        return self._advance()

    def fetched(self, replica: int, offset: int, *, leader_end: int, now_ms: float) -> bool:
        """A replica fetched from `offset`. Whether the high watermark moved."""
        self.replicas.setdefault(replica, Replica()).fetched(offset, leader_end=leader_end, now_ms=now_ms)
        if replica not in self.voters:
            return False
        self._heard.add(replica)
        if self.voters.is_majority(self._heard | {self.node_id}):
            self._heard.clear()
            self.quorum_seen_ms = now_ms
        return self._advance()

    def _advance(self) -> bool:
        """Raft's rule (section 5.4.2): a majority has it, and it includes a record of our own epoch."""
        offsets = {node: replica.end_offset for node, replica in self.replicas.items() if replica.end_offset is not None}
        reached = self.voters.reached_by_majority(offsets)
        if reached <= self.start_offset or (self.high_watermark is not None and reached <= self.high_watermark):
            return False
        self.high_watermark = reached
        return True

    @property
    def epoch_is_committed(self) -> bool:
        """Whether everything of earlier epochs is committed, and known to be: our own first record is."""
        return self.high_watermark is not None and self.high_watermark > self.start_offset

    def successors(self) -> tuple[int, ...]:
        """The other voters, those that have most first."""
        others = self.voters.others(self.node_id)
        return tuple(sorted(others, key=lambda voter: (-(self.replicas[voter].end_offset or 0), voter)))

    def observers(self, now_ms: float) -> Iterable[int]:
        for node, replica in sorted(self.replicas.items()):
            if node not in self.voters and now_ms - (replica.last_fetch_ms or 0.0) < OBSERVER_FORGOTTEN_MS:
                yield node
