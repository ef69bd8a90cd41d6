"""Configs: which value counts, where it comes from, and what is refused, in Kafka's words."""

import pytest

from engine.metadata import configs
from engine.metadata.config_entries import broker_entries, cluster_entries, group_entries, topic_entries
from engine.metadata.configs import Config, topic_config
from engine.metadata.image import MetadataImage
from engine.protocol.errors import InvalidConfig
from engine.protocol.stored.metadata import ConfigRecord


def image_with(*settings):
    image = MetadataImage()
    for kind, resource, name, value in settings:
        image.replay(ConfigRecord(resource_type=kind, resource_name=resource, name=name, value=value))
    return image


def test_every_default_is_a_value_of_its_kind():
    for setting in configs.CONFIGS.values():
        if setting.default is not None:
            text = configs.as_text(setting.default)
            assert configs.as_text(setting.read(text)) == text, setting.name


def test_the_profile_demo_differs_in_what_it_says_and_nothing_else():
    kafka, demo = Config(), Config(profile="demo")
    assert kafka["broker.session.timeout.ms"] == 9000
    assert demo["broker.session.timeout.ms"] == 800
    assert {name for name in configs.BROKER_CONFIGS if kafka[name] != demo[name]} == set(configs.demo_values())


def test_what_counts_is_the_broker_then_the_cluster_then_the_start_then_kafka():
    config = Config({"node.id": "1", "num.io.threads": "5"})
    assert config["num.io.threads"] == 5
    image = image_with((4, "", "num.io.threads", "6"), (4, "1", "num.io.threads", "7"), (4, "2", "num.io.threads", "8"))
    assert config.follow(image) == {"num.io.threads"}
    assert config["num.io.threads"] == 7
    assert [(s.value, s.source) for s in config.synonyms("num.io.threads")] == [("7", 2), ("6", 3), ("5", 4), ("8", 5)]
    assert config.follow(image) == set()
    image.replay(ConfigRecord(resource_type=4, resource_name="1", name="num.io.threads", value=None))
    assert config.follow(image) == {"num.io.threads"}
    assert config["num.io.threads"] == 6


def test_a_topic_takes_what_it_has_not_from_its_broker():
    config = Config({"node.id": "1", "log.roll.hours": "2"})
    image = image_with((2, "orders", "retention.ms", "5"), (4, "", "message.max.bytes", "2000000"))
    config.follow(image)
    merged = topic_config(image, config, "orders")
    assert merged["retention.ms"] == 5
    assert merged["segment.ms"] == 2 * 3_600_000
    assert merged["max.message.bytes"] == 2_000_000
    assert merged["cleanup.policy"] == ("delete",)
    assert merged["flush.ms"] == 2**63 - 1
    assert merged["min.insync.replicas"] == 1


def test_topic_entries_say_where_a_value_comes_from_as_kafka_does():
    config = Config({"node.id": "1"})
    config.follow(image_with((4, "", "log.retention.ms", "777777"), (4, "1", "log.segment.bytes", "7777777")))
    entries = {entry.name: entry for entry in topic_entries({"segment.ms": "5"}, config)}
    assert len(entries) == 33

    def seen(name):
        entry = entries[name]
        return entry.value, entry.source, [(s.name, s.value, s.source) for s in entry.synonyms], entry.wire_type

    # These lines are Apache Kafka 4.3.1's own answers.
    assert seen("segment.ms") == ("5", 1, [("segment.ms", "5", 1)], 5)
    assert seen("flush.ms") == ("9223372036854775807", 5, [], 5)
    assert seen("retention.ms") == ("777777", 3, [("log.retention.ms", "777777", 3), ("log.retention.hours", "168", 5)], 5)
    assert seen("segment.bytes") == ("7777777", 2, [("log.segment.bytes", "7777777", 2), ("log.segment.bytes", "1073741824", 5)], 3)
    assert seen("leader.replication.throttled.replicas") == ("", 5, [], 7)
    assert seen("cleanup.policy") == ("delete", 5, [("log.cleanup.policy", "delete", 5)], 7)


