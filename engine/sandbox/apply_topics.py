"""The part of the fold that is about topics and partitions. Pure."""

from collections.abc import Callable
from typing import Any

from engine.sandbox.snapshot import new_partition

Part = dict[str, Any]


def _topic(cluster: Part, name: str, change: Callable[[Part], Part]) -> Part:
    return cluster | {"topics": [change(one) if one["name"] == name else one for one in cluster["topics"]]}


def _partition(cluster: Part, fact: Part, changes: Part) -> Part:
    """Changes one partition, unless the fact is older than what is known: two controllers may tell out of order."""

    def change_one(one: Part) -> Part:
        late = changes.get("partition_epoch", one["partition_epoch"]) < one["partition_epoch"]
        return one if one["partition"] != fact["partition"] or late else one | changes

    def change(topic: Part) -> Part:
        return topic | {"partitions": [change_one(one) for one in topic["partitions"]]}

    return _topic(cluster, fact["topic"], change)


def _created(cluster: Part, fact: Part) -> Part:
    if any(one["id"] == fact["topic_id"] for one in cluster["topics"]):
        return cluster  # told again by the next controller, because nobody knew whether the first one had told it
    made = {
        "name": fact["topic"],
        "id": fact["topic_id"],
        "internal": fact.get("internal", False),
        "configs": fact["topic_configs"],
        "partitions": [new_partition(wire) for wire in fact["partitions"]],
    }
    others = [one for one in cluster["topics"] if one["name"] != made["name"]]
    return cluster | {"topics": sorted([*others, made], key=lambda one: one["name"])}


def _deleted(cluster: Part, fact: Part) -> Part:
    return cluster | {"topics": [one for one in cluster["topics"] if one["name"] != fact["topic"]]}


def _grown(cluster: Part, fact: Part) -> Part:
    def change(topic: Part) -> Part:
        known = {one["partition"] for one in topic["partitions"]}
        added = [new_partition(wire) for wire in fact["partitions"] if wire["partition"] not in known]
        return topic | {"partitions": [*topic["partitions"], *added]}

    return _topic(cluster, fact["topic"], change)


def _led(cluster: Part, fact: Part) -> Part:
    kept = ("leader", "leader_epoch", "partition_epoch", "isr")
    return _partition(cluster, fact, {name: fact[name] for name in kept} | {"elr": fact.get("elr") or []})


def _isr(cluster: Part, fact: Part) -> Part:
    return _partition(
        cluster, fact, {"isr": fact["isr"], "partition_epoch": fact["partition_epoch"], "elr": fact.get("elr") or []}
    )


def _records_deleted(cluster: Part, fact: Part) -> Part:
    return _partition(cluster, fact, {"log_start": fact["log_start_offset"]})


def _configured(cluster: Part, fact: Part) -> Part:
    if fact["resource"] != "topic":
        return cluster

    def change(topic: Part) -> Part:
        configs = topic["configs"] | {name: value for name, value in fact["changes"].items() if value is not None}
        gone = {name for name, value in fact["changes"].items() if value is None}
        return topic | {"configs": {name: value for name, value in configs.items() if name not in gone}}

    return _topic(cluster, fact["name"], change)


TOPIC_FOLDS: dict[str, Callable[[Part, Part], Part]] = {
    "TopicCreated": _created,
    "TopicDeleted": _deleted,
    "PartitionsAdded": _grown,
    "LeaderElected": _led,
    "IsrShrunk": _isr,
    "IsrExpanded": _isr,
    "ConfigChanged": _configured,
    "RecordsDeleted": _records_deleted,
}
