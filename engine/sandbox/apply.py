"""Folds one fact into a snapshot. Pure: gives a new snapshot and shares what did not change.

Rule: static/src/apply.ts is its twin; tests/shared/apply_cases.json holds the two together.
"""

from collections.abc import Callable
from typing import Any

from engine.sandbox.apply_clients import CLIENT_FOLDS, node_gone
from engine.sandbox.apply_faults import FAULT_FOLDS, without_links
from engine.sandbox.apply_groups import GROUP_FOLDS
from engine.sandbox.apply_topics import TOPIC_FOLDS
from engine.sandbox.apply_traffic import apply_traffic
from engine.sandbox.snapshot import SESSION_TIMEOUT_MS, Snapshot, new_broker

Part = dict[str, Any]
Fold = Callable[[Part, Part], Part]


RUNNING = ("starting", "up", "fenced", "stopping")


def apply(snapshot: Snapshot, fact: Part) -> Snapshot:
    """The snapshot after a numbered fact. A kind that changes nothing on screen only moves the number."""
    clusters = snapshot["clusters"]
    fold = FOLDS.get(fact["kind"])
    if fold and clusters:
        cluster = fold(clusters[0], fact)
        if fact["kind"] == "BrokerAdded":
            cluster = _with_session_timeout(cluster, fact["broker"], snapshot["profile"]["configs"])
        clusters = [cluster, *clusters[1:]]
    return snapshot | {"number": fact["number"], "time": _time(snapshot["time"], fact), "clusters": clusters}


def apply_frame(snapshot: Snapshot, frame: Part) -> Snapshot:
    """The snapshot after a frame: its facts in order, then its traffic."""
    for fact in frame["facts"]:
        snapshot = apply(snapshot, fact)
    return apply_traffic(snapshot, frame["traffic"]) | {"at_ms": frame["at_ms"]}


def _time(time: Part, fact: Part) -> Part:
    if fact["kind"] == "ClusterPaused":
        return time | {"paused": True}
    if fact["kind"] == "ClusterResumed":
        return time | {"paused": False}
    if fact["kind"] == "ClusterSlowed":
        return time | {"factor": fact["factor"]}
    return time


# ---- brokers: what a process does wins over what the controller thinks of it


def _broker(cluster: Part, broker: int, change: Callable[[Part], Part]) -> Part:
    return cluster | {"brokers": [one | change(one) if one["id"] == broker else one for one in cluster["brokers"]]}


def _enters(state: str) -> Fold:
    return lambda cluster, fact: _broker(cluster, fact["broker"], lambda _: {"state": state, "since_ms": fact["at_ms"]})


def _ends(state: str) -> Fold:
    """The process is gone: so is its number, and so are all connections to it."""

    def fold(cluster: Part, fact: Part) -> Part:
        gone = {"state": state, "pid": None, "since_ms": fact["at_ms"]}
        return node_gone(_broker(cluster, fact["broker"], lambda _: gone), fact["broker"])

    return fold


def _added(cluster: Part, fact: Part) -> Part:
    others = [one for one in cluster["brokers"] if one["id"] != fact["broker"]]
    brokers = sorted([*others, new_broker(fact, SESSION_TIMEOUT_MS)], key=lambda one: one["id"])
    side = "voters" if fact["voter"] else "observers"
    quorum = _without(cluster["quorum"], fact["broker"])
    members = sorted([*quorum[side], {"id": fact["broker"], "log_end_offset": 0}], key=lambda one: one["id"])
    return _addressed(cluster | {"brokers": brokers, "quorum": quorum | {side: members}})


def _addressed(cluster: Part) -> Part:
    return cluster | {"bootstrap_servers": ",".join(f"{one['host']}:{one['port']}" for one in cluster["brokers"])}


def _with_session_timeout(cluster: Part, broker: int, configs: Part) -> Part:
    value = configs.get("broker.session.timeout.ms", [SESSION_TIMEOUT_MS])[0]
    return _broker(cluster, broker, lambda _: {"session_timeout_ms": value})


