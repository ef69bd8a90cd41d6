"""The same admin requests to Apache Kafka and to ours: error codes, messages, configs, sources, synonyms and types agree."""

import re
import time

import pytest

from tests.clients.raw_client import RawClient

pytestmark = pytest.mark.oracle

TOPIC, BROKER, GROUP = 2, 4, 32
SET, DELETE, APPEND, SUBTRACT = 0, 1, 2, 3

# What each cluster was started with, by its own means.
OF_THE_NODE = {
    "advertised.listeners", "broker.id", "broker.rack", "controller.listener.names", "controller.quorum.voters",
    "group.initial.rebalance.delay.ms", "listener.security.protocol.map", "listeners", "log.dir", "log.dirs", "node.id",
    "offsets.topic.replication.factor", "process.roles", "share.coordinator.state.topic.min.isr",
    "share.coordinator.state.topic.replication.factor", "transaction.state.log.replication.factor",
}  # fmt: skip


def topic(name, partitions=-1, replication_factor=-1, assign=None, configs=None):
    return {
        "name": name,
        "num_partitions": partitions,
        "replication_factor": replication_factor,
        "assignments": [{"partition_index": index, "broker_ids": brokers} for index, brokers in assign or ()],
        "configs": [{"name": key, "value": value} for key, value in (configs or {}).items()],
    }


