"""Folds one frame's traffic into a snapshot: offsets, sizes, epochs, heartbeats, reports. Pure.

Rule: copies a topic's partitions once a frame, because frames come twenty times a second and topics may be large.
"""

from typing import Any

from engine.sandbox.snapshot import BLANK_LOG, Snapshot

Part = dict[str, Any]
TABLES = ("offsets", "epochs", "sizes", "segments")


def apply_traffic(snapshot: Snapshot, traffic: Part) -> Snapshot:
    """The snapshot after a frame's traffic; the counts of records appended and fetched move dots, not the fold."""
    if not traffic or not snapshot["clusters"]:
        return snapshot
    cluster = _move_logs(snapshot["clusters"][0], traffic)
    if traffic.get("heartbeats") or traffic.get("log_bytes"):
        cluster = _move_brokers(cluster, traffic)
    if traffic.get("quorum"):
        cluster = _move_quorum(cluster, traffic["quorum"])
    if traffic.get("committed"):
        cluster = _commit(cluster, traffic["committed"])
    if reports := traffic.get("reports"):
        clients = [
            one | {"report": reports[one["name"]]} if one["ours"] and one["name"] in reports else one
            for one in cluster["clients"]
        ]
        cluster = cluster | {"clients": clients}
    return snapshot | {"clusters": [cluster, *snapshot["clusters"][1:]]}


def _move_logs(cluster: Part, traffic: Part) -> Part:
    touched = {topic for table in TABLES for topic in traffic.get(table) or ()}
    if not touched:
        return cluster
    return cluster | {"topics": [_move_topic(one, traffic) if one["name"] in touched else one for one in cluster["topics"]]}


def _move_topic(topic: Part, traffic: Part) -> Part:
    tables = [(traffic.get(table) or {}).get(topic["name"]) or {} for table in TABLES]
    keys = {key for table in tables for key in table}
    partitions = [
        _move_partition(one, [table.get(str(one["partition"])) for table in tables]) if str(one["partition"]) in keys else one
        for one in topic["partitions"]
    ]
    return topic | {"partitions": partitions}


def _move_partition(partition: Part, moved: list[Any]) -> Part:
    offsets, epochs, sizes, segments = moved
    logs = dict(partition["logs"])
    for broker, (end, high_watermark, start) in (offsets or {}).items():
        logs[broker] = logs.get(broker, BLANK_LOG) | {"end": end, "hw": high_watermark, "start": start}
    for broker, size in (sizes or {}).items():
        logs[broker] = logs.get(broker, BLANK_LOG) | {"size": size}
    for broker, list_of_segments in (segments or {}).items():
        logs[broker] = logs.get(broker, BLANK_LOG) | {"segments": list_of_segments}
    changes: Part = {"logs": logs}
    if epochs is not None:
        changes["epochs"] = epochs
    if lead := (offsets or {}).get(str(partition["leader"])):
        changes |= {"high_watermark": lead[1], "log_start": lead[2]}
    return partition | changes


def _move_brokers(cluster: Part, traffic: Part) -> Part:
    heartbeats, log_bytes = traffic.get("heartbeats") or {}, traffic.get("log_bytes") or {}

    def change(one: Part) -> Part:
        key = str(one["id"])
        changes = {"heartbeat_ms": heartbeats[key]} if key in heartbeats else {}
        return one | changes | ({"log_bytes": log_bytes[key]} if key in log_bytes else {})

    return cluster | {"brokers": [change(one) for one in cluster["brokers"]]}


def _move_quorum(cluster: Part, moved: Part) -> Part:
    ends = moved.get("ends") or {}

    def follow(nodes: list[Part]) -> list[Part]:
        return [one | {"log_end_offset": ends.get(str(one["id"]), one["log_end_offset"])} for one in nodes]

    quorum = cluster["quorum"]
    high_watermark = moved.get("high_watermark", quorum["high_watermark"])
    voters, observers = follow(quorum["voters"]), follow(quorum["observers"])
    return cluster | {"quorum": quorum | {"high_watermark": high_watermark, "voters": voters, "observers": observers}}


def _commit(cluster: Part, committed: list[list[Any]]) -> Part:
    by_group: dict[str, list[list[Any]]] = {}
    for entry in committed:
        by_group.setdefault(entry[0], []).append(entry)
    groups = [_commit_group(one, by_group[one["name"]]) if one["name"] in by_group else one for one in cluster["groups"]]
    return cluster | {"groups": groups}


def _commit_group(group: Part, committed: list[list[Any]]) -> Part:
    offsets = dict(group["offsets"])
    for _, topic, partition, offset in committed:
        by_partition = {key: value for key, value in offsets.get(topic, {}).items() if key != str(partition)}
        if offset >= 0:
            by_partition[str(partition)] = offset
        offsets[topic] = by_partition
    return group | {"offsets": {topic: of_topic for topic, of_topic in offsets.items() if of_topic}}
