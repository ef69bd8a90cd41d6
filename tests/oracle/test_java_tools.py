"""Kafka's own Java tools against our cluster: they work unchanged, and they read our files."""

import json
import subprocess

import pytest

from tests.clients.apache_kafka import ROOT, tool

pytestmark = pytest.mark.oracle
TOOL_SECONDS_MAX = 60


@pytest.fixture(scope="module")
def topic(ours):
    """A topic made by Java's tool, with ten keyed records in it."""
    made = tool(
        "kafka-topics", "--bootstrap-server", ours, "--create", "--topic", "java-made", "--partitions", "3", "--replication-factor", "3"
    )
    assert "Created topic java-made." in made
    tool(
        "kafka-console-producer", "--bootstrap-server", ours, "--topic", "java-made", "--reader-property", "parse.key=true",
        "--reader-property", "key.separator=:", feed="".join(f"k{n}:value {n}\n" for n in range(10)),
    )
    return "java-made"


@pytest.fixture(scope="module")
def read(ours, topic):
    """What Java's console consumer reads in group java-readers; it commits and leaves."""
    return tool(
        "kafka-console-consumer", "--bootstrap-server", ours, "--topic", topic, "--from-beginning", "--max-messages", "10",
        "--group", "java-readers", "--timeout-ms", "20000",
    )


def test_console_consumer_reads_what_the_console_producer_wrote(read):
    assert sorted(line for line in read.splitlines() if line.startswith("value")) == [f"value {n}" for n in range(10)]


def test_consumer_groups_describes_offsets_and_lag(ours, read):
    rows = tool("kafka-consumer-groups", "--bootstrap-server", ours, "--describe", "--group", "java-readers")
    numbers = [line.split() for line in rows.splitlines() if line.startswith("java-readers")]
    assert len(numbers) == 3 and sum(int(row[3]) for row in numbers) == 10 and {row[5] for row in numbers} == {"0"}


def test_topics_describe_and_list(ours, topic):
    described = tool("kafka-topics", "--bootstrap-server", ours, "--describe", "--topic", topic)
    assert "PartitionCount: 3\tReplicationFactor: 3" in described and described.count("Leader: ") == 3
    assert topic in tool("kafka-topics", "--bootstrap-server", ours, "--list").splitlines()


def test_get_offsets(ours, topic):
    rows = tool("kafka-get-offsets", "--bootstrap-server", ours, "--topic", topic).splitlines()
    assert sum(int(row.split(":")[2]) for row in rows if row.startswith(topic)) == 10


def test_metadata_quorum(ours):
    status = tool("kafka-metadata-quorum", "--bootstrap-server", ours, "describe", "--status")
    assert "LeaderId:" in status and "CurrentVoters:" in status and "HighWatermark:" in status
    assert "Leader" in tool("kafka-metadata-quorum", "--bootstrap-server", ours, "describe", "--replication")


def test_leader_election(ours, topic):
    words = ("--bootstrap-server", ours, "--election-type", "preferred", "--topic", topic, "--partition", "0")
    said = tool("kafka-leader-election", *words)
    assert "java-made-0" in said or "Successfully completed" in said
    assert "Error" not in tool("kafka-leader-election", "--bootstrap-server", ours, "--election-type", "preferred", "--all-topic-partitions")


def test_configs_describe_and_alter(ours, topic):
    words = ("--bootstrap-server", ours, "--entity-type", "topics", "--entity-name", topic)
    tool("kafka-configs", *words, "--alter", "--add-config", "retention.ms=60000")
    assert "retention.ms=60000" in tool("kafka-configs", *words, "--describe")
    assert "segment.bytes" in tool("kafka-configs", *words, "--describe", "--all")
    assert "log.retention" in tool("kafka-configs", "--bootstrap-server", ours, "--entity-type", "brokers", "--entity-name", "1", "--describe", "--all")


def test_verifiable_producer_and_consumer(ours, topic):
    sent = tool("kafka-verifiable-producer", "--bootstrap-server", ours, "--topic", topic, "--max-messages", "50", "--acks", "-1")
    done = [json.loads(line) for line in sent.splitlines() if line.startswith("{")]
    assert sum(row["name"] == "producer_send_success" for row in done) == 50
    read = tool(
        "kafka-verifiable-consumer", "--bootstrap-server", ours, "--topic", topic, "--group-id", "verifiers", "--max-messages", "50",
        "--reset-policy", "earliest",
    )
    counts = [json.loads(line)["count"] for line in read.splitlines() if '"records_consumed"' in line]
    assert sum(counts) >= 50


def test_our_topics_tool_takes_the_line_that_kafkas_refuses(ours):
    words = ("--bootstrap-server", ours, "--create", "--topic", "topic_name", "--partition", "3", "--replication-factor", "3")
    assert "partition is not a recognized option" in tool("kafka-topics", *words, fails=True)
    done = subprocess.run([str(ROOT / "bin" / "kafka-topics.sh"), *words], capture_output=True, text=True, timeout=TOOL_SECONDS_MAX)
    assert done.returncode == 0 and "Created topic topic_name." in done.stdout and "--partitions" in done.stderr
