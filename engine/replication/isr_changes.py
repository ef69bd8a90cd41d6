"""Asks the controller to change ISRs: one AlterPartition in flight at a time, everything that waits in the next.

Source: Kafka's AlterPartitionManager; KIP-497, KIP-903 (broker epochs).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.metadata.image import MetadataImage
from engine.protocol.codec import Message, build
from engine.protocol.errors import ErrorCode
from engine.world import tasks
from engine.world.world import World

VERSION = 3
RETRY_MS = 50  # Kafka's pause before it asks a (new) controller again

AlterPartition = Callable[[Message], Awaitable[Message]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The ISR that a leader asks for. `answered` gets (error, answer or None) and tells whether to ask again."""

    topic_id: UUID
    index: int
    leader_epoch: int
    partition_epoch: int
    recovery_state: int
    isr: tuple[tuple[int, int], ...]  # (broker, its epoch)
    answered: Callable[[Wish, int, Any], bool]


class IsrChanges:
    """What this node's leaders wish of the controller. A later wish for a partition replaces an unsent one."""

    def __init__(self, *, node_id: int, world: World, image: MetadataImage, alter_partition: AlterPartition) -> None:
        self._node_id = node_id
        self._world = world
        self._image = image
        self._alter_partition = alter_partition
        self._waiting: dict[tuple[UUID, int], Wish] = {}
        self._task: tasks.Task | None = None
        self._over = False

    def ask(self, wish: Wish) -> None:
        """Sent in the loop's next turn, together with whatever else has come by then."""
        self._waiting[wish.topic_id, wish.index] = wish
        if self._task is None and not self._over:
            self._task = tasks.spawn(self._send_all(), name=f"ISR changes of node {self._node_id}")

    def forget(self, topic_id: UUID, index: int) -> None:
        """The partition is no longer led here."""
        self._waiting.pop((topic_id, index), None)

    def stop(self) -> None:
        """Nothing more is sent."""
        self._over = True
        self._waiting.clear()
        if self._task:
            self._task.cancel()

    async def _send_all(self) -> None:
        failed = False
        try:
            while self._waiting:
                sent, self._waiting = self._waiting, {}
                try:
                    answer = await self._alter_partition(self._request(sent))
                except Exception as error:
                    if not failed:  # once, not twenty times a second while there is no controller
                        self._world.log(f"AlterPartition of node {self._node_id} failed: {error!r}")
                    failed, again = True, list(sent.values())
                else:
                    failed, again = False, self._take(sent, answer)
                for wish in again:
                    self._waiting.setdefault((wish.topic_id, wish.index), wish)
                if again:
                    await self._world.clock.sleep(RETRY_MS)
        finally:
            self._task = None

    def _request(self, wishes: dict[tuple[UUID, int], Wish]) -> Message:
        topics: dict[UUID, list[dict[str, Any]]] = {}
        for _, wish in sorted(wishes.items()):
            partition = {
                "partition_index": wish.index,
                "leader_epoch": wish.leader_epoch,
                "new_isr_with_epochs": [{"broker_id": broker, "broker_epoch": epoch} for broker, epoch in wish.isr],
                "leader_recovery_state": wish.recovery_state,
                "partition_epoch": wish.partition_epoch,
            }
            topics.setdefault(wish.topic_id, []).append(partition)
        own = self._image.brokers.get(self._node_id)
        return build(
            "AlterPartition",
            "request",
            VERSION,
            broker_id=self._node_id,
            broker_epoch=own.epoch if own else -1,
            topics=[{"topic_id": topic_id, "partitions": partitions} for topic_id, partitions in topics.items()],
        )

    def _take(self, sent: dict[tuple[UUID, int], Wish], answer: Message) -> list[Wish]:
        """Tells every partition its answer; returns the wishes to be sent again."""
        if answer.error_code != ErrorCode.none:
            return list(sent.values())
        answers = {(topic.topic_id, one.partition_index): one for topic in answer.topics for one in topic.partitions}
        again = []
        for key, wish in sorted(sent.items()):
            one = answers.get(key)
            if one is None or wish.answered(wish, int(one.error_code), one):
                again.append(wish)
        return again

    def __repr__(self) -> str:
        return f"<IsrChanges node={self._node_id} waiting={len(self._waiting)} {'asking' if self._task else 'idle'}>"
