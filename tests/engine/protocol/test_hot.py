"""The codecs written by struct agree with kio's, at every version."""

import uuid

import pytest

from engine.protocol import hot_fetch, hot_follow, hot_metadata, hot_produce
from engine.protocol.codec import Malformed, build, decode_body, decode_response, encode_body, encode_response
from engine.protocol.hot_fields import by_id, by_name, string

TOPIC_ID = uuid.UUID(int=77 << 64 | 5)


def topic_of(version, ids_from, flexible_from):
    if version >= ids_from:
        return by_id(TOPIC_ID.bytes)
    raw = string("orders", flexible=version >= flexible_from)
    return by_name(raw, 1 if version >= flexible_from else 2)


@pytest.mark.parametrize("version", range(3, 14))
def test_produce_requests(version):
    partitions = [{"index": 0, "records": b"abc" * 100}, {"index": 7, "records": None}]
    message = build(
        "Produce", "request", version, transactional_id=None, acks=-1, timeout=1500,
        topic_data=[{"name": "orders", "topic_id": TOPIC_ID, "partition_data": partitions}],
    )  # fmt: skip
    request = hot_produce.parse_request(memoryview(bytearray(encode_body(message))), version)
    assert (request.transactional_id, request.acks, request.timeout_ms) == (None, -1, 1500)
    [(topic, found)] = request.topics
    assert (topic.topic_id if version >= 13 else topic.name) == (TOPIC_ID if version >= 13 else "orders")
    assert [(index, None if records is None else bytes(records)) for index, records in found] == [(0, b"abc" * 100), (7, None)]


@pytest.mark.parametrize("version", range(3, 14))
def test_produce_responses(version):
    good = hot_produce.Produced(1, base_offset=42, log_append_time_ms=-1, log_start_offset=3)
    bad = hot_produce.Produced(2, error=6)
    bad.message, bad.record_errors, bad.leader = "moved", [(4, "why"), (5, None)], (3, 9)
    topic = topic_of(version, 13, 9)
    frame = hot_produce.write_response(version, 99, [(topic, [good, bad])], [(3, "there", 9094, "c"), (4, "x", 1, None)])
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    correlation_id, message = decode_response("Produce", version, frame[4:])
    assert correlation_id == 99
    [answer] = message.responses
    first, second = answer.partition_responses
    assert (first.index, first.error_code, first.base_offset) == (1, 0, 42)
    assert second.error_code == 6
    if version >= 5:
        assert first.log_start_offset == 3
    if version >= 8:
        assert second.error_message == "moved"
        assert [(e.batch_index, e.batch_index_error_message) for e in second.record_errors] == [(4, "why"), (5, None)]
    if version >= 10:
        assert (second.current_leader.leader_id, second.current_leader.leader_epoch) == (3, 9)
        assert [(n.node_id, n.host, n.port, n.rack) for n in message.node_endpoints] == [(3, "there", 9094, "c"), (4, "x", 1, None)]


@pytest.mark.parametrize("version", range(4, 19))
def test_fetch_requests(version):
    partition = {
        "partition": 3, "current_leader_epoch": 8, "fetch_offset": 1 << 40, "last_fetched_epoch": 7,
        "log_start_offset": 11, "partition_max_bytes": 1 << 20,
    }  # fmt: skip
    message = build(
        "Fetch", "request", version, replica_id=2, replica_state={"replica_id": 2, "replica_epoch": 31}, max_wait=500, min_bytes=1,
        max_bytes=10 << 20, isolation_level=1, session_id=5, session_epoch=6, rack_id="r1", cluster_id="abc",
        topics=[{"topic": "orders", "topic_id": TOPIC_ID, "partitions": [partition, partition | {"partition": 4}]}],
        forgotten_topics_data=[{"topic": "orders", "topic_id": TOPIC_ID, "partitions": [9, 10]}],
    )  # fmt: skip
    request = hot_fetch.parse_request(memoryview(bytearray(encode_body(message))), version)
    assert (request.replica_id, request.wait_ms_max, request.bytes_min, request.bytes_max) == (2, 500, 1, 10 << 20)
    assert request.isolation_level == 1
    [(topic, wanted)] = request.topics
    assert [one.index for one in wanted] == [3, 4]
    assert wanted[0].fetch_offset == 1 << 40 and wanted[0].bytes_max == 1 << 20
    assert wanted[0].current_leader_epoch == (8 if version >= 9 else -1)
    assert wanted[0].last_fetched_epoch == (7 if version >= 12 else -1)
    assert wanted[0].log_start_offset == (11 if version >= 5 else -1)
    if version >= 7:
        assert (request.session_id, request.session_epoch) == (5, 6)
        assert [(t.field == topic.field, found) for t, found in request.forgotten] == [(True, [9, 10])]
    assert request.rack_id == ("r1" if version >= 11 else "")
    assert request.replica_epoch == (31 if version >= 15 else -1)


