"""Asking the coordinator of a group: found anew when it moved, with every group API as a plain call."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from engine.protocol.codec import Message, build
from engine.protocol.errors import ErrorCode
from tests.simulation.client import BACKOFF_MS, Client

GROUP_KEY = 0
MOVED = frozenset({ErrorCode.not_coordinator, ErrorCode.coordinator_not_available})

Offsets = dict[tuple[str, UUID, int], tuple[int, int]]  # (topic, id, partition) -> (offset, leader epoch of the record before)


class Coordinator:
    """Of one group, as one client sees it."""

    def __init__(self, client: Client, group: str) -> None:
        self.client, self.group = client, group
        self.node: int | None = None

    async def find(self) -> int:
        """Asks until somebody knows."""
        while self.node is None:
            answer = await self.client.ask_any(build("FindCoordinator", "request", 4, key_type=GROUP_KEY, coordinator_keys=[self.group]))
            if answer is not None:
                told = answer.coordinators[0]
                self.client.expect(told.error_code, f"FindCoordinator of {self.group}", told)
                if told.error_code == ErrorCode.none:
                    self.node = told.node_id
                    break
            await self.client.sleep(BACKOFF_MS)
        return self.node

    async def ask(self, message: Message, *, within_ms: int, purpose: str = "group") -> Message | None:
        """The coordinator's answer; None for silence, after which it is looked for again."""
        node = await self.find()
        answer = await self.client.ask(node, message, purpose, within_ms=within_ms)
        if answer is None and self.node == node:
            self.node = None
        return answer

    def heard(self, code: ErrorCode) -> None:
        """An error that means that another broker coordinates."""
        if code in MOVED:
            self.node = None

    async def committed(self, wanted: list[tuple[str, UUID, int]], *, within_ms: int) -> Offsets | None:
        """What the group has committed of these; (-1, -1) for nothing; None: ask again later."""
        topics: dict[UUID, list[int]] = {}
        for _, topic_id, partition in wanted:
            topics.setdefault(topic_id, []).append(partition)
        asked: dict[str, Any] = {
            "group_id": self.group, "member_id": None, "member_epoch": -1,
            "topics": [{"topic_id": topic_id, "partition_indexes": indexes} for topic_id, indexes in topics.items()],
        }  # fmt: skip
        answer = await self.ask(build("OffsetFetch", "request", 10, groups=[asked], require_stable=True), within_ms=within_ms)
        if answer is None:
            return None
        told = answer.groups[0]
        self.client.expect(told.error_code, f"OffsetFetch of {self.group}", told)
        if told.error_code != ErrorCode.none:
            self.heard(told.error_code)
            return None
        names = {(topic_id, partition): topic for topic, topic_id, partition in wanted}
        found: Offsets = {}
        for topic in told.topics:
            for part in topic.partitions:
                if part.error_code != ErrorCode.none:
                    return None
                name = names[topic.topic_id, part.partition_index]
                found[name, topic.topic_id, part.partition_index] = (part.committed_offset, part.committed_leader_epoch)
        return found
