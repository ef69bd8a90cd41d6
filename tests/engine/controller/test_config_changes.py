"""Dynamic configs: what Apache Kafka 4.3.1 answered to the same requests."""

import pytest

from engine.controller.config_changes import APPEND, DELETE, SET, SUBTRACT, alter, incremental_alter
from engine.controller.feature_changes import begin
from engine.protocol.codec import build
from engine.protocol.stored.metadata import PartitionChangeRecord
from tests.engine.controller.cluster import Cluster

TOPIC, BROKER, GROUP = 2, 4, 32


@pytest.fixture
def cluster():
    made = Cluster()
    made.topic("orders", [1, 2, 3])
    return made


def change(cluster, kind, name, *edits, validate_only=False):
    configs = [{"name": key, "config_operation": operation, "value": value} for key, operation, value in edits]
    resources = [{"resource_type": kind, "resource_name": name, "configs": configs}]
    request = build("IncrementalAlterConfigs", "request", 1, resources=resources, validate_only=validate_only)
    decision = incremental_alter(cluster.view, request, 1)
    cluster.play(decision)
    (row,) = decision.answer.responses
    return row.error_code.name, row.error_message


def replace(cluster, kind, name, **values):
    configs = [{"name": key.replace("_", "."), "value": value} for key, value in values.items()]
    request = build(
        "AlterConfigs", "request", 2, resources=[{"resource_type": kind, "resource_name": name, "configs": configs}], validate_only=False
    )
    decision = alter(cluster.view, request, 2)
    cluster.play(decision)
    (row,) = decision.answer.responses
    return row.error_code.name, row.error_message


def of(cluster, kind, name):
    return cluster.image.configs.get((kind, name), {})


def test_set_and_delete(cluster):
    assert change(cluster, TOPIC, "orders", ("retention.ms", SET, "1000")) == ("none", None)
    assert of(cluster, TOPIC, "orders") == {"retention.ms": "1000"}
    assert change(cluster, TOPIC, "orders", ("retention.ms", SET, "7"), validate_only=True) == ("none", None)
    assert of(cluster, TOPIC, "orders") == {"retention.ms": "1000"}
    assert change(cluster, TOPIC, "orders", ("retention.ms", DELETE, None), ("segment.ms", DELETE, None)) == ("none", None)
    assert of(cluster, TOPIC, "orders") == {}


def test_lists_grow_from_their_default_and_shrink_to_nothing(cluster):
    change(cluster, TOPIC, "orders", ("cleanup.policy", APPEND, "compact"))
    assert of(cluster, TOPIC, "orders") == {"cleanup.policy": "delete,compact"}
    change(cluster, TOPIC, "orders", ("cleanup.policy", SUBTRACT, "delete"))
    change(cluster, TOPIC, "orders", ("cleanup.policy", SUBTRACT, "compact"))
    assert of(cluster, TOPIC, "orders") == {"cleanup.policy": ""}


def test_alter_configs_replaces_everything(cluster):
    change(cluster, TOPIC, "orders", ("retention.ms", SET, "1000"))
    assert replace(cluster, TOPIC, "orders", segment_ms="5") == ("none", None)
    assert of(cluster, TOPIC, "orders") == {"segment.ms": "5"}
    assert replace(cluster, TOPIC, "orders", retention_ms=None) == ("invalid_request", "Null value not supported for : retention.ms")
    assert replace(cluster, TOPIC, "orders", retention_ms="z") == (
        "invalid_config",
        "Invalid value z for configuration retention.ms: Not a number of type LONG",
    )
    assert replace(cluster, BROKER, "1", num_partitions="2")[0] == "invalid_request"


