"""Topics that come into being because somebody asked for them (auto.create.topics.enable), and the coordinators' own.

Nobody waits for them here: clients ask again. Source: AutoTopicCreationManager in Apache Kafka.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from engine.protocol.codec import build
from engine.protocol.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from engine.broker.node import Node

WITHIN_MS = 5_000  # then whoever still wants the topic asks again

# internal topic -> (config of its partitions, of its replication factor, of its segment size)
INTERNAL = {
    "__consumer_offsets": ("offsets.topic.num.partitions", "offsets.topic.replication.factor", "offsets.topic.segment.bytes"),
    "__transaction_state": (
        "transaction.state.log.num.partitions",
        "transaction.state.log.replication.factor",
        "transaction.state.log.segment.bytes",
    ),
    "__share_group_state": (
        "share.coordinator.state.topic.num.partitions",
        "share.coordinator.state.topic.replication.factor",
        "share.coordinator.state.topic.segment.bytes",
    ),
}


class TopicCreation:
    """One per node; a topic is asked for once at a time."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._begun: set[str] = set()

    def begin(self, names: Iterable[str]) -> None:
        """Asks the controller to create those that nobody is creating yet."""
        names = [name for name in names if name not in self._begun]
        if names:
            self._begun.update(names)
            self._node.spawn(self._create(names), name=f"creating {', '.join(names)}")

    async def _create(self, names: list[str]) -> None:
        request = build(
            "CreateTopics", "request", 7, topics=[self._topic(name) for name in names], timeout=WITHIN_MS, validate_only=False
        )
        try:
            answer = await self._node.controller_door.ask(request, within_ms=WITHIN_MS)
            for topic in answer.topics:
                if topic.error_code not in (ErrorCode.none, ErrorCode.topic_already_exists):
                    self._node.world.log(f"topic {topic.name} was not created: {topic.error_message or topic.error_code.name}")
        except KafkaError as error:
            self._node.world.log(f"topics {names} were not created: {error}")
        finally:
            self._begun.difference_update(names)

    def _topic(self, name: str) -> dict[str, Any]:
        config = self._node.config
        if name not in INTERNAL:
            return {"name": name, "num_partitions": config["num.partitions"], "replication_factor": config["default.replication.factor"]}
        partitions, replicas, segment = INTERNAL[name]
        configs = {"cleanup.policy": "compact", "compression.type": "producer", "segment.bytes": str(config[segment])}
        return {
            "name": name,
            "num_partitions": config[partitions],
            "replication_factor": config[replicas],
            "configs": [{"name": key, "value": value} for key, value in configs.items()],
        }
