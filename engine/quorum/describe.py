"""The answer to DescribeQuorum: who leads, who votes, who observes, and how far each has come (KIP-595, KIP-836, KIP-853)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.protocol.codec import Message, build
from engine.protocol.errors import ErrorCode
from engine.quorum.commit import Replica
from engine.quorum.metadata_log import METADATA_TOPIC
from engine.quorum.raft_node import RaftNode
from engine.quorum.roles import Leader
from engine.quorum.wire import LISTENER, the_partition


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Now on both clocks; the answer speaks of wall clock time."""

    wall_ms: int
    monotonic_ms: float

    def wall(self, then_ms: float | None) -> int:
        return -1 if then_ms is None else self.wall_ms - int(self.monotonic_ms - then_ms)


def describe_quorum(node: RaftNode, request: Message, version: int, *, moment: Moment, addresses: Mapping[int, tuple[str, int]]) -> Message:
    """Only the leader knows; the others say NOT_LEADER_OR_FOLLOWER. Another partition is UNKNOWN_TOPIC_OR_PARTITION."""
    if the_partition(request) is None:
        return _refused(request, version, ErrorCode.unknown_topic_or_partition)
    if not isinstance(node.role, Leader):
        return _refused(request, version, ErrorCode.not_leader_or_follower, leader=node.leader, epoch=node.epoch)
    progress = node.role.progress

    def state(number: int) -> dict[str, Any]:
        replica = progress.replicas.get(number) or Replica()
        own = number == node.node_id
        return {
            "replica_id": number,
            "replica_directory_id": None,
            "log_end_offset": -1 if replica.end_offset is None else replica.end_offset,
            "last_fetch_timestamp": moment.wall_ms if own else moment.wall(replica.last_fetch_ms),
            "last_caught_up_timestamp": moment.wall_ms if own else moment.wall(replica.last_caught_up_ms),
        }

    partition = {
        "partition_index": 0,
        "error_code": 0,
        "leader_id": node.node_id,
        "leader_epoch": node.epoch,
        "high_watermark": -1 if node.high_watermark is None else node.high_watermark,
        "current_voters": [state(voter) for voter in node.voters.ids],
        "observers": [state(number) for number in progress.observers(moment.monotonic_ms)],
    }
    nodes = [
        {"node_id": voter, "listeners": [{"name": LISTENER, "host": addresses[voter][0], "port": addresses[voter][1]}]}
        for voter in node.voters.ids
        if voter in addresses
    ]
    topics = [{"topic_name": METADATA_TOPIC, "partitions": [partition]}]
    return build("DescribeQuorum", "response", version, error_code=0, topics=topics, nodes=nodes)


def _refused(request: Message, version: int, error: ErrorCode, *, leader: int | None = None, epoch: int = -1) -> Message:
    topics = [
        {
            "topic_name": topic.topic_name,
            "partitions": [
                {
                    "partition_index": partition.partition_index,
                    "error_code": error,
                    "leader_id": -1 if leader is None else leader,
                    "leader_epoch": epoch,
                    "high_watermark": -1,
                    "current_voters": [],
                    "observers": [],
                }
                for partition in topic.partitions
            ],
        }
        for topic in request.topics
    ]
    return build("DescribeQuorum", "response", version, error_code=0, topics=topics, nodes=[])