REFUSED = [
    (TOPIC, "nope", ("retention.ms", SET, "1"), "unknown_topic_or_partition", "The topic 'nope' does not exist."),
    (TOPIC, "", ("retention.ms", SET, "1"), "invalid_request", "Default topic resources are not allowed."),
    (TOPIC, "orders", ("nope", SET, "1"), "invalid_config", "Unknown topic config name: nope"),
    (TOPIC, "orders", ("retention.ms", SET, "x"), "invalid_config", "Invalid value x for configuration retention.ms: Not a number of type LONG"),
    (TOPIC, "orders", ("retention.ms", SET, None), "invalid_request", "Null value not supported for : retention.ms"),
    (TOPIC, "orders", ("retention.ms", APPEND, "1"), "invalid_config", "Can't APPEND to key retention.ms because its type is not LIST."),
    (BROKER, "1", ("num.partitions", SET, "3"), "invalid_request", "Cannot update these configs dynamically: [num.partitions]"),
    (BROKER, "", ("log.dirs", SET, "9"), "invalid_request", "Cannot update these configs dynamically: [log.dirs]"),
    (BROKER, "", ("listeners", SET, "x"), "invalid_request",
     "Cannot update these configs at default cluster level, broker id must be specified: [listeners]"),
    (BROKER, "9", ("num.io.threads", SET, "1"), "invalid_request", "Unexpected broker id, expected 1, but received 9"),
    (BROKER, "abc", ("num.io.threads", SET, "1"), "invalid_request", "Node id must be an integer, but it is: abc"),
    (BROKER, "1", ("num.io.threads", SET, "0"), "invalid_request", "Invalid value 0 for configuration num.io.threads: Value must be at least 1"),
    (BROKER, "1", ("min.insync.replicas", SET, "1"), "invalid_config", "Broker-level min.insync.replicas cannot be altered while ELR is enabled."),
    (BROKER, "", ("min.insync.replicas", SET, "0"), "invalid_request",
     "Invalid value 0 for configuration min.insync.replicas: Value must be at least 1"),
    (GROUP, "g", ("foo", SET, "1"), "invalid_config", "Unknown group config name: foo"),
    (GROUP, "g", ("consumer.session.timeout.ms", SET, "1"), "invalid_config",
     "consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms"),
    (77, "x", ("foo", SET, "1"), "invalid_request", "Unknown resource type 77"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "edit", "code", "message"), REFUSED, ids=[row[4][:50] for row in REFUSED])
def test_refused_in_kafkas_words(cluster, kind, name, edit, code, message):
    assert change(cluster, kind, name, edit) == (code, message)


def test_names_twice(cluster):
    edits = (("retention.ms", SET, "1"), ("retention.ms", SET, "2"))
    assert change(cluster, TOPIC, "orders", *edits) == ("invalid_request", "Error due to duplicate config keys")


def test_brokers_alone_and_all_together(cluster):
    assert change(cluster, BROKER, "1", ("num.io.threads", SET, "7")) == ("none", None)
    assert change(cluster, BROKER, "", ("message.max.bytes", SET, "2000000"), ("foo.bar", SET, "x")) == ("none", None)
    cluster.config.follow(cluster.image)
    assert (cluster.config["num.io.threads"], cluster.config["message.max.bytes"]) == (7, 2_000_000)


def test_a_new_cluster_agrees_on_min_isr_and_keeps_it():
    cluster = Cluster(elr=False)
    cluster.play(begin(cluster.view))
    assert cluster.image.features == {"metadata.version": 30, "eligible.leader.replicas.version": 1}
    assert of(cluster, BROKER, "") == {"min.insync.replicas": "1"}
    assert begin(cluster.view).records == []
    assert change(cluster, BROKER, "", ("min.insync.replicas", DELETE, None)) == (
        "invalid_config",
        "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.",
    )
    replace(cluster, BROKER, "", num_io_threads="3")
    assert of(cluster, BROKER, "")["min.insync.replicas"] == "1"


def test_another_min_isr_forgets_who_was_eligible(cluster):
    topic_id = cluster.image.topics["orders"].id
    cluster.play([PartitionChangeRecord(partition_id=0, topic_id=topic_id, isr=(1,), eligible_leader_replicas=(2,))])
    assert cluster.line("orders") == "leader=1@0 isr=[1] elr=[2]"
    change(cluster, TOPIC, "orders", ("min.insync.replicas", SET, "2"))
    assert cluster.line("orders") == "leader=1@0 isr=[1]"
