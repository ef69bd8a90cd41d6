"""CreateTopics, CreatePartitions, DeleteTopics: what Apache Kafka 4.3.1 answered to the same requests."""

import time
import uuid

import pytest

from engine.controller.topics import create_partitions, create_topics, delete_topics
from engine.protocol.codec import build
from engine.protocol.errors import TopicDeletionDisabled
from tests.engine.controller.cluster import Cluster


def topic(name, partitions=-1, replication_factor=-1, assign=None, configs=()):
    return {
        "name": name,
        "num_partitions": partitions,
        "replication_factor": replication_factor,
        "assignments": [{"partition_index": index, "broker_ids": brokers} for index, brokers in assign or ()],
        "configs": [{"name": key, "value": value} for key, value in configs],
    }


def create(cluster, *topics, version=7, validate_only=False):
    request = build("CreateTopics", "request", version, topics=topics, timeout=1000, validate_only=validate_only)
    decision = create_topics(cluster.view, request, version, cluster.chance)
    cluster.play(decision)
    return decision


def outcome(decision):
    return [(row.name, row.error_code.name, row.error_message) for row in decision.answer.topics]


def test_a_topic_comes_with_its_partitions_and_configs():
    cluster = Cluster(racks=["a", "b", "c"])
    decision = create(cluster, topic("orders", 6, 3, configs=[("retention.ms", "1000")]))
    (row,) = decision.answer.topics
    assert (row.error_code.name, row.num_partitions, row.replication_factor) == ("none", 6, 3)
    assert row.topic_id == cluster.image.topics["orders"].id
    assert len(row.configs) == 33
    assert {each.name: (each.value, each.config_source) for each in row.configs}["retention.ms"] == ("1000", 1)
    assert cluster.image.configs[2, "orders"] == {"retention.ms": "1000"}
    assert sorted(cluster.image.topics["orders"].partitions) == list(range(6))
    for partition in cluster.image.topics["orders"].partitions.values():
        assert partition.leader == partition.replicas[0] and partition.isr == partition.replicas
        assert partition.leader_epoch == partition.partition_epoch == 0
    fact = decision.tellings[0].fact
    assert (fact.topic, len(fact.partitions), fact.topic_configs) == ("orders", 6, {"retention.ms": "1000"})


def test_defaults_are_the_brokers():
    cluster = Cluster(config={"num.partitions": "4", "default.replication.factor": "2"})
    create(cluster, topic("orders"))
    assert len(cluster.image.topics["orders"].partitions) == 4
    assert len(cluster.image.partition("orders", 0).replicas) == 2


def test_a_topic_that_is_made_again_is_another():
    cluster = Cluster()
    create(cluster, topic("orders", 1, 1, configs=[("retention.ms", "1000")]))
    first = cluster.image.topics["orders"].id
    delete(cluster, ("orders", None))
    create(cluster, topic("orders", 1, 1))
    assert cluster.image.topics["orders"].id != first
    assert (2, "orders") not in cluster.image.configs


def test_validate_only_changes_nothing():
    cluster = Cluster()
    decision = create(cluster, topic("orders", 2, 3), validate_only=True)
    assert outcome(decision) == [("orders", "none", None)]
    assert decision.records == decision.tellings == []
    assert decision.answer.topics[0].num_partitions == 2


def test_names_twice_in_one_request_are_refused_together():
    decision = create(Cluster(), topic("a", 1, 1), topic("a", 1, 1), topic("b", 1, 1))
    assert outcome(decision) == [("b", "none", None), ("a", "invalid_request", "Duplicate topic name.")]


def test_replicas_on_fenced_brokers_are_not_in_sync():
    cluster = Cluster(fenced=[3])
    create(cluster, topic("orders", 1, 3), topic("mine", assign=[(0, [3, 1])]), topic("none", assign=[(0, [3])]))
    assert 3 not in cluster.image.partition("orders", 0).isr
    assert cluster.line("mine") == "leader=1@0 isr=[1]"
    assert "none" not in cluster.image.topics


