"""What decisions stand on: the committed image, and the configs that count for it. Answers questions, changes nothing."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from engine.metadata.configs import Config, topic_config
from engine.metadata.image import MetadataImage, PartitionImage

ELR_FEATURE = "eligible.leader.replicas.version"
UNASSIGNED_DIRECTORY = UUID(int=0)

Place = tuple[str, int, PartitionImage]  # topic, index, the partition


class View:
    """Made for one decision; remembers what it has looked up."""

    def __init__(self, image: MetadataImage, config: Config) -> None:
        self.image = image
        self.config = config
        self._topic_configs: dict[str, dict[str, Any]] = {}

    @property
    def elr_enabled(self) -> bool:
        return self.image.features.get(ELR_FEATURE, 0) >= 1

    def is_active(self, broker: int) -> bool:
        """May it lead, and be in an ISR? Registered, not fenced, not going."""
        known = self.image.brokers.get(broker)
        return known is not None and not known.fenced and not known.in_controlled_shutdown

    def topic_config(self, topic: str) -> dict[str, Any]:
        if topic not in self._topic_configs:
            self._topic_configs[topic] = topic_config(self.image, self.config, topic)
        return self._topic_configs[topic]

    def min_isr(self, topic: str, partition: PartitionImage) -> int:
        """min.insync.replicas, but never more than there are replicas (KIP-966)."""
        return min(self.topic_config(topic)["min.insync.replicas"], len(partition.replicas))

    def unclean_allowed(self, topic: str) -> bool:
        return self.topic_config(topic)["unclean.leader.election.enable"]

    def directory_of(self, broker: int) -> UUID:
        """The folder of a new replica: the broker's only one, or left to the broker."""
        known = self.image.brokers.get(broker)
        return known.log_dirs[0] if known and len(known.log_dirs) == 1 else UNASSIGNED_DIRECTORY

    def partitions(self) -> Iterator[Place]:
        for name, topic in self.image.topics.items():
            for index, partition in topic.partitions.items():
                yield name, index, partition

    def in_isr_of(self, broker: int) -> list[Place]:
        return [place for place in self.partitions() if broker in place[2].isr]

    def in_elr_of(self, broker: int) -> list[Place]:
        return [place for place in self.partitions() if broker in place[2].elr]

    def leaderless(self) -> list[Place]:
        return [place for place in self.partitions() if place[2].leader < 0]

    def leads(self, broker: int) -> int:
        """How many partitions the broker leads."""
        return sum(partition.leader == broker for _, _, partition in self.partitions())
