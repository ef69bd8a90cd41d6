"""What clients of a run did and saw, in the order in which they saw it. What checkers of client promises read.

Rule: a workload writes here and nowhere else; a checker only reads. Times are the universe's ms since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ALL, LEADER, NONE = -1, 1, 0  # acks


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A producer handed a record to its partition; `number` counts its sends to that partition from 0. `value` is unique in the run."""

    at_ms: int
    producer: str
    acks: int
    topic: str
    topic_id: str
    partition: int
    number: int
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """The cluster said that the record stands at `offset` (-1: acks=0, nothing was said)."""

    at_ms: int
    sent: Sent
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """The producer stopped trying: the record may stand in the log or not. `error`: Kafka's name, or "silence"."""

    at_ms: int
    sent: Sent
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunAnew:
    """The producer raised its epoch because its next batch was refused. `acknowledged`: was any before that; `leader_epoch`: of whom it asked."""

    at_ms: int
    producer: str
    topic: str
    topic_id: str
    partition: int
    acknowledged: bool
    leader_epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """A reader was given a record. `position_was`: the offset that it asked from. `generation` -1: outside of a group."""

    at_ms: int
    reader: str
    group: str | None
    generation: int
    topic: str
    topic_id: str
    partition: int
    position_was: int
    offset: int
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Positioned:
    """A reader begins at `offset` of a partition: after an assignment, a reset or a seek.

    `why`: committed, earliest, latest, seek, truncated. truncated: a new leader's log is shorter than what was read (KIP-320).
    """

    at_ms: int
    reader: str
    group: str | None
    generation: int
    topic: str
    topic_id: str
    partition: int
    offset: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """A member was told what it owns in a generation, {(topic, partition)}.

    `member`: its id; of a static one its instance, for ids change within a generation when it comes back.
    """

    at_ms: int
    reader: str
    member: str
    group: str
    generation: int
    owned: frozenset[tuple[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """A member gave these up, by its own will or because the group went on without it."""

    at_ms: int
    reader: str
    member: str
    group: str
    generation: int
    lost: frozenset[tuple[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """The coordinator took the group's offset."""

    at_ms: int
    group: str
    member: str
    generation: int
    topic: str
    topic_id: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The cluster answered a client an error that the client did not retry."""

    at_ms: int
    client: str
    api: str
    error: str


Seen = Sent | Acknowledged | GivenUp | Polled | Positioned | Assigned | Revoked | Committed | Refused


@dataclass(slots=True)
class History:
    """`seen`: everything, oldest first. `final`: after healing, (topic, topic id, partition) -> every record by a last reader."""

    seen: list[Seen] = field(default_factory=list)
    final: dict[tuple[str, str, int], list[tuple[int, bytes]]] = field(default_factory=dict)
    final_committed: dict[tuple[str, str, str, int], int] = field(default_factory=dict)  # (group, topic, topic id, partition)

    def note(self, seen: Seen) -> None:
        """Writes it down."""
        self.seen.append(seen)

    def of(self, *kinds: type) -> list:
        """The entries of these kinds, oldest first."""
        return [one for one in self.seen if isinstance(one, kinds)]