NAME = "Topic name is invalid: "
LONG = "x" * 250
REFUSED = [
    (topic("new", 1, 4), "invalid_replication_factor", "Unable to replicate the partition 4 time(s): The target replication factor of 4 "
     "cannot be reached because only 3 broker(s) are registered or some brokers have all their log directories cordoned."),
    (topic("new", 1, 0), "invalid_replication_factor", "Replication factor must be larger than 0, or -1 to use the default value."),
    (topic("new", 0, 1), "invalid_partitions", "Number of partitions was set to an invalid non-positive value."),
    (topic("new", 10_001, 1), "policy_violation", "Excessively large number of partitions per request."),
    (topic("there.is", 1, 1), "topic_already_exists", "Topic 'there.is' already exists."),
    (topic("there_is", 1, 1), "invalid_topic_exception", "Topic 'there_is' collides with existing topic: there.is"),
    (topic("a b", 1, 1), "invalid_topic_exception", NAME + "'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"),
    (topic("ü", 1, 1), "invalid_topic_exception", NAME + "'ü' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"),
    (topic(".", 1, 1), "invalid_topic_exception", NAME + "'.' is not allowed"),
    (topic("", 1, 1), "invalid_topic_exception", NAME + "the empty string is not allowed"),
    (topic(LONG, 1, 1), "invalid_topic_exception", NAME + f"the length of '{LONG}' is longer than the max allowed length 249"),
    (topic("__cluster_metadata", 1, 1), "invalid_request", "Creation of internal topic __cluster_metadata is prohibited."),
    (topic("new", 1, 1, configs=[("nope", "1")]), "invalid_config", "Unknown topic config name: nope"),
    (topic("new", 1, 1, configs=[("retention.ms", None)]), "invalid_config", "Null value not supported for topic configs: retention.ms"),
    (topic("new", assign=[(0, [2, 1]), (1, [3])]), "invalid_replica_assignment", "The manual partition assignment includes a partition with "
     "1 replica(s), but this is not consistent with previous partitions, which have 2 replica(s)."),
    (topic("new", assign=[(0, [2, 9])]), "invalid_replica_assignment", "The manual partition assignment includes broker 9, but no such broker is registered."),
    (topic("new", assign=[(0, [2, 2])]), "invalid_replica_assignment", "The manual partition assignment includes the broker 2 more than once."),
    (topic("new", assign=[(0, [])]), "invalid_replica_assignment", "The manual partition assignment includes an empty replica list."),
    (topic("new", assign=[(0, [1]), (2, [2])]), "invalid_replica_assignment", "partitions should be a consecutive 0-based integer sequence"),
    (topic("new", assign=[(0, [1]), (0, [2])]), "invalid_replica_assignment", "Found multiple manual partition assignments for partition 0"),
    (topic("new", replication_factor=2, assign=[(0, [1])]), "invalid_request", "A manual partition assignment was specified, but replication factor was not set to -1."),
    (topic("new", partitions=2, assign=[(0, [1])]), "invalid_request", "A manual partition assignment was specified, but numPartitions was not set to -1."),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "code", "message"), REFUSED, ids=[row[2][:40] for row in REFUSED])
def test_refused_in_kafkas_words(asked, code, message):
    cluster = Cluster()
    cluster.topic("there.is", [1, 2])
    decision = create(cluster, asked)
    assert outcome(decision) == [(asked["name"], code, message)]
    assert decision.records == []


@pytest.mark.parametrize("version", range(2, 8))
def test_every_version_is_answered(version):
    assert [row.error_code.name for row in create(Cluster(), topic("a", 1, 1), version=version).answer.topics] == ["none"]


# ---- CreatePartitions


def grow(cluster, *topics, validate_only=False):
    rows = [
        {"name": name, "count": count, "assignments": None if assign is None else [{"broker_ids": brokers} for brokers in assign]}
        for name, count, assign in topics
    ]
    request = build("CreatePartitions", "request", 3, topics=rows, timeout=1000, validate_only=validate_only)
    decision = create_partitions(cluster.view, request, 3, cluster.chance)
    cluster.play(decision)
    return [(row.name, row.error_code.name, row.error_message) for row in decision.answer.results]


