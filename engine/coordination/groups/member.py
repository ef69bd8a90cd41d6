"""A member of a classic group, and what it waits for."""

from dataclasses import dataclass
from typing import Any

Protocols = tuple[tuple[str, bytes], ...]  # (name, the member's metadata for it), in the order that the member prefers


@dataclass(slots=True, kw_only=True)
class Member:
    """`join_waiter` and `sync_waiter` are set while a JoinGroup or SyncGroup of the member is unanswered; opaque here."""

    id: str
    instance: str | None
    client_id: str
    client_host: str
    rebalance_timeout_ms: int
    session_timeout_ms: int
    protocol_type: str
    protocols: Protocols
    assignment: bytes = b""
    join_waiter: Any = None
    sync_waiter: Any = None
    is_new: bool = False
    heard_ms: int = 0

    @property
    def is_static(self) -> bool:
        """Has it a group.instance.id? (KIP-345)"""
        return self.instance is not None

    @property
    def is_awaiting_join(self) -> bool:
        """Has it an unanswered JoinGroup?"""
        return self.join_waiter is not None

    @property
    def needs_no_heartbeat(self) -> bool:
        """A member that waits for us cannot heartbeat; but a new one is expired even so, since it may be gone for good."""
        return not self.is_new and (self.join_waiter is not None or self.sync_waiter is not None)

    def metadata(self, protocol: str | None) -> bytes:
        """What the member said for the protocol; empty when it does not know it."""
        return next((metadata for name, metadata in self.protocols if name == protocol), b"")

    def vote(self, candidates: set[str]) -> str:
        """The first of its protocols that all members know."""
        return next(name for name, _ in self.protocols if name in candidates)

    def __repr__(self) -> str:
        waits = "join" if self.join_waiter is not None else "sync" if self.sync_waiter is not None else "nothing"
        return f"<Member {self.id} awaits {waits}>"
