"""The partitions of `__consumer_offsets` that this node leads, and which of them a group lives on."""

from collections.abc import Mapping
from typing import Any

from engine.coordination.groups.join import JoinAsked, check
from engine.coordination.groups.limits import Limits
from engine.coordination.loading import OffsetsPartition
from engine.coordination.shard import Shard
from engine.events.journal import Journal
from engine.events.traffic import Traffic
from engine.metadata.delta import Delta
from engine.metadata.image import MetadataImage
from engine.protocol.errors import NotCoordinator
from engine.world.clock import Timer
from engine.world.world import World

OFFSETS_TOPIC = "__consumer_offsets"


def java_hash(text: str) -> int:
    """String.hashCode of Java: over UTF-16 units, in 32 signed bits."""
    data = text.encode("utf-16-be", "surrogatepass")
    value = 0
    for at in range(0, len(data), 2):
        value = (31 * value + (data[at] << 8 | data[at + 1])) & 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value


def partition_for(group_id: str, partitions: int) -> int:
    """Kafka's Utils.abs: the smallest int has no positive twin and becomes 0."""
    value = java_hash(group_id)
    return (0 if value == -(1 << 31) else abs(value)) % partitions


class Shards:
    """`traffic` gets committed offsets; without one they are counted for nobody."""

    def __init__(
        self, *, world: World, image: MetadataImage, journal: Journal, config: Mapping[str, Any], traffic: Traffic | None = None
    ) -> None:
        self._world = world
        self._image = image
        self._journal = journal
        self._traffic = traffic or Traffic()
        self._config = config
        self._shards: dict[int, Shard] = {}
        self._check: Timer | None = None

    # ---- which partitions

    def on_leading(self, partition: OffsetsPartition) -> None:
        """This node leads the partition; it is loaded and then serves. A newer epoch of the same lead changes nothing."""
        known = self._shards.get(partition.index)
        if known is not None and known.partition is partition and not known.has_failed:
            return
        if known is not None:
            known.resign()
        limits = Limits.of(self._config)
        self._shards[partition.index] = Shard(
            partition=partition, world=self._world, journal=self._journal, traffic=self._traffic, limits=limits
        )
        if self._check is None:
            self._check = self._world.clock.call_later(limits.offsets_check_ms, self._expire)

    def on_resigned(self, topic: str, index: int) -> None:
        """This node does not lead the partition any more."""
        shard = self._shards.pop(index, None) if topic == OFFSETS_TOPIC else None
        if shard is not None:
            shard.resign()

    def apply(self, delta: Delta) -> None:
        """After a replay of metadata: offsets of deleted topics go."""
        gone = sorted(delta.topics_deleted)
        for _, shard in sorted(self._shards.items()):
            if gone:
                shard.topics_deleted(gone)

    def close(self) -> None:
        """The node stops or has crashed: nothing rings, and nobody waits any more."""
        if self._check is not None:
            self._check.cancel()
            self._check = None
        shards, self._shards = self._shards, {}
        for _, shard in sorted(shards.items()):
            shard.resign()

    def _expire(self) -> None:
        for _, shard in sorted(self._shards.items()):
            shard.expire()
        self._check = self._world.clock.call_later(Limits.of(self._config).offsets_check_ms, self._expire)

    # ---- which group

    def partition_of(self, group_id: str) -> int:
        """The partition of `__consumer_offsets` that the group lives on."""
        topic = self._image.topics.get(OFFSETS_TOPIC)
        return partition_for(group_id, len(topic.partitions) if topic else Limits.of(self._config).offsets_partitions)

    def shard_for(self, group_id: str) -> Shard:
        """Raises NotCoordinator, CoordinatorLoadInProgress."""
        shard = self._shards.get(self.partition_of(group_id))
        if shard is None:
            raise NotCoordinator
        shard.check_active()
        return shard

    def check_join(self, asked: JoinAsked) -> None:
        """What a JoinGroup can be refused for, whoever coordinates the group. Raises InvalidGroupId, InvalidSessionTimeout."""
        check(asked, Limits.of(self._config))

    def all(self) -> list[Shard]:
        """Every shard of this node, loading ones too."""
        return [shard for _, shard in sorted(self._shards.items())]

    def __repr__(self) -> str:
        return f"<Shards {' '.join(map(str, sorted(self._shards)))}>"
