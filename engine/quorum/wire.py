"""The raft node's messages as Kafka's requests and responses, and back.

All of them are about one partition, `__cluster_metadata-0`. Reading answers None for a request about anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from engine.protocol.codec import Message, build, milliseconds
from engine.protocol.errors import ErrorCode
from engine.quorum import messages as m
from engine.quorum.metadata_log import FETCH_BYTES_MAX, METADATA_TOPIC, METADATA_TOPIC_ID

LISTENER = "CONTROLLER"  # what the quorum calls the one listener of a node
HIGH_WATERMARK_NOT_TOLD = 0x7FFF_FFFF_FFFF_FFFF  # KIP-1166: the follower is too old to tell the one that it knows

API_OF: dict[type, str] = {m.Vote: "Vote", m.BeginEpoch: "BeginQuorumEpoch", m.EndEpoch: "EndQuorumEpoch", m.Fetch: "Fetch"}
ASKED_VERSION = {"Vote": 2, "BeginQuorumEpoch": 1, "EndQuorumEpoch": 1, "Fetch": 18}


def _id(node: int | None) -> int:
    return -1 if node is None else node


def _node(number: int) -> int | None:
    return None if number < 0 else number


def _topics(**fields: Any) -> list[dict]:
    return [{"topic_name": METADATA_TOPIC, "partitions": [{"partition_index": 0, **fields}]}]


# ---- requests, written


def write_request(request: Any, *, to: int, cluster_id: str, directory_id: UUID | None, address: tuple[str, int], wait_ms: float) -> Message:
    """`address` is ours, told to those whom we lead; `wait_ms` is how long a fetch may wait."""
    api = API_OF[type(request)]
    version = ASKED_VERSION[api]
    endpoints = [{"name": LISTENER, "host": address[0], "port": address[1]}]
    if isinstance(request, m.Fetch):
        return _write_fetch(request, version, cluster_id=cluster_id, directory_id=directory_id, wait_ms=wait_ms)
    if isinstance(request, m.Vote):
        fields = _topics(
            replica_epoch=request.epoch,
            replica_id=request.candidate,
            replica_directory_id=directory_id,
            voter_directory_id=None,
            last_offset_epoch=request.last_epoch,
            last_offset=request.last_offset,
            pre_vote=request.pre_vote,
        )
        return build(api, "request", version, cluster_id=cluster_id, voter_id=to, topics=fields)
    if isinstance(request, m.BeginEpoch):
        fields = _topics(voter_directory_id=None, leader_id=request.leader, leader_epoch=request.epoch)
        return build(api, "request", version, cluster_id=cluster_id, voter_id=to, topics=fields, leader_endpoints=endpoints)
    preferred = [{"candidate_id": node, "candidate_directory_id": None} for node in request.preferred]
    fields = _topics(leader_id=request.leader, leader_epoch=request.epoch, preferred_successors=request.preferred, preferred_candidates=preferred)
    return build(api, "request", version, cluster_id=cluster_id, topics=fields, leader_endpoints=endpoints)


def _write_fetch(fetch: m.Fetch, version: int, *, cluster_id: str, directory_id: UUID | None, wait_ms: float) -> Message:
    partition = {
        "partition": 0,
        "current_leader_epoch": fetch.epoch,
        "fetch_offset": fetch.offset,
        "last_fetched_epoch": fetch.last_epoch,
        "log_start_offset": 0,
        "partition_max_bytes": FETCH_BYTES_MAX,
        "replica_directory_id": directory_id,
        "high_watermark": HIGH_WATERMARK_NOT_TOLD if fetch.known_high_watermark is None else fetch.known_high_watermark,
    }
    return build(
        "Fetch",
        "request",
        version,
        cluster_id=cluster_id,
        replica_state={"replica_id": fetch.replica, "replica_epoch": -1},
        max_wait=int(wait_ms),
        min_bytes=0,
        max_bytes=FETCH_BYTES_MAX,
        session_id=0,
        session_epoch=-1,
        topics=[{"topic": METADATA_TOPIC, "topic_id": METADATA_TOPIC_ID, "partitions": [partition]}],
        forgotten_topics_data=[],
        rack_id="",
    )


# ---- requests, read


def the_partition(request: Message) -> Any:
    """The one partition that the request is about, if it is ours; else None. Not for Fetch."""
    if len(request.topics) != 1 or len(request.topics[0].partitions) != 1:
        return None
    topic, partition = request.topics[0], request.topics[0].partitions[0]
    return partition if topic.topic_name == METADATA_TOPIC and partition.partition_index == 0 else None


def read_vote(request: Message) -> m.Vote | None:
    """Any version."""
    partition = the_partition(request)
    if partition is None:
        return None
    return m.Vote(
        candidate=partition.replica_id,
        epoch=partition.replica_epoch,
        last_epoch=partition.last_offset_epoch,
        last_offset=partition.last_offset,
        pre_vote=partition.pre_vote,
    )


def read_begin(request: Message) -> m.BeginEpoch | None:
    """Any version."""
    partition = the_partition(request)
    return partition and m.BeginEpoch(leader=partition.leader_id, epoch=partition.leader_epoch)


def read_end(request: Message, version: int) -> m.EndEpoch | None:
    """Version 0 names the successors as plain ids, version 1 with their directories."""
    partition = the_partition(request)
    if partition is None:
        return None
    preferred = (
        tuple(partition.preferred_successors) if version == 0 else tuple(node.candidate_id for node in partition.preferred_candidates)
    )
    return m.EndEpoch(leader=partition.leader_id, epoch=partition.leader_epoch, preferred=preferred)


def read_fetch(request: Message, version: int) -> tuple[m.Fetch, int] | None:
    """The fetch, and for how many ms it may wait."""
    if len(request.topics) != 1 or len(request.topics[0].partitions) != 1:
        return None
    topic, partition = request.topics[0], request.topics[0].partitions[0]
    ours = topic.topic_id == METADATA_TOPIC_ID if version >= 13 else topic.topic == METADATA_TOPIC
    if not ours or partition.partition != 0:
        return None
    known = partition.high_watermark if version >= 18 else HIGH_WATERMARK_NOT_TOLD
    fetch = m.Fetch(
        replica=request.replica_state.replica_id if version >= 15 else request.replica_id,
        epoch=partition.current_leader_epoch,
        offset=partition.fetch_offset,
        last_epoch=partition.last_fetched_epoch,
        known_high_watermark=None if known == HIGH_WATERMARK_NOT_TOLD else known,
    )
    return fetch, milliseconds(request.max_wait)


# ---- answers, written


def write_reply(api: str, version: int, reply: m.Reply, *, addresses: Mapping[int, tuple[str, int]]) -> Message:
    """The answer to Vote, BeginQuorumEpoch or EndQuorumEpoch."""
    granted = {"vote_granted": reply.granted} if isinstance(reply, m.VoteReply) else {}
    fields = _topics(error_code=reply.error, leader_id=_id(reply.leader), leader_epoch=reply.epoch, **granted)
    return build(api, "response", version, error_code=0, topics=fields, node_endpoints=_endpoints(reply.leader, addresses))


def write_fetch_reply(version: int, reply: m.FetchReply, *, records: bytes, addresses: Mapping[int, tuple[str, int]]) -> Message:
    """The answer to Fetch; `records` are the batches from `reply.read_from` on."""
    partition: dict[str, Any] = {
        "partition_index": 0,
        "error_code": reply.error,
        "high_watermark": -1 if reply.high_watermark is None else reply.high_watermark,
        "last_stable_offset": -1 if reply.high_watermark is None else reply.high_watermark,
        "log_start_offset": 0,
        "current_leader": {"leader_id": _id(reply.leader), "leader_epoch": reply.epoch},
        "aborted_transactions": None,
        "records": records,
    }
    if reply.diverging is not None:
        partition["diverging_epoch"] = {"epoch": reply.diverging[0], "end_offset": reply.diverging[1]}
    responses = [{"topic": METADATA_TOPIC, "topic_id": METADATA_TOPIC_ID, "partitions": [partition]}]
    endpoints = _endpoints(reply.leader, addresses) if reply.error != ErrorCode.none else []
    return build("Fetch", "response", version, throttle_time=0, error_code=0, session_id=0, responses=responses, node_endpoints=endpoints)


def _endpoints(leader: int | None, addresses: Mapping[int, tuple[str, int]]) -> list[dict]:
    if leader is None or leader not in addresses:
        return []
    host, port = addresses[leader]
    return [{"node_id": leader, "host": host, "port": port, "rack": None}]


def write_refusal(api: str, version: int, error: ErrorCode) -> Message:
    """The answer to a request that was not meant for us: another cluster, another partition."""
    return build(api, "response", version, error_code=error, **({"responses": []} if api == "Fetch" else {"topics": []}))


# ---- answers, read


def read_reply(request: Any, response: Message) -> m.Reply:
    """What the answer to our `request` says; epoch -1 when it says nothing of one."""
    kind = {m.Vote: m.VoteReply, m.BeginEpoch: m.BeginReply, m.EndEpoch: m.EndReply, m.Fetch: m.FetchReply}[type(request)]
    topics = response.responses if isinstance(request, m.Fetch) else response.topics
    if response.error_code != ErrorCode.none or not topics or not topics[0].partitions:
        error = response.error_code if response.error_code != ErrorCode.none else ErrorCode.invalid_request
        return kind(error=error, epoch=-1, leader=None)
    partition = topics[0].partitions[0]
    if isinstance(request, m.Fetch):
        return _read_fetch_reply(partition)
    granted = {"granted": partition.vote_granted} if kind is m.VoteReply else {}
    return kind(error=partition.error_code, epoch=partition.leader_epoch, leader=_node(partition.leader_id), **granted)


def _read_fetch_reply(partition: Any) -> m.FetchReply:
    diverging = (partition.diverging_epoch.epoch, partition.diverging_epoch.end_offset)
    return m.FetchReply(
        error=partition.error_code,
        epoch=partition.current_leader.leader_epoch,
        leader=_node(partition.current_leader.leader_id),
        high_watermark=None if partition.high_watermark < 0 else partition.high_watermark,
        diverging=None if diverging[0] < 0 else diverging,
        records=bytes(partition.records or b""),
    )
