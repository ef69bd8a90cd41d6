"""What group members tell each other: subscriptions with what they own, and assignments.

Source: ConsumerProtocolSubscription.json (version 3) and ConsumerProtocolAssignment.json (version 3) of Apache Kafka.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

VERSION = 3
TopicPartition = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One member's: `owned` and since which `generation` (-1: it owns nothing that it is sure of)."""

    topics: tuple[str, ...]
    owned: frozenset[TopicPartition] = frozenset()
    generation: int = -1


def write_subscription(subscription: Subscription) -> bytes:
    out = [struct.pack(">hi", VERSION, len(subscription.topics))]
    out += (_string(topic) for topic in subscription.topics)
    out.append(struct.pack(">i", -1))  # no user data
    out.append(_partitions(subscription.owned))
    out.append(struct.pack(">ih", subscription.generation, -1))  # no rack
    return b"".join(out)


def read_subscription(data: bytes) -> Subscription:
    fields = _Fields(data)
    fields.take(">h")
    topics = tuple(fields.string() for _ in range(fields.take(">i")))
    fields.skip(max(fields.take(">i"), 0))
    return Subscription(topics=topics, owned=fields.partitions(), generation=fields.take(">i"))


def write_assignment(partitions: Iterable[TopicPartition]) -> bytes:
    return struct.pack(">h", VERSION) + _partitions(partitions) + struct.pack(">i", -1)


def read_assignment(data: bytes) -> frozenset[TopicPartition]:
    """Empty bytes assign nothing."""
    if not data:
        return frozenset()
    fields = _Fields(data)
    fields.take(">h")
    return fields.partitions()


def _string(text: str) -> bytes:
    return struct.pack(">h", len(text.encode())) + text.encode()


def _partitions(partitions: Iterable[TopicPartition]) -> bytes:
    by_topic: dict[str, list[int]] = {}
    for topic, partition in sorted(partitions):
        by_topic.setdefault(topic, []).append(partition)
    out = [struct.pack(">i", len(by_topic))]
    for topic, indexes in by_topic.items():
        out += (_string(topic), struct.pack(f">i{len(indexes)}i", len(indexes), *indexes))
    return b"".join(out)


class _Fields:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, layout: str) -> int:
        (value,) = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return value

    def skip(self, size: int) -> None:
        self.at += size

    def string(self) -> str:
        size = self.take(">h")
        self.at += size
        return self.data[self.at - size : self.at].decode()

    def partitions(self) -> frozenset[TopicPartition]:
        found = set()
        for _ in range(self.take(">i")):
            topic = self.string()
            found |= {(topic, self.take(">i")) for _ in range(self.take(">i"))}
        return frozenset(found)
