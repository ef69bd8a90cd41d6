"""The picture that the facts add up to is the cluster: fold(facts) equals the snapshot.

Folds the universe's facts as the sandbox does, from a blank picture, heals it as the sandbox does by what starting nodes know, and
compares topics, partitions, groups and the controller with what nodes that have caught up know. What the host alone tells (processes)
is made up from the universe's own facts.
"""

from collections.abc import Iterator
from typing import Any

from engine.coordination.groups import consumer_protocol
from engine.events.facts import to_wire
from engine.events.journal import Journal
from engine.protocol.stored.metadata import RESOURCE_TOPIC
from engine.sandbox.apply import FOLDS, apply
from engine.sandbox.heal import heal
from engine.sandbox.numbering import Numbering, plain
from engine.sandbox.snapshot import blank
from tests.simulation.anomaly import Anomaly
from tests.simulation.record import Record

SENTENCE = "the picture that the facts add up to is the cluster"
ENDS = {
    "Crash": "BrokerKilled",
    "PowerLost": "BrokerKilled",
    "Died": "BrokerFailed",
    "Stopped": "BrokerStopped",
    "Removed": "BrokerRemoved",
}
HOST = {"causes": [], "configs": {}, "incarnation": 1}

Part = dict[str, Any]


def check(record: Record) -> None:
    """Compares the two, when the run has healed."""
    if not record.healed:
        return
    folded, real = fold(record), snapshot(record)
    for part in ("controller", "topics", "groups"):
        one, other = _shown(folded, part), real[part]
        for name in sorted({*one, *other}, key=str):
            if one.get(name) != other.get(name):
                raise Anomaly("fold_equals_snapshot", SENTENCE, f"{part} {name}", f"folded: {one.get(name)}", f"cluster: {other.get(name)}")


# ---- the facts


def fold(record: Record) -> Part:
    """The cluster as the facts tell it."""
    picture = blank(sandbox="simulated", profile="demo", configs={}, cluster_id="simulated", bootstrap_servers="", at_ms=0)
    numbering = Numbering()
    images, host = list(record.universe.images), Journal(node=0, incarnation=2, now_ms=record.universe.simulation.now_ms)
    topics: dict[str, set[str]] = {"TopicCreated": set(), "TopicDeleted": set()}
    for count, fact in _with_processes(record):
        while images and images[0][0] <= count:
            for healing in heal(picture["clusters"][0], images.pop(0)[1], born=topics["TopicCreated"], gone=topics["TopicDeleted"]):
                picture = apply(picture, numbering.number(plain(to_wire(host.emit(healing)))))
        if fact["kind"] in topics:
            topics[fact["kind"]].add(fact["topic_id"])
        if fact["kind"] in FOLDS:
            picture = apply(picture, numbering.number(plain(fact)))
    return picture["clusters"][0]


def _with_processes(record: Record) -> Iterator[tuple[int, Part]]:
    """(number, fact). A node's first fact of an incarnation shows that its process runs."""
    running: dict[int, int] = {}
    for count, fact in enumerate(record.universe.facts):
        node, incarnation = fact.get("node", 0), fact.get("incarnation", 0)
        host = HOST | {"node": 0, "at_ms": fact["at_ms"], "broker": node}
        if incarnation and running.get(node) != incarnation:
            if node not in running:
                voter = node in record.universe.voters
                yield count, host | {"kind": "BrokerAdded", "id": f"0.1.{count}a", "rack": None, "host": f"node-{node}", "port": 0, "voter": voter}
            yield count, host | {"kind": "BrokerStarted", "id": f"0.1.{count}b", "pid": 0, "started_as": incarnation}
            running[node] = incarnation
        if not fact.get("id") and fact["kind"] in ENDS:
            yield count, host | {"kind": ENDS[fact["kind"]], "id": f"0.1.{count}c", "pid": 0, "reason": ""}
        yield count, {"id": f"0.1.{count}", "causes": ()} | fact


def _shown(cluster: Part, part: str) -> Part:
    """What is compared of the folded picture, by name."""
    if part == "controller":
        return {"node": cluster["controller"], "epoch": cluster["controller_epoch"]}
    if part == "topics":
        return {
            one["name"]: {"id": one["id"], "configs": one["configs"]}
            | {row["partition"]: {name: _listed(row[name]) for name in OF_PARTITION} for row in one["partitions"]}
            for one in cluster["topics"]
        }
    return {
        one["name"]: {name: one[name] for name in ("state", "generation", "coordinator")}
        | {"members": {member["id"]: member["assignment"] for member in one["members"]}}
        for one in cluster["groups"]
        if one["protocol_type"] or one["members"]
    }


OF_PARTITION = ("leader", "leader_epoch", "partition_epoch", "replicas", "isr", "elr")


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else value


# ---- the cluster


def snapshot(record: Record) -> dict[str, Part]:
    """The same of the node that has replayed most, and of the groups' coordinators."""
    nodes = [node for _, node in sorted(record.universe.nodes.items())]
    image = max((node.image for node in nodes), key=lambda each: each.offset)
    active = [node for node in nodes if node.controller is not None and node.controller.active]
    controller = max(active, key=lambda node: node.controller.epoch, default=None)
    return {
        "controller": {"node": controller.spec.node_id, "epoch": controller.controller.epoch} if controller else {},
        "topics": {name: _topic(image, topic) for name, topic in image.topics.items()},
        "groups": {group.id: _group(node.spec.node_id, group) for node in nodes for group in _groups(node)},
    }


def _topic(image: Any, topic: Any) -> Part:
    rows = {index: {name: _listed(getattr(row, name)) for name in OF_PARTITION} for index, row in topic.partitions.items()}
    return {"id": str(topic.id), "configs": dict(image.configs.get((RESOURCE_TOPIC, topic.name), {}))} | rows


def _groups(node: Any) -> Iterator[Any]:
    for shard in node.groups.all():
        if shard.is_active:
            yield from (group for _, group in sorted(shard.groups.items()) if group.protocol_type or group.members)


def _group(node: int, group: Any) -> Part:
    return {
        "state": str(group.state),
        "generation": group.generation,
        "coordinator": node,
        "members": {member.id: _assignment(group, member) for member in group.members.values()},
    }


def _assignment(group: Any, member: Any) -> Part:
    found = consumer_protocol.partitions_or_none(group.protocol_type, member.assignment)
    return {topic: list(partitions) for topic, partitions in (found or {}).items()}