def test_broker_entries_hide_secrets_and_what_nobody_knows():
    config = Config({"node.id": "1", "ssl.key.password": "geheim"})
    config.follow(image_with((4, "", "foo.bar", "x")))
    entries = {entry.name: entry for entry in broker_entries(config)}
    assert len(entries) == 341  # Kafka's 340 and foo.bar
    assert entries["ssl.key.password"].value is None and entries["ssl.key.password"].sensitive
    assert entries["foo.bar"].value is None and entries["foo.bar"].read_only and entries["foo.bar"].wire_type == 0
    assert entries["log.retention.hours"].value == "168" and entries["log.retention.hours"].read_only
    assert not entries["num.io.threads"].read_only
    assert [entry.name for entry in cluster_entries(config)] == ["foo.bar"]
    assert [entry.name for entry in broker_entries(config, ["node.id", "nope"])] == ["node.id"]


def test_group_entries_name_the_broker_config_behind():
    entries = {entry.name: entry for entry in group_entries({}, Config())}
    assert len(entries) == 17
    assert [(s.name, s.source) for s in entries["consumer.session.timeout.ms"].synonyms] == [("group.consumer.session.timeout.ms", 5)]
    assert [(s.name, s.source) for s in entries["share.auto.offset.reset"].synonyms] == [("share.auto.offset.reset", 5)]


# Apache Kafka 4.3.1's own messages.
REFUSED = [
    ({"nope": "1"}, "Unknown topic config name: nope"),
    ({"retention.ms": "x"}, "Invalid value x for configuration retention.ms: Not a number of type LONG"),
    ({"retention.ms": "-5"}, "Invalid value -5 for configuration retention.ms: Value must be at least -1"),
    ({"cleanup.policy": "foo"}, "Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete"),
    ({"min.insync.replicas": "0"}, "Invalid value 0 for configuration min.insync.replicas: Value must be at least 1"),
    (
        {"unclean.leader.election.enable": "foo"},
        "Invalid value foo for configuration unclean.leader.election.enable: Expected value to be either true or false",
    ),
    (
        {"min.cleanable.dirty.ratio": "2"},
        "Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1",
    ),
    (
        {"compression.gzip.level": "0"},
        "Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1",
    ),
    (
        {"min.compaction.lag.ms": "10", "max.compaction.lag.ms": "5"},
        "conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)",
    ),
    (
        {"leader.replication.throttled.replicas": "x"},
        "Invalid value [x] for configuration leader.replication.throttled.replicas: leader.replication.throttled.replicas must be the "
        "literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
    ),
    (
        {"remote.storage.enable": "true"},
        "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.",
    ),
    ({"segment.bytes": "99999999999"}, "Invalid value 99999999999 for configuration segment.bytes: Not a number of type INT"),
]


@pytest.mark.parametrize(("values", "message"), REFUSED, ids=lambda value: next(iter(value)) if isinstance(value, dict) else "")
def test_bad_topic_configs_are_refused_in_kafkas_words(values, message):
    with pytest.raises(InvalidConfig) as refused:
        configs.validate_topic(values, Config())
    assert refused.value.message == message


@pytest.mark.parametrize(
    "values",
    [
        {"cleanup.policy": "compact,compact"},
        {"cleanup.policy": ""},
        {"segment.bytes": " 2000000 "},
        {"follower.replication.throttled.replicas": "0:1,1:2"},
        {"follower.replication.throttled.replicas": "*"},
        {"retention.bytes": "-2"},
        {"compression.gzip.level": "-1"},
    ],
    ids=str,
)
def test_odd_topic_configs_that_kafka_takes(values):
    configs.validate_topic(values, Config())


def test_a_group_stays_within_what_the_broker_allows():
    with pytest.raises(InvalidConfig, match="consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms"):
        configs.validate_group({"consumer.session.timeout.ms": "1"}, Config())
    configs.validate_group({"consumer.session.timeout.ms": "50000"}, Config())


def test_a_broker_does_not_start_with_a_bad_value():
    with pytest.raises(InvalidConfig, match="Invalid value x for configuration num.io.threads: Not a number of type INT"):
        Config({"num.io.threads": "x"})
