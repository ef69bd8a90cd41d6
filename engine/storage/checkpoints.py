"""Kafka's small text files: what is recovered, replicated and begun, which epochs, whose folder, which topic.

Numbered checkpoints (version line, count line, one entry a line) and `key=value` files. A torn or foreign file raises
CheckpointError with the file's name; recovery decides what that means.
"""

import base64
import json
import uuid
from collections.abc import Iterable
from functools import partial

from engine.storage.epoch_history import EpochStart
from engine.world.disk import Disk

RECOVERY_POINTS = "recovery-point-offset-checkpoint"
HIGH_WATERMARKS = "replication-offset-checkpoint"
LOG_START_OFFSETS = "log-start-offset-checkpoint"
LEADER_EPOCHS = "leader-epoch-checkpoint"
PARTITION_METADATA = "partition.metadata"
META_PROPERTIES = "meta.properties"
CLEAN_SHUTDOWN = ".kafka_cleanshutdown"

TopicPartition = tuple[str, int]


class CheckpointError(ValueError):
    """A file that we cannot trust; the message names it."""


class WrongFolder(CheckpointError):
    """The data folder belongs to another cluster or node, or to a newer version."""


# ---- numbered checkpoints


def encode_lines(lines: Iterable[str]) -> bytes:
    """Version 0, the count, the entries."""
    entries = list(lines)
    return "".join(f"{line}\n" for line in ("0", str(len(entries)), *entries)).encode()


def decode_lines(data: bytes, path: str) -> list[list[str]]:
    """The entries' words. Raises CheckpointError."""
    try:
        version, count, *entries = data.decode().splitlines()
        if int(version) != 0 or int(count) != len(entries) or not data.endswith(b"\n"):  # "12 70" may have been torn to "12 7"
            raise ValueError
    except ValueError:
        raise CheckpointError(f"{path} is not a checkpoint file of version 0") from None
    return [entry.split() for entry in entries]


def write_offsets(disk: Disk, path: str, offsets: dict[TopicPartition, int], *, durable: bool = True) -> None:
    """topic partition offset, in order. Not `durable`: a power cut may leave an earlier file, or a torn one, which is none."""
    replace = disk.replace if durable else partial(_replace_unsynced, disk)
    replace(path, encode_lines(f"{topic} {partition} {offset}" for (topic, partition), offset in sorted(offsets.items())))


def read_offsets(disk: Disk, path: str) -> dict[TopicPartition, int]:
    """Empty when the file is missing. Raises CheckpointError."""
    if not disk.exists(path):
        return {}
    try:
        return {(topic, int(index)): int(offset) for topic, index, offset in decode_lines(disk.read_whole(path), path)}
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from error


def write_epochs(disk: Disk, path: str, entries: Iterable[EpochStart]) -> None:
    """Not synced: it is written whenever leaders move, and recovery reads the epochs from the batches after a power cut."""
    _replace_unsynced(disk, path, encode_lines(f"{epoch} {start}" for epoch, start in entries))


def read_epochs(disk: Disk, path: str) -> list[EpochStart]:
    """Empty when the file is missing. Raises CheckpointError."""
    if not disk.exists(path):
        return []
    try:
        return [EpochStart(int(epoch), int(start)) for epoch, start in decode_lines(disk.read_whole(path), path)]
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{path}: {error}") from error


def _replace_unsynced(disk: Disk, path: str, data: bytes) -> None:
    """All or nothing when the process dies; a power cut may take it. Creating 100 partitions must not wait 100 times."""
    beside = path + ".tmp"
    file = disk.open(beside)
    file.truncate(0)
    file.append(data)
    file.close()
    disk.rename(beside, path)


# ---- key=value files


def encode_uuid(value: uuid.UUID) -> str:
    """Kafka's way to write an id: base64 for addresses, without padding."""
    return base64.urlsafe_b64encode(value.bytes).decode().rstrip("=")


def decode_uuid(text: str) -> uuid.UUID:
    """Raises ValueError."""
    return uuid.UUID(bytes=base64.urlsafe_b64decode(text + "=="))


def write_partition_metadata(disk: Disk, path: str, topic_id: uuid.UUID) -> None:
    """Says which topic of this name the folder holds. Not synced: the cluster's metadata knows it after a power cut."""
    _replace_unsynced(disk, path, f"version: 0\ntopic_id: {encode_uuid(topic_id)}".encode())


def read_partition_metadata(disk: Disk, path: str) -> uuid.UUID | None:
    """The topic id; None when the file is missing. Raises CheckpointError."""
    if not disk.exists(path):
        return None
    values = dict(line.split(": ", 1) for line in disk.read_whole(path).decode().splitlines() if ": " in line)
    try:
        if values["version"] != "0":
            raise CheckpointError(f"{path} has version {values['version']}")
        return decode_uuid(values["topic_id"])
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{path}: {error}") from error


def write_meta_properties(disk: Disk, folder: str, *, cluster_id: str, node_id: int, directory_id: uuid.UUID) -> None:
    """Says whose folder this is, as kafka-storage's `format` does."""
    text = f"version=1\ncluster.id={cluster_id}\nnode.id={node_id}\ndirectory.id={encode_uuid(directory_id)}\n"
    disk.replace(disk.join(folder, META_PROPERTIES), ("#\n" + text).encode())


def read_meta_properties(disk: Disk, folder: str) -> dict[str, str] | None:
    """None when the folder is new."""
    path = disk.join(folder, META_PROPERTIES)
    if not disk.exists(path):
        return None
    lines = disk.read_whole(path).decode().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def check_meta_properties(properties: dict[str, str], folder: str, *, cluster_id: str, node_id: int) -> None:
    """Raises WrongFolder with what was found and what was expected."""
    version = properties.get("version")
    if version != "1":
        raise WrongFolder(f"{folder}: {META_PROPERTIES} has version {version}; this one knows version 1")
    if properties.get("cluster.id") != cluster_id:
        raise WrongFolder(f"{folder} belongs to cluster {properties.get('cluster.id')}, not to {cluster_id}")
    if properties.get("node.id") != str(node_id):
        raise WrongFolder(f"{folder} belongs to node {properties.get('node.id')}, not to node {node_id}")


# ---- the clean-shutdown marker


def take_clean_shutdown(disk: Disk, folder: str) -> int | None:
    """The broker's epoch of before a clean stop, -1 if it had none; None when the last stop was not clean.

    The marker is gone afterwards, so that a kill from now on is seen.
    """
    path = disk.join(folder, CLEAN_SHUTDOWN)
    if not disk.exists(path):
        return None
    data = disk.read_whole(path)
    disk.remove(path)
    try:
        return int(json.loads(data)["brokerEpoch"])
    except (ValueError, KeyError, TypeError):
        return -1  # an older version's, or an empty one: clean all the same, as in Kafka


def write_clean_shutdown(disk: Disk, folder: str, *, broker_epoch: int = -1) -> None:
    """All logs were closed. The broker's epoch rides along for the controller (KIP-966)."""
    disk.replace(disk.join(folder, CLEAN_SHUTDOWN), f'{{"version":0,"brokerEpoch":{broker_epoch}}}'.encode())
