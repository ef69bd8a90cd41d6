"""What one partition of `__consumer_offsets` says: the last record of every group and of every offset.

Rule: changed by `replay` only, which is the same live and when the partition is loaded.
"""

from collections.abc import Iterator

from engine.protocol.stored.groups import GroupMetadataKey, GroupMetadataValue, Key, OffsetCommitKey, OffsetCommitValue, Value

Offsets = dict[str, dict[int, OffsetCommitValue]]  # topic -> partition -> offset


class Ledger:
    """Groups by id, and offsets by group, topic and partition."""

    def __init__(self) -> None:
        self.groups: dict[str, GroupMetadataValue] = {}
        self.offsets: dict[str, Offsets] = {}

    def replay(self, key: Key, value: Value | None) -> None:
        """Takes a committed record; None takes away what was there."""
        if isinstance(key, GroupMetadataKey):
            if value is None:
                self.groups.pop(key.group, None)
            else:
                assert isinstance(value, GroupMetadataValue)
                self.groups[key.group] = value
        elif value is None:
            self._forget(key)
        else:
            assert isinstance(value, OffsetCommitValue)
            self.offsets.setdefault(key.group, {}).setdefault(key.topic, {})[key.partition] = value

    def _forget(self, key: OffsetCommitKey) -> None:
        topics = self.offsets.get(key.group, {})
        partitions = topics.get(key.topic, {})
        partitions.pop(key.partition, None)
        if not partitions:
            topics.pop(key.topic, None)
        if not topics:
            self.offsets.pop(key.group, None)

    def group_ids(self) -> list[str]:
        """Groups that have a record of their own, or only offsets."""
        return sorted(self.groups.keys() | self.offsets.keys())

    def offset(self, group: str, topic: str, partition: int) -> OffsetCommitValue | None:
        """What the group has committed."""
        return self.offsets.get(group, {}).get(topic, {}).get(partition)

    def keys_of(self, group: str) -> Iterator[tuple[OffsetCommitKey, OffsetCommitValue]]:
        """All offsets of a group."""
        for topic, partitions in sorted(self.offsets.get(group, {}).items()):
            for partition, value in sorted(partitions.items()):
                yield OffsetCommitKey(group=group, topic=topic, partition=partition), value

    def count(self) -> int:
        """How many offsets there are."""
        return sum(len(partitions) for topics in self.offsets.values() for partitions in topics.values())

    def __repr__(self) -> str:
        return f"<Ledger groups={len(self.groups)} offsets={self.count()}>"
