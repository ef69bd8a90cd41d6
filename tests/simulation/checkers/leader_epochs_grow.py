"""Leader epochs only grow, and each change of a leader raises its partition's: on every node, in the facts and in the metadata log."""

from engine.metadata.image import MetadataImage
from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import committed_metadata, replicas_here
from tests.simulation.record import Record

SENTENCE = "leader epochs only grow, and each new leader has a newer one"


def look(record: Record) -> None:
    """Compares every replica and every node's quorum epoch with the last look."""
    newest = record.notes.setdefault("leader_epochs_grow", {})
    for number, node in sorted(record.universe.nodes.items()):
        if node.raft is not None:  # its quorum epoch is on its disk, so it grows over restarts too
            _note(newest, ("quorum", number), node.raft.epoch)
    for number, incarnation, replica in replicas_here(record):
        _note(newest, (f"{replica.topic}-{replica.index}", replica.topic_id, number, incarnation), replica.leader_epoch)


def _note(newest: dict, key: tuple, epoch: int) -> None:
    before = newest.get(key, -1)
    newest[key] = epoch
    if epoch < before:
        raise Anomaly("leader_epochs_grow", SENTENCE, f"{key}: {before} -> {epoch}")


def check(record: Record) -> None:
    """Replays the metadata log, and reads each controller's facts."""
    image = MetadataImage()
    leads: dict[tuple, tuple[int, int]] = {}
    for offset, change in committed_metadata(record):
        image.replay(change)
        topic = image.topics.get(image.topic_names.get(getattr(change, "topic_id", None), ""))
        partition = topic.partitions.get(getattr(change, "partition_id", -1)) if topic else None
        if partition is None:
            continue
        key = topic.id, change.partition_id
        leader, epoch = leads.get(key, (partition.leader, -1))
        if partition.leader_epoch < epoch or (partition.leader != leader and partition.leader_epoch == epoch):
            evidence = f"epoch {epoch} of {leader} -> epoch {partition.leader_epoch} of {partition.leader}"
            raise Anomaly("leader_epochs_grow", SENTENCE, f"metadata offset {offset}, {topic.name}-{key[1]}: {evidence}", change)
        leads[key] = partition.leader, partition.leader_epoch
    _read_facts(record)


def _read_facts(record: Record) -> None:
    newest: dict[tuple, int] = {}
    for fact in record.universe.facts:
        if fact["kind"] == "TopicCreated":
            newest = {key: epoch for key, epoch in newest.items() if key[0] != fact["topic"]}
        elif fact["kind"] == "LeaderElected":
            _note(newest, (fact["topic"], fact["partition"], fact["node"]), fact["leader_epoch"])
