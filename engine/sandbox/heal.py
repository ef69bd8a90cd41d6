"""What a picture must be told so that it agrees with the metadata of a broker that has caught up. Pure.

After a restart of the host the metadata log is replayed without telling its facts again; and what happened in the moment of a
crash may never have been told.
"""

from collections.abc import Collection, Iterator
from typing import Any

from engine.events.facts import (
    BrokerUnfenced,
    ControllerElected,
    Fact,
    IsrExpanded,
    IsrShrunk,
    LeaderElected,
    PartitionsAdded,
    TopicCreated,
    TopicDeleted,
)

Part = dict[str, Any]
WHY = {"told": "by a broker's metadata"}


def heal(cluster: Part, image: Part, *, born: Collection[str] = (), gone: Collection[str] = ()) -> list[Fact]:
    """The facts that lead from the picture of the cluster to the image. None when they agree.

    `born`, `gone`: ids of topics that were created, or deleted, while we listened; an image that lacks, or has, one of them is only older.
    """
    return [*_controller(cluster, image), *_brokers(cluster, image), *_topics(cluster, image, born, gone)]


def _controller(cluster: Part, image: Part) -> Iterator[Fact]:
    newer = image.get("controller_epoch", 0) > cluster["controller_epoch"]
    if newer and image.get("controller", -1) >= 0:
        voters = tuple(one["id"] for one in cluster["brokers"] if one["voter"])
        yield ControllerElected(leader=image["controller"], epoch=image["controller_epoch"], voters=voters, configs=WHY)


def _brokers(cluster: Part, image: Part) -> Iterator[Fact]:
    fenced = {one["id"]: one["fenced"] for one in cluster["brokers"]}
    for one in image.get("brokers", ()):
        if not one["fenced"] and fenced.get(one["id"]) is True and _runs(cluster, one["id"]):
            yield BrokerUnfenced(broker=one["id"], broker_epoch=one["epoch"], configs=WHY)


def _runs(cluster: Part, broker: int) -> bool:
    return any(one["id"] == broker and one["state"] in ("up", "fenced") for one in cluster["brokers"])


def _topics(cluster: Part, image: Part, born: Collection[str], gone: Collection[str]) -> Iterator[Fact]:
    known = {one["name"]: one for one in cluster["topics"]}
    real = {one["name"]: one for one in image.get("topics", ()) if one["id"] not in gone}
    for name in sorted(known.keys() - real.keys()):
        if known[name]["id"] in born:
            continue
        yield TopicDeleted(topic=name, topic_id=known[name]["id"], configs=WHY)
    for name, topic in sorted(real.items()):
        if name not in known or known[name]["id"] != topic["id"]:
            yield _created(topic)
        else:
            yield from _partitions(known[name], topic)


def _created(topic: Part) -> TopicCreated:
    return TopicCreated(
        topic=topic["name"],
        topic_id=topic["id"],
        partitions=tuple(topic["partitions"]),
        topic_configs=topic.get("configs", {}),
        internal=topic.get("internal", False),
        configs=WHY,
    )


def _partitions(known: Part, real: Part) -> Iterator[Fact]:
    before = {one["partition"]: one for one in known["partitions"]}
    added = tuple(one for one in real["partitions"] if one["partition"] not in before)
    if added:
        yield PartitionsAdded(topic=real["name"], partitions=added, configs=WHY)
    for row in real["partitions"]:
        now, was = row, before.get(row["partition"])
        if was is None:
            continue
        if now["partition_epoch"] < was["partition_epoch"]:
            # The image was overtaken; an election that it knows and nobody told is missing all the same, since leader epochs only grow.
            if now["leader_epoch"] <= was["leader_epoch"]:
                continue
            now = was | {"leader": now["leader"], "leader_epoch": now["leader_epoch"]}
        if (now["leader"], now["leader_epoch"]) != (was["leader"], was["leader_epoch"]):
            yield _led(real["name"], was, now)
        elif now["partition_epoch"] != was["partition_epoch"]:
            kind = IsrShrunk if len(now["isr"]) < len(was["isr"]) else IsrExpanded
            yield kind(
                topic=real["name"],
                partition=now["partition"],
                isr=tuple(now["isr"]),
                was=tuple(was["isr"]),
                partition_epoch=now["partition_epoch"],
                elr=tuple(now.get("elr") or ()),
                configs=WHY,
            )


def _led(topic: str, was: Part, now: Part) -> LeaderElected:
    return LeaderElected(
        topic=topic,
        partition=now["partition"],
        leader=now["leader"],
        was_leader=was["leader"],
        leader_epoch=now["leader_epoch"],
        was_leader_epoch=was["leader_epoch"],
        partition_epoch=now["partition_epoch"],
        isr=tuple(now["isr"]),
        elr=tuple(now.get("elr") or ()),
        how="in-sync" if now["leader"] >= 0 else "none",
        configs=WHY,
    )