def test_topics_grow():
    cluster = Cluster()
    cluster.topic("orders", [1, 2, 3])
    assert grow(cluster, ("orders", 3, None)) == [("orders", "none", None)]
    assert len(cluster.image.topics["orders"].partitions) == 3
    assert grow(cluster, ("orders", 4, [[3, 1, 2]])) == [("orders", "none", None)]
    assert cluster.image.partition("orders", 3).replicas == (3, 1, 2)
    assert grow(cluster, ("orders", 9, None), validate_only=True) == [("orders", "none", None)]
    assert len(cluster.image.topics["orders"].partitions) == 4


@pytest.mark.parametrize(
    ("count", "assign", "code", "message"),
    [
        (2, None, "invalid_partitions", "Topic already has 2 partition(s)."),
        (1, None, "invalid_partitions", "The topic orders currently has 2 partition(s); 1 would not be an increase."),
        (4, [[1, 2]], "invalid_replica_assignment", "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified."),
        (3, [[1, 9]], "invalid_replica_assignment", "The manual partition assignment includes broker 9, but no such broker is registered."),
        (3, [[1]], "invalid_replica_assignment", "The manual partition assignment includes a partition with 1 replica(s), but this is not "
         "consistent with previous partitions, which have 2 replica(s)."),
    ],
)  # fmt: skip
def test_growth_that_is_refused(count, assign, code, message):
    cluster = Cluster()
    cluster.topic("orders", [1, 2], [2, 1])
    assert grow(cluster, ("orders", count, assign)) == [("orders", code, message)]


def test_growth_of_nothing_and_twice():
    cluster = Cluster()
    cluster.topic("orders", [1, 2])
    assert grow(cluster, ("zz", 3, None)) == [("zz", "unknown_topic_or_partition", None)]
    assert grow(cluster, ("orders", 3, None), ("orders", 4, None)) == [("orders", "invalid_request", "Duplicate topic name.")]


# ---- DeleteTopics


def delete(cluster, *topics, version=6):
    if version >= 6:
        request = build("DeleteTopics", "request", version, topics=[{"name": name, "topic_id": topic_id} for name, topic_id in topics])
    else:
        request = build("DeleteTopics", "request", version, topic_names=[name for name, _ in topics])
    decision = delete_topics(cluster.view, request, version)
    cluster.play(decision)
    return [(row.name, row.error_code.name, row.error_message) for row in decision.answer.responses]


def test_topics_go_by_name_and_by_id():
    cluster = Cluster()
    cluster.topic("a", [1])
    b = cluster.topic("b", [1])
    assert delete(cluster, ("a", None), (None, b)) == [("a", "none", None), ("b", "none", None)]
    assert cluster.image.topics == {}


def test_a_topic_that_is_named_by_name_and_by_id_is_not_deleted():
    """One removal record is replayed; a second one would name a topic that is not there any more."""
    cluster = Cluster()
    a = cluster.topic("a", [1])
    words = "The provided topic name maps to an ID that was already supplied."
    assert delete(cluster, (None, a), ("a", None)) == [("a", "invalid_request", words)]
    assert "a" in cluster.image.topics


def test_what_cannot_be_deleted():
    cluster = Cluster()
    cluster.topic("a", [1])
    assert delete(cluster, ("zz", None), (None, uuid.UUID(int=5)), (None, None), ("a", uuid.UUID(int=6))) == [
        ("zz", "unknown_topic_or_partition", "This server does not host this topic-partition."),
        (None, "unknown_topic_id", "This server does not host this topic ID."),
        (None, "invalid_request", "Neither topic name nor id were specified."),
        ("a", "invalid_request", "You may not specify both topic name and topic id."),
    ]
    assert delete(cluster, ("a", None), ("a", None)) == [("a", "invalid_request", "Duplicate topic name.")]
    assert delete(cluster, ("a", None), version=1) == [("a", "none", None)]


def test_deletion_can_be_switched_off():
    with pytest.raises(TopicDeletionDisabled):
        delete(Cluster(config={"delete.topic.enable": "false"}), ("a", None))


def test_many_topics_at_once_take_little_time():
    cluster = Cluster(racks=["a", "b", "c"])
    began = time.perf_counter()
    create(cluster, *(topic(f"t-{number}", 6, 3) for number in range(20)))
    assert len(cluster.image.topics) == 20
    assert time.perf_counter() - began < 0.5  # some 20 ms; the limit only catches a wrong order of growth