CREATED = {
    "three by three": topic("orders", 3, 3),
    "defaults": topic("defaults"),
    "by hand": topic("hand", assign=[(0, [2, 1]), (1, [3, 2])]),
    "with configs": topic("configured", 1, 1, configs={"retention.ms": "1000", "cleanup.policy": "compact,delete"}),
    "dotted": topic("a.b", 1, 1),
    "internal": topic("__x", 1, 1),
    "exists": topic("orders", 3, 3),
    "collides": topic("a_b", 1, 1),
    "factor above brokers": topic("new", 1, 4),
    "factor zero": topic("new", 1, 0),
    "factor -2": topic("new", 1, -2),
    "partitions zero": topic("new", 0, 1),
    "partitions -2": topic("new", -2, 1),
    "too many": topic("new", 10_001, 1),
    "bad name": topic("a b", 1, 1),
    "dot": topic(".", 1, 1),
    "dots": topic("..", 1, 1),
    "empty": topic("", 1, 1),
    "long": topic("x" * 250, 1, 1),
    "metadata": topic("__cluster_metadata", 1, 1),
    "uneven": topic("new", assign=[(0, [2, 1]), (1, [3])]),
    "unknown broker": topic("new", assign=[(0, [2, 9])]),
    "broker twice": topic("new", assign=[(0, [2, 2])]),
    "no replicas": topic("new", assign=[(0, [])]),
    "gap": topic("new", assign=[(0, [1]), (2, [2])]),
    "partition twice": topic("new", assign=[(0, [1]), (0, [2])]),
    "from one": topic("new", assign=[(1, [1])]),
    "factor and assignment": topic("new", replication_factor=2, assign=[(0, [1])]),
    "partitions and assignment": topic("new", partitions=2, assign=[(0, [1])]),
    "null config": topic("new", 1, 1, configs={"retention.ms": None}),
}
CONFIGS = [
    ("nope", "1"), ("retention.ms", "x"), ("retention.ms", "-5"), ("cleanup.policy", "foo"), ("cleanup.policy", ""),
    ("cleanup.policy", "compact,compact"), ("min.insync.replicas", "0"), ("min.insync.replicas", "5"), ("compression.type", "foo"),
    ("compression.type", "GZIP"), ("compression.gzip.level", "0"), ("compression.gzip.level", "10"), ("compression.lz4.level", "99"),
    ("compression.zstd.level", "99"), ("unclean.leader.election.enable", "foo"), ("min.cleanable.dirty.ratio", "2"),
    ("min.cleanable.dirty.ratio", "x"), ("segment.bytes", "10"), ("segment.bytes", "99999999999"), ("segment.bytes", " 2000000 "),
    ("segment.ms", "0"), ("segment.index.bytes", "1"), ("max.message.bytes", "-1"), ("retention.bytes", "-2"), ("flush.messages", "0"),
    ("preallocate", "1"), ("index.interval.bytes", "-1"), ("local.retention.ms", "-3"), ("remote.storage.enable", "true"),
    ("message.timestamp.type", "foo"), ("message.format.version", "3.0"), ("leader.replication.throttled.replicas", "x"),
    ("leader.replication.throttled.replicas", "0:1,1:2"), ("follower.replication.throttled.replicas", "*"),
]  # fmt: skip
GROWN = {
    "grow": ("orders", 5, None), "less": ("orders", 2, None), "same": ("orders", 5, None), "unknown": ("nope", 5, None),
    "by hand": ("hand", 3, [[1, 3]]), "wrong factor": ("hand", 4, [[1]]), "wrong number": ("hand", 6, [[1, 2]]),
    "unknown broker": ("hand", 4, [[1, 9]]), "negative": ("hand", -1, None),
}  # fmt: skip
EDITS = [
    (TOPIC, "orders", "retention.ms", SET, "1000"), (TOPIC, "nope", "retention.ms", SET, "1"), (TOPIC, "", "retention.ms", SET, "1"),
    (TOPIC, "a b", "retention.ms", SET, "1"), (TOPIC, "orders", "nope", SET, "1"), (TOPIC, "orders", "retention.ms", SET, "x"),
    (TOPIC, "orders", "retention.ms", SET, None), (TOPIC, "orders", "retention.ms", APPEND, "1"),
    (TOPIC, "orders", "cleanup.policy", APPEND, "compact"), (TOPIC, "orders", "cleanup.policy", SUBTRACT, "delete"),
    (TOPIC, "orders", "cleanup.policy", APPEND, None), (TOPIC, "orders", "segment.ms", DELETE, None),
    (BROKER, "1", "num.partitions", SET, "3"), (BROKER, "1", "num.io.threads", SET, "7"), (BROKER, "1", "num.io.threads", SET, "0"),
    (BROKER, "1", "min.insync.replicas", SET, "1"), (BROKER, "1", "foo.bar", SET, "9"), (BROKER, "abc", "num.io.threads", SET, "1"),
    (BROKER, "9", "num.io.threads", SET, "1"), (BROKER, "", "log.retention.ms", SET, "777777"),
    (BROKER, "1", "log.segment.bytes", SET, "7777777"), (BROKER, "", "message.max.bytes", SET, "2000000"),
    (BROKER, "", "listeners", SET, "PLAINTEXT://:1"), (BROKER, "", "log.dirs", SET, "x"), (BROKER, "", "compression.type", SET, "foo"),
    (BROKER, "", "unclean.leader.election.enable", SET, "maybe"), (BROKER, "", "min.insync.replicas", SET, "0"),
    (BROKER, "", "min.insync.replicas", DELETE, None), (BROKER, "", "min.insync.replicas", SET, "1"),
    (GROUP, "g", "consumer.session.timeout.ms", SET, "50000"), (GROUP, "g", "consumer.session.timeout.ms", SET, "1"),
    (GROUP, "g", "foo", SET, "1"), (77, "x", "foo", SET, "1"),
]  # fmt: skip
DESCRIBED = [(TOPIC, "orders"), (TOPIC, "configured"), (TOPIC, "nope"), (TOPIC, "a b"), (TOPIC, ""), (BROKER, "1"), (BROKER, ""),
             (BROKER, "9"), (BROKER, "abc"), (GROUP, "g"), (GROUP, "never")]  # fmt: skip


def said(row):
    # Which broker checks the id of another one differs: with Apache the one that was asked, with us the active controller.
    return int(row.error_code), row.error_message and re.sub(r"expected \d+, but", "expected N, but", row.error_message)


def creations(kafka):
    def create(asked, validate_only=False):
        answer = kafka.ask("CreateTopics", 7, topics=asked, timeout=10_000, validate_only=validate_only)
        return sorted((row.name, *said(row), row.num_partitions, row.replication_factor) for row in answer.topics)

    seen = {name: create([asked]) for name, asked in CREATED.items()}
    seen["validated"] = create([topic("new", 2, 3)], validate_only=True)
    seen["twice"] = create([topic("t", 1, 1), topic("t", 1, 1), topic("u", 1, 1)])
    for key, value in CONFIGS:
        seen[f"{key}={value}"] = create([topic("new", 1, 1, configs={key: value})], validate_only=True)
    return seen


