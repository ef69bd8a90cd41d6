"""No two nodes lead in one epoch: neither the metadata log nor a partition."""

from typing import Any

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import replicas_here
from tests.simulation.record import Record

SENTENCE = "an epoch has one leader"
METADATA = "the metadata log"


def look(record: Record) -> None:
    """Asks every node what it leads."""
    leaders = record.notes.setdefault("one_leader_per_epoch", {})
    for number, node in sorted(record.universe.nodes.items()):
        if node.raft is not None and node.raft.is_leader:
            _note(leaders, (METADATA, node.raft.epoch), number)
    for number, _, replica in replicas_here(record):
        if replica.is_leader:
            _note(leaders, (f"{replica.topic}-{replica.index} of {replica.topic_id}", replica.leader_epoch), number)


def check(record: Record) -> None:
    """Reads what controllers told; a topic that is created anew begins with epoch 0 again."""
    leaders = record.notes.setdefault("one_leader_per_epoch", {})
    told: dict[tuple[str, int, int], int] = {}
    for fact in record.universe.facts:
        if fact["kind"] == "ControllerElected":
            _note(leaders, (METADATA, fact["epoch"]), fact["leader"])
        elif fact["kind"] in ("TopicCreated", "TopicDeleted"):  # a controller that ends at once tells only one of them
            told = {key: leader for key, leader in told.items() if key[0] != fact["topic"]}
        elif fact["kind"] == "LeaderElected":
            _note(told, (fact["topic"], fact["partition"], fact["leader_epoch"]), fact["leader"])


def _note(leaders: dict[Any, int], epoch: Any, number: int) -> None:
    other = leaders.setdefault(epoch, number)
    if other != number:
        raise Anomaly("one_leader_per_epoch", SENTENCE, f"{epoch} is led by nodes {other} and {number}")
