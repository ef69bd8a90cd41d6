"""What a cluster remembers of itself."""

import json
import uuid

import pytest

from engine.cluster.spec import ClusterSpec, load, new_cluster_id, save
from engine.storage.checkpoints import WrongFolder
from engine.world.memory_disk import MemoryDisk


def test_it_reads_what_it_wrote():
    disk, spec = MemoryDisk(lambda: 0), ClusterSpec(cluster_id="c")
    for number in range(4):
        spec.add("abcd"[number], 9092 + number, voter=number < 3)
    save(disk, "data", spec)
    assert load(disk, "data") == spec
    assert spec.voters == [1, 2, 3] and spec.next_id == 5
    assert load(disk, "elsewhere") is None


def test_a_folder_of_a_newer_version_is_refused():
    disk = MemoryDisk(lambda: 0)
    save(disk, "data", ClusterSpec(cluster_id="c"))
    values = json.loads(disk.read_whole("data/cluster.json")) | {"version": 2}
    disk.replace("data/cluster.json", json.dumps(values).encode())
    with pytest.raises(WrongFolder, match="has version 2; this one knows version 1"):
        load(disk, "data")


def test_a_single_broker_may_have_its_internal_topics():
    spec = ClusterSpec(cluster_id="c")
    spec.add(None, 9092, voter=True)
    told = spec.node_spec(1, folder="data/node-1", profile="kafka", config={"num.partitions": "4"})
    assert told.config["offsets.topic.replication.factor"] == "1" and told.config["num.partitions"] == "4"
    assert told.voters == {1: ("localhost", 9092)}


def test_cluster_ids_look_like_kafka_s():
    made = new_cluster_id(uuid.UUID(bytes=b"\xf8" * 16))
    assert len(made) == 22 and not made.startswith("-")
