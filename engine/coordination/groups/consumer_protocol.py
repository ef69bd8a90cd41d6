"""What consumers tell each other through a group: subscription and assignment, as the broker needs them.

Only the fields of version 0 are read: every later version begins with them (ConsumerProtocolSubscription.json and
ConsumerProtocolAssignment.json of Apache Kafka).
"""

import struct

PROTOCOL_TYPE = "consumer"

Assignment = dict[str, tuple[int, ...]]


class NotConsumerProtocol(ValueError):
    """The bytes are not of the consumer protocol."""


class _Reader:
    """Big-endian fields one after the other, behind the int16 version."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0
        if self.integer(">h") < 0:
            raise NotConsumerProtocol("the version is negative")

    def integer(self, layout: str) -> int:
        try:
            (value,) = struct.unpack_from(layout, self.data, self.at)
        except struct.error as error:
            raise NotConsumerProtocol(str(error)) from error
        self.at += struct.calcsize(layout)
        return value

    def count(self) -> int:
        value = self.integer(">i")
        if not 0 <= value <= len(self.data):
            raise NotConsumerProtocol(f"an array of {value}")
        return value

    def string(self) -> str:
        length = self.integer(">h")
        end = self.at + length
        if length < 0 or end > len(self.data):
            raise NotConsumerProtocol(f"a string of {length} bytes")
        try:
            text = self.data[self.at : end].decode()
        except UnicodeDecodeError as error:
            raise NotConsumerProtocol(str(error)) from error
        self.at = end
        return text


def subscribed_topics(data: bytes) -> tuple[str, ...]:
    """The topics of a member's subscription. Raises NotConsumerProtocol."""
    reader = _Reader(data)
    return tuple(reader.string() for _ in range(reader.count()))


def assigned_partitions(data: bytes) -> Assignment:
    """topic -> partitions of a member's assignment; empty bytes are no assignment. Raises NotConsumerProtocol."""
    if not data:
        return {}
    reader = _Reader(data)
    found: Assignment = {}
    for _ in range(reader.count()):
        topic = reader.string()
        found[topic] = tuple(reader.integer(">i") for _ in range(reader.count()))
    return found


def topics_or_none(protocol_type: str | None, data: bytes) -> tuple[str, ...]:
    """For the picture: the topics that a member asks for, as far as they can be read."""
    if protocol_type != PROTOCOL_TYPE:
        return ()
    try:
        return subscribed_topics(data)
    except NotConsumerProtocol:
        return ()


def partitions_or_none(protocol_type: str | None, data: bytes) -> Assignment:
    """For the picture: the partitions that a member was given, as far as they can be read."""
    if protocol_type != PROTOCOL_TYPE:
        return {}
    try:
        return assigned_partitions(data)
    except NotConsumerProtocol:
        return {}