def growths(kafka):
    seen = {}
    for name, (asked, count, assign) in GROWN.items():
        rows = None if assign is None else [{"broker_ids": brokers} for brokers in assign]
        request = {"name": asked, "count": count, "assignments": rows}
        answer = kafka.ask("CreatePartitions", 3, topics=[request], timeout=10_000, validate_only=False)
        seen[name] = [(row.name, *said(row)) for row in answer.results]
    return seen


def edits(kafka):
    seen = {}
    for kind, name, key, operation, value in EDITS:
        row = {"resource_type": kind, "resource_name": name, "configs": [{"name": key, "config_operation": operation, "value": value}]}
        answer = kafka.ask("IncrementalAlterConfigs", 1, resources=[row], validate_only=False)
        seen[kind, name, key, operation, value] = [said(row) for row in answer.responses]
    return seen


def await_edits(kafka):
    """What the controller has committed reaches the broker that we ask a moment later."""
    asked = [{"resource_type": BROKER, "resource_name": "", "configuration_keys": ["message.max.bytes", "min.insync.replicas"]}]
    for _ in range(100):
        if len(kafka.ask("DescribeConfigs", 4, resources=asked).results[0].configs) == 2:
            return
        time.sleep(0.1)
    raise AssertionError("the edits did not arrive in 10 s")


def descriptions(kafka, version):
    await_edits(kafka)
    seen = {}
    for kind, name in DESCRIBED:
        asked = [{"resource_type": kind, "resource_name": name, "configuration_keys": None}]
        answer = kafka.ask("DescribeConfigs", version, resources=asked, include_synonyms=True, include_documentation=True)
        for row in answer.results:
            seen[kind, name] = said(row)
            for each in row.configs:
                synonyms = [(synonym.name, synonym.value, synonym.source) for synonym in each.synonyms]
                shape = (each.read_only, each.config_source, each.is_sensitive, each.config_type)
                seen[kind, name, each.name] = (shape, synonyms, each.value) if each.name not in OF_THE_NODE else "of the node"
    return seen


def elections(kafka):
    def elect(kind, asked):
        topics = None if asked is None else [{"topic": name, "partitions": indexes} for name, indexes in asked]
        answer = kafka.ask("ElectLeaders", 2, election_type=kind, topic_partitions=topics, timeout=10_000)
        rows = [(row.topic, each.partition_id, *said(each)) for row in answer.replica_election_results for each in row.partition_result]
        return int(answer.error_code), sorted(rows)

    asked = [("orders", [0, 77]), ("nope", [0])]
    return [elect(0, asked), elect(1, asked), elect(9, asked), elect(0, None), elect(1, None)]


def deletions(kafka):
    seen = []
    for names in (["defaults"], ["nope"], ["hand", "hand"]):
        topics = [{"name": name, "topic_id": None} for name in names]
        answer = kafka.ask("DeleteTopics", 6, topics=topics, timeout=10_000)
        seen.append([(row.name, *said(row)) for row in answer.responses])
    for version in range(1, 6):
        answer = kafka.ask("DeleteTopics", version, topic_names=["nope"], timeout=10_000)
        seen.append([(row.name, int(row.error_code)) for row in answer.responses])
    seen.append(said(kafka.ask("UnregisterBroker", 0, broker_id=9)))
    return seen


def script(bootstrap):
    """Everything, in one order, asked of the first broker: it forwards what it must."""
    with RawClient(bootstrap.split(",")[0]) as kafka:
        return {
            "creations": creations(kafka),
            "growths": growths(kafka),
            "edits": edits(kafka),
            **{f"descriptions {version}": descriptions(kafka, version) for version in (1, 2, 3, 4)},
            "elections": elections(kafka),
            "deletions": deletions(kafka),
        }


@pytest.fixture(scope="module")
def both(apache, ours):
    return script(apache), script(ours)


PARTS = ["creations", "growths", "edits", *(f"descriptions {version}" for version in (1, 2, 3, 4)), "elections", "deletions"]


@pytest.mark.parametrize("part", PARTS)
def test_both_answer_the_same(both, part):
    theirs, mine = both
    assert mine[part] == theirs[part]