@pytest.mark.parametrize("version", range(4, 19))
def test_fetch_responses(version):
    full = hot_fetch.Fetched(0)
    full.high_watermark, full.last_stable_offset, full.log_start_offset = 10, 9, 1
    full.parts, full.size, full.aborted = [b"rec", b"ords"], 7, [(4, 5)]
    moved = hot_fetch.Fetched(1, error=6)
    moved.leader, moved.diverging = (3, 9), (2, 55)
    parts = hot_fetch.write_response(
        version, 7, error=0, session_id=12, topics=[(topic_of(version, 13, 12), [full, moved])], endpoints=[(3, "there", 9094, None)]
    )
    frame = b"".join(parts)
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    correlation_id, message = decode_response("Fetch", version, frame[4:])
    assert correlation_id == 7
    [answer] = message.responses
    first, second = answer.partitions
    assert bytes(first.records) == b"records" and first.high_watermark == 10 and first.last_stable_offset == 9
    assert [(a.producer_id, a.first_offset) for a in first.aborted_transactions] == [(4, 5)]
    assert second.aborted_transactions is None and second.error_code == 6
    if version >= 7:
        assert message.session_id == 12
    if version >= 12:
        assert (second.current_leader.leader_id, second.current_leader.leader_epoch) == (3, 9)
        assert (second.diverging_epoch.epoch, second.diverging_epoch.end_offset) == (2, 55)
    if version >= 16:
        assert [(n.node_id, n.host, n.port) for n in message.node_endpoints] == [(3, "there", 9094)]


def test_a_follower_reads_what_a_leader_writes():
    full = hot_fetch.Fetched(0)
    full.high_watermark, full.log_start_offset, full.parts, full.size = 10, 1, [b"records"], 7
    moved = hot_fetch.Fetched(1, error=6)
    moved.leader, moved.diverging, moved.aborted = (3, 9), (2, 55), [(1, 2)]
    parts = hot_fetch.write_response(18, 7, error=0, session_id=12, topics=[(by_id(TOPIC_ID.bytes), [full, moved])], endpoints=[])
    correlation_id, error, session_id, [(topic_id, [first, second])] = hot_follow.parse_response(memoryview(b"".join(parts))[4:])
    assert (correlation_id, error, session_id, topic_id) == (7, 0, 12, TOPIC_ID.bytes)
    assert first[:6] == (0, 0, 10, 1, None, None) and bytes(first.records) == b"records"
    assert second[:6] == (1, 6, -1, -1, (2, 55), (3, 9)) and bytes(second.records) == b""


def test_a_leader_reads_what_a_follower_writes():
    writer = hot_follow.FollowerRequest(node_id=2, client_id="broker-2-fetcher", bytes_min=1, bytes_max=10 << 20)
    wanted = {TOPIC_ID.bytes: [(0, 4, 100, 3, 5, 1 << 20), (200, 4, 0, -1, 0, 1 << 20)]}
    frame = writer.write(3, wait_ms_max=500, session=(8, 9), broker_epoch=77, wanted=wanted, forgotten={TOPIC_ID.bytes: [6]})
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    body = memoryview(bytearray(frame))[4 + 8 + 2 + len("broker-2-fetcher") + 1 :]
    request = hot_fetch.parse_request(body, 18)
    assert (request.replica_id, request.replica_epoch, request.session_id, request.session_epoch) == (2, 77, 8, 9)
    assert [tuple(one) for one in request.topics[0][1]] == wanted[TOPIC_ID.bytes]
    assert request.forgotten[0][1] == [6]
    assert decode_body("Fetch", "request", 18, body).topics[0].partitions[1].partition == 200


@pytest.mark.parametrize("version", range(14))
def test_metadata_responses(version):
    rows = [
        {"error_code": 0, "partition_index": 0, "leader_id": 1, "leader_epoch": 7, "replica_nodes": (1, 2, 3), "isr_nodes": (1, 2), "offline_replicas": (3,)},
        {"error_code": 5, "partition_index": 300, "leader_id": -1, "leader_epoch": 8, "replica_nodes": tuple(range(200)), "isr_nodes": ()},
    ]
    topics = [
        {"name": "orders", "topic_id": TOPIC_ID, "is_internal": True, "partitions": rows, "topic_authorized_operations": 3576},
        {"name": None if version >= 12 else "", "error_code": 100, "topic_id": TOPIC_ID, "topic_authorized_operations": -(2**31)},
    ]
    brokers = [(1, "localhost", 9092, "a"), (2, "elsewhere", 9093, None)]
    by_kio = build(
        "Metadata", "response", version, cluster_id="cluster", controller_id=2, topics=topics, cluster_authorized_operations=8096,
        brokers=[{"node_id": node, "host": host, "port": port, "rack": rack} for node, host, port, rack in brokers],
    )  # fmt: skip
    partitions = [
        hot_metadata.partition(
            version, row["partition_index"], error=row["error_code"], leader=row["leader_id"], leader_epoch=row["leader_epoch"],
            replicas=row["replica_nodes"], isr=row["isr_nodes"], offline=row.get("offline_replicas", ()),
        )
        for row in rows
    ]  # fmt: skip
    by_hand = hot_metadata.write_response(
        version, 9, brokers=brokers, cluster_id="cluster", controller_id=2, authorized_operations=8096,
        topics=[
            hot_metadata.topic(version, "orders", TOPIC_ID, is_internal=True, partitions=partitions, authorized_operations=3576),
            hot_metadata.topic(version, None, TOPIC_ID, error=100, authorized_operations=-(2**31)),
        ],
    )  # fmt: skip
    assert by_hand == encode_response(by_kio, correlation_id=9)


@pytest.mark.parametrize("cut", [0, 3, 11, 30])
def test_half_a_message_is_malformed(cut):
    message = build("Produce", "request", 9, acks=1, timeout=1, topic_data=[{"name": "t", "partition_data": [{"index": 0, "records": b"x" * 40}]}])
    with pytest.raises(Malformed):
        hot_produce.parse_request(memoryview(bytearray(encode_body(message)))[:cut], 9)
    with pytest.raises(Malformed):
        hot_fetch.parse_request(memoryview(bytearray(b"\xff" * cut)), 12)