def _without(quorum: Part, broker: int) -> Part:
    return quorum | {side: [one for one in quorum[side] if one["id"] != broker] for side in ("voters", "observers")}


def _removed(cluster: Part, fact: Part) -> Part:
    brokers = [one for one in cluster["brokers"] if one["id"] != fact["broker"]]
    quorum = _without(cluster["quorum"], fact["broker"])
    return node_gone(without_links(_addressed(cluster | {"brokers": brokers, "quorum": quorum}), fact["broker"]), fact["broker"])


def _started(cluster: Part, fact: Part) -> Part:
    now = {"state": "starting", "pid": fact["pid"], "incarnation": fact["started_as"], "since_ms": fact["at_ms"]}
    return node_gone(_broker(cluster, fact["broker"], lambda _: now), fact["broker"])


def _thawed(cluster: Part, fact: Part) -> Part:
    def change(one: Part) -> Part:
        return {"state": "fenced" if one["fenced"] else "up", "since_ms": fact["at_ms"]}

    return _broker(cluster, fact["broker"], change)


def _registered(cluster: Part, fact: Part) -> Part:
    known = {"epoch": fact["broker_epoch"], "rack": fact["rack"], "host": fact["host"], "port": fact["port"], "fenced": True}
    return _broker(cluster, fact["broker"], lambda _: known)


def _fenced(cluster: Part, fact: Part) -> Part:
    def change(one: Part) -> Part:
        return {"fenced": True} | ({"state": "fenced", "since_ms": fact["at_ms"]} if one["state"] == "up" else {})

    return _broker(cluster, fact["broker"], change)


def _unfenced(cluster: Part, fact: Part) -> Part:
    def change(one: Part) -> Part:
        rises = one["state"] in ("starting", "fenced")
        up = {"state": "up", "since_ms": fact["at_ms"]} if rises else {}
        return {"fenced": False, "epoch": fact["broker_epoch"]} | up

    return _broker(cluster, fact["broker"], change)


# ---- the quorum


def _controller_elected(cluster: Part, fact: Part) -> Part:
    if fact["epoch"] < cluster["controller_epoch"]:
        return cluster
    ends = {voter["id"]: voter["log_end_offset"] for voter in cluster["quorum"]["voters"]}
    voters = [{"id": voter, "log_end_offset": ends.get(voter, 0)} for voter in fact["voters"]]
    quorum = cluster["quorum"] | {"leader": fact["leader"], "epoch": fact["epoch"], "voters": voters}
    return cluster | {"controller": fact["leader"], "controller_epoch": fact["epoch"], "quorum": quorum}


def _controller_lost(cluster: Part, fact: Part) -> Part:
    """Lost when the controller says so, or when its process does not run; a node that only lost sight of it proves nothing."""
    if (fact["leader"], fact["epoch"]) != (cluster["controller"], cluster["controller_epoch"]):
        return cluster
    runs = any(one["id"] == fact["leader"] and one["state"] in RUNNING for one in cluster["brokers"])
    if runs and fact["node"] != fact["leader"]:
        return cluster
    return cluster | {"controller": -1, "quorum": cluster["quorum"] | {"leader": -1}}


FOLDS: dict[str, Fold] = {
    "BrokerAdded": _added,
    "BrokerRemoved": _removed,
    "BrokerStarted": _started,
    "BrokerFailed": _ends("down"),
    "BrokerKilled": _ends("down"),
    "BrokerStopping": _enters("stopping"),
    "BrokerStopped": _ends("stopped"),
    "BrokerFrozen": _enters("frozen"),
    "BrokerThawed": _thawed,
    "BrokerRegistered": _registered,
    "BrokerFenced": _fenced,
    "BrokerUnfenced": _unfenced,
    "ControllerElected": _controller_elected,
    "ControllerLost": _controller_lost,
} | TOPIC_FOLDS | GROUP_FOLDS | CLIENT_FOLDS | FAULT_FOLDS
