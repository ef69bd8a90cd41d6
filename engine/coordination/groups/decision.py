"""What a decision asks for: records to store, answers to give, timers to set and facts to tell.

Rule: data only. The shard carries it out; whoever decides neither waits nor sends.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.coordination.groups.group import Group
from engine.coordination.groups.limits import Limits
from engine.events.facts import Fact
from engine.protocol.errors import ErrorCode, KafkaError
from engine.protocol.stored.groups import Key, Value

Record = tuple[Key, Value | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinAnswer:
    """The answer to a JoinGroup. `members` is for the leader only: (member id, instance id, metadata)."""

    error: ErrorCode = ErrorCode.none
    member_id: str = ""
    generation: int = -1
    protocol_type: str | None = None
    protocol: str | None = ""
    leader: str = ""
    skip_assignment: bool = False
    members: tuple[tuple[str, str | None, bytes], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncAnswer:
    """The answer to a SyncGroup."""

    error: ErrorCode = ErrorCode.none
    protocol_type: str | None = None
    protocol: str | None = None
    assignment: bytes = b""


# ---- what a timer means when it rings


@dataclass(frozen=True, slots=True)
class SessionEnds:
    """The member has not been heard of for its session timeout."""

    member: str


@dataclass(frozen=True, slots=True)
class InitialDelayEnds:
    """The first members of an empty group have waited for more to come."""

    delay_ms: int
    remaining_ms: int


@dataclass(frozen=True, slots=True)
class JoinEnds:
    """The time for joining again is over."""


@dataclass(frozen=True, slots=True)
class SyncEnds:
    """The time for SyncGroup is over."""

    generation: int


Ring = SessionEnds | InitialDelayEnds | JoinEnds | SyncEnds

JOIN_TIMER, SYNC_TIMER = "join", "sync"


def session_timer(member_id: str) -> str:
    """The name of a member's session timer within its group."""
    return f"session {member_id}"


@dataclass(slots=True)
class Told:
    """A fact, once it has been told; later facts name it as their cause."""

    fact: Fact
    because: Sequence["Told"] = ()
    id: str = ""


@dataclass(slots=True)
class Decision:
    """Collected while deciding. `stored(error, now_ms)` decides on, once the records are committed (None) or refused."""

    records: list[Record] = field(default_factory=list)
    answers: list[tuple[Any, JoinAnswer | SyncAnswer]] = field(default_factory=list)
    timers: list[tuple[str, float, Ring | None]] = field(default_factory=list)  # (name, ms, what it means; None: cancel)
    facts: list[Told] = field(default_factory=list)
    stored: Callable[[KafkaError | None, int], "Decision"] | None = None

    def answer(self, waiter: Any, answer: JoinAnswer | SyncAnswer) -> None:
        """Answers one who waits."""
        self.answers.append((waiter, answer))

    def ring(self, name: str, ms: float, what: Ring) -> None:
        """Sets a timer; one of the same name is replaced."""
        self.timers.append((name, ms, what))

    def cancel(self, name: str) -> None:
        """Stops a timer, if it runs."""
        self.timers.append((name, 0, None))

    def tell(self, fact: Fact, because: Sequence[Told | None] = ()) -> Told:
        """A fact to emit, with the facts that it follows from."""
        told = Told(fact, tuple(cause for cause in because if cause is not None))
        self.facts.append(told)
        return told


@dataclass(slots=True)
class Turn:
    """One decision in the making: the group, what it must obey, what time it is, and what came out so far."""

    group: Group
    limits: Limits
    now_ms: int
    decision: Decision = field(default_factory=Decision)


# Source: GroupMetadataManager.appendGroupMetadataErrorToResponseError and CoordinatorOperationExceptionHelper of Apache Kafka:
# what a client of the group can do something with, instead of what went wrong on the partition of __consumer_offsets.
_TO_CLIENT = {
    ErrorCode.unknown_topic_or_partition: ErrorCode.coordinator_not_available,
    ErrorCode.not_enough_replicas: ErrorCode.coordinator_not_available,
    ErrorCode.not_enough_replicas_after_append: ErrorCode.coordinator_not_available,
    ErrorCode.request_timed_out: ErrorCode.coordinator_not_available,
    ErrorCode.not_leader_or_follower: ErrorCode.not_coordinator,
    ErrorCode.fenced_leader_epoch: ErrorCode.not_coordinator,
    ErrorCode.kafka_storage_error: ErrorCode.not_coordinator,
    ErrorCode.message_too_large: ErrorCode.unknown_server_error,
    ErrorCode.record_list_too_large: ErrorCode.unknown_server_error,
    ErrorCode.invalid_fetch_size: ErrorCode.unknown_server_error,
}


def for_client(error: KafkaError) -> ErrorCode:
    """The code that a client hears when its group's records could not be stored."""
    return _TO_CLIENT.get(error.code, error.code)
