"""Records of the metadata log that Apache Kafka 4.3.1 wrote itself, read and written back byte for byte."""

import struct
from pathlib import Path

import pytest

from engine.protocol.stored import metadata as stored
from engine.protocol.stored.schema import Malformed

# Batches 0, 1, 10, 13, 16, 21 and 34 of a __cluster_metadata-0 of Apache Kafka 4.3.1 (three nodes, one topic), one a paragraph.
BATCHES = [bytes.fromhex(part) for part in Path(__file__).with_name("kafka_4_3_metadata.hex").read_text().split("\n\n") if part.strip()]


def varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), position


def values(batch: bytes) -> list[bytes]:
    """The record values of a batch, by a reader of this test's own."""
    count, position = struct.unpack_from(">i", batch, 57)[0], 61
    found = []
    for _ in range(count):
        length, position = varint(batch, position)
        end = position + length
        position += 1
        for _ in range(2):
            _, position = varint(batch, position)
        key, position = varint(batch, position)
        length, position = varint(batch, position + max(key, 0))
        found.append(batch[position : position + length])
        position = end
    return found


VALUES = [value for batch in BATCHES[1:] for value in values(batch)]


def test_kafkas_bootstrap_records():
    records = [stored.decode(value) for value in values(BATCHES[1])]
    assert records[0] == stored.BeginTransactionRecord(name="Bootstrap records")
    assert [(r.name, r.feature_level) for r in records[1:7]] == [
        ("metadata.version", 30),
        ("eligible.leader.replicas.version", 1),
        ("group.version", 1),
        ("share.version", 1),
        ("streams.version", 1),
        ("transaction.version", 2),
    ]
    assert records[7] == stored.ConfigRecord(resource_type=stored.RESOURCE_BROKER, resource_name="", name="min.insync.replicas", value="1")
    assert records[8] == stored.EndTransactionRecord()


def test_kafkas_registration_of_a_broker():
    (record,) = [stored.decode(value) for value in values(BATCHES[2])]
    assert (record.broker_id, record.broker_epoch, record.rack, record.fenced) == (1, 10, "r1", True)
    assert record.end_points == (stored.Endpoint(name="PLAINTEXT", host="127.0.0.1", port=45792),)
    assert len(record.log_dirs) == 1


def test_kafkas_partitions():
    topic, config, *partitions = [stored.decode(value) for value in values(BATCHES[6])]
    assert (topic.name, config.value) == ("demo", "60000")
    assert [(p.partition_id, p.leader, p.replicas, p.isr) for p in partitions] == [
        (0, 2, (2, 3, 1), (2, 3, 1)),
        (1, 3, (3, 1, 2), (3, 1, 2)),
        (2, 1, (1, 2, 3), (1, 2, 3)),
    ]
    assert {p.topic_id for p in partitions} == {topic.topic_id} and len(partitions[0].directories) == 3


@pytest.mark.parametrize("value", VALUES, ids=[type(stored.decode(value)).__name__ for value in VALUES])
def test_written_back_byte_for_byte(value):
    assert stored.encode(stored.decode(value), version=value[2]) == value


@pytest.mark.parametrize("value", VALUES[:12], ids=[type(stored.decode(value)).__name__ for value in VALUES[:12]])
def test_a_cut_record_is_malformed(value):
    for size in range(len(value)):
        with pytest.raises(Malformed):
            stored.decode(value[:size])


def test_a_record_that_kafka_does_not_know_is_malformed():
    with pytest.raises(Malformed, match="api key 99"):
        stored.decode(bytes([1, 99, 0]))
    with pytest.raises(Malformed, match="frame version 2"):
        stored.decode(bytes([2, 1, 0]))
