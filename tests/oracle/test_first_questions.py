"""What every client asks first, asked of Apache Kafka and of us: ApiVersions, Metadata, DescribeCluster, partitions page by page.

Compared are error codes, names and which fields are filled; not ids, hosts, which broker leads, and APIs that we do not serve yet.
"""

import socket
import struct
import time
import uuid

import pytest

from tests.clients.raw_client import RawClient

pytestmark = pytest.mark.oracle

BAD_NAMES = ["bad name", "", "a" * 250, ".."]
CLOSED = "closed"


def said_by(bootstrap):
    address = bootstrap.split(",")[0]
    topic = f"first-{uuid.uuid4().hex[:8]}"
    with RawClient(address, client_id="first") as client:
        yield from versions(client)
        yield from brokers(client)
        yield from creation(client, topic)
        yield from lookups(client, topic)
        yield from pages(client, topic)
    for what, frame in nonsense().items():
        yield f"{what}: {raw(address, frame)}"


def versions(client):
    for version in range(5):
        asked = {"client_software_name": "first", "client_software_version": "1"} if version >= 3 else {}
        answer = client.ask("ApiVersions", version, **asked)
        features = [(one.name, one.min_version, one.max_version) for one in answer.supported_features]
        yield f"ApiVersions v{version}: {answer.error_code.name} {sorted(features)}"
    answer = client.ask("ApiVersions", 3, client_software_name="not a name", client_software_version="1")
    yield f"ApiVersions v3 of a bad name: {answer.error_code.name} {len(answer.api_keys)}"


def brokers(client):
    for version in (0, 1, 4, 8, 9, 10, 11, 12, 13):
        answer = client.ask("Metadata", version, topics=[] if version else [{"name": "not-there"}])
        filled = [(one.node_id, bool(one.host), one.rack) for one in answer.brokers]
        yield f"Metadata v{version}: {filled} {answer.cluster_id is not None} {answer.controller_id in (1, 2, 3)}"
    for version, kind in ((0, 1), (1, 1), (2, 1), (1, 2), (1, 9)):
        answer = client.ask("DescribeCluster", version, include_cluster_authorized_operations=True, endpoint_type=kind)
        filled = [(one.broker_id, one.rack) for one in answer.brokers]
        yield f"DescribeCluster v{version} {kind}: {answer.error_code.name} {answer.error_message} {filled} {answer.cluster_authorized_operations}"


def creation(client, topic):
    first = client.ask("Metadata", 12, topics=[{"name": topic}], allow_auto_topic_creation=True)
    yield f"unknown topic: {[one.error_code.name for one in first.topics]}"
    for _ in range(100):
        [made] = client.ask("Metadata", 12, topics=[{"name": topic}], allow_auto_topic_creation=False).topics
        if made.partitions and made.partitions[0].leader_id >= 0:
            break
        time.sleep(0.1)
    counts = [(len(one.replica_nodes), len(one.isr_nodes), one.leader_epoch) for one in made.partitions]
    yield f"created: {made.error_code.name} {counts} {made.is_internal}"
    names = [{"name": name} for name in [*BAD_NAMES, f"{topic}.x", topic, topic]]
    answer = client.ask("Metadata", 12, topics=names, allow_auto_topic_creation=False)
    yield f"names: {sorted((one.name.replace(topic, 'T'), one.error_code.name) for one in answer.topics)}"


def lookups(client, topic):
    [known] = client.ask("Metadata", 12, topics=[{"name": topic}]).topics
    asked = [{"topic_id": known.topic_id, "name": None}, {"topic_id": uuid.UUID(int=77), "name": None}]
    answer = client.ask("Metadata", 12, topics=asked)
    yield f"by id: {sorted((one.error_code.name, one.name is None) for one in answer.topics)}"
    answer = client.ask("Metadata", 10, topics=[{"topic_id": known.topic_id, "name": topic}])
    yield f"by id too early: {[one.error_code.name for one in answer.topics]} {len(answer.brokers)}"
    answer = client.ask("Metadata", 8, topics=[{"name": topic}], include_topic_authorized_operations=True)
    yield f"operations: {[one.topic_authorized_operations for one in answer.topics]}"
    answer = client.ask("ListConfigResources", 1, resource_types=[9])
    yield f"config resources: {answer.error_code.name}"


def pages(client, topic):
    asked = [{"name": name} for name in (topic, "nope", "bad name")]
    for limit in (1, 2000):
        answer = client.ask("DescribeTopicPartitions", 0, topics=asked, response_partition_limit=limit)
        rows = [(one.name.replace(topic, "T"), one.error_code.name, len(one.partitions), one.topic_authorized_operations) for one in answer.topics]
        yield f"partitions by {limit}: {rows} {answer.next_cursor and answer.next_cursor.topic_name.replace(topic, 'T')}"
    [elr] = [one.partitions[0] for one in answer.topics if one.partitions]
    yield f"eligible: {elr.eligible_leader_replicas} {elr.last_known_elr} {elr.offline_replicas}"
    answer = client.ask("DescribeLogDirs", 4, topics=[{"topic": "nope", "partitions": [0]}])
    yield f"log dirs: {answer.error_code.name} {[(one.error_code.name, len(one.topics)) for one in answer.results]}"


def nonsense():
    def head(key, version):
        return struct.pack(">hhih", key, version, 1, 1) + b"x"

    return {
        "ApiVersions v9": head(18, 9) + b"\0\2a\2b\0",
        "unknown key": head(200, 0),
        "Metadata v99": head(3, 99) + b"\0" * 20,
        "Produce v2": head(0, 2) + struct.pack(">hii", 1, 1000, 0),
        "cut body": head(3, 1) + b"\x7f\xff",
        "no header": b"\0\3\0",
    }


def raw(address, frame):
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(struct.pack(">i", len(frame)) + frame)
        try:
            return connection.recv(4096).hex() or CLOSED
        except ConnectionError:
            return CLOSED


def test_both_say_the_same(apache, ours):
    assert list(said_by(ours)) == list(said_by(apache))
