"""Kafka's small text files, byte for byte, and what is said about broken ones."""

import uuid

import pytest

from engine.storage import checkpoints
from engine.storage.checkpoints import CheckpointError, WrongFolder
from engine.storage.epoch_history import EpochStart

PATH = "data/some-checkpoint"


def test_offsets(shelf):
    offsets = {("orders", 1): 7, ("orders", 0): 5, ("a.b-c", 10): 0}
    checkpoints.write_offsets(shelf.disk, PATH, offsets)
    assert shelf.disk.read_whole(PATH) == b"0\n3\na.b-c 10 0\norders 0 5\norders 1 7\n"
    assert checkpoints.read_offsets(shelf.disk, PATH) == offsets
    assert checkpoints.read_offsets(shelf.disk, "data/missing") == {}


@pytest.mark.parametrize("data", [b"", b"1\n0\n", b"0\n1\n", b"0\n1\norders x 5\n", b"0\n1\norders 5\n", b"\xff\xfe", b"0\n1\norders 1 7"])
def test_a_broken_checkpoint_is_named(shelf, data):
    shelf.disk.replace(PATH, data)
    with pytest.raises(CheckpointError, match=PATH):
        checkpoints.read_offsets(shelf.disk, PATH)


def test_epochs(shelf):
    checkpoints.write_epochs(shelf.disk, PATH, [EpochStart(0, 0), EpochStart(3, 12)])
    assert shelf.disk.read_whole(PATH) == b"0\n2\n0 0\n3 12\n"
    checkpoints.write_epochs(shelf.disk, PATH, [])
    assert checkpoints.read_epochs(shelf.disk, PATH) == []


def test_topic_id(shelf):
    checkpoints.write_partition_metadata(shelf.disk, PATH, uuid.UUID(int=1))
    assert shelf.disk.read_whole(PATH) == b"version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ"
    assert checkpoints.read_partition_metadata(shelf.disk, PATH) == uuid.UUID(int=1)
    assert checkpoints.read_partition_metadata(shelf.disk, "data/missing") is None


def test_whose_folder(shelf):
    assert checkpoints.read_meta_properties(shelf.disk, "data") is None
    checkpoints.write_meta_properties(shelf.disk, "data", cluster_id="abc", node_id=2, directory_id=uuid.UUID(int=9))
    found = checkpoints.read_meta_properties(shelf.disk, "data")
    checkpoints.check_meta_properties(found, "data", cluster_id="abc", node_id=2)
    for wrong, words in (
        ({"cluster_id": "xyz", "node_id": 2}, "belongs to cluster abc, not to xyz"),
        ({"cluster_id": "abc", "node_id": 3}, "belongs to node 2, not to node 3"),
    ):
        with pytest.raises(WrongFolder, match=words):
            checkpoints.check_meta_properties(found, "data", **wrong)
    with pytest.raises(WrongFolder, match="version 2"):
        checkpoints.check_meta_properties({**found, "version": "2"}, "data", cluster_id="abc", node_id=2)


def test_the_clean_shutdown_marker_is_taken_once(shelf):
    assert checkpoints.take_clean_shutdown(shelf.disk, "data") is None
    checkpoints.write_clean_shutdown(shelf.disk, "data", broker_epoch=7)
    assert checkpoints.take_clean_shutdown(shelf.disk, "data") == 7
    assert checkpoints.take_clean_shutdown(shelf.disk, "data") is None
    shelf.disk.replace(shelf.disk.join("data", checkpoints.CLEAN_SHUTDOWN), b"")
    assert checkpoints.take_clean_shutdown(shelf.disk, "data") == -1
