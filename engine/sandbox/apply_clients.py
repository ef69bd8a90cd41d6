"""The part of the fold that is about clients: the playground's own, and strangers seen by their connections. Pure."""

from collections.abc import Callable
from typing import Any

from engine.sandbox.snapshot import new_app, new_stranger

Part = dict[str, Any]

HIDDEN = "playground-"  # client ids of the playground's own errands begin so; they are no clients on screen


def node_gone(cluster: Part, node: int) -> Part:
    """All connections to a node end with its process, told or not."""
    key = str(node)
    if not any(key in one["connections"] for one in cluster["clients"]):
        return cluster
    clients = [
        one | {"connections": {name: count for name, count in one["connections"].items() if name != key}}
        for one in cluster["clients"]
    ]
    return cluster | {"clients": _still_seen(clients)}


def _still_seen(clients: list[Part]) -> list[Part]:
    return [one for one in clients if one["ours"] or one["connections"]]


def _app(cluster: Part, name: str, change: Callable[[Part], Part]) -> Part:
    clients = [one | change(one) if one["ours"] and one["name"] == name else one for one in cluster["clients"]]
    return cluster | {"clients": clients}


def _app_is(state: str) -> Callable[[Part, Part], Part]:
    return lambda cluster, fact: _app(cluster, fact["client"], lambda _: {"state": state})


def _others(cluster: Part, name: str) -> list[Part]:
    return [one for one in cluster["clients"] if not (one["ours"] and one["name"] == name)]


def _app_started(cluster: Part, fact: Part) -> Part:
    return cluster | {"clients": [*_others(cluster, fact["client"]), new_app(fact)]}


def _app_changed(cluster: Part, fact: Part) -> Part:
    return _app(cluster, fact["client"], lambda one: {"settings": one["settings"] | fact["changes"]})


def _app_failed(cluster: Part, fact: Part) -> Part:
    return _app(cluster, fact["client"], lambda one: {"state": "failed", "report": one["report"] | {"last_error": fact["error"]}})


def _app_closed(cluster: Part, fact: Part) -> Part:
    return cluster | {"clients": _others(cluster, fact["client"])}


def _connected(cluster: Part, fact: Part) -> Part:
    if fact["client_id"].startswith(HIDDEN):
        return cluster
    node = str(fact["node"])

    def same(one: Part) -> bool:
        alike = one["software"] == fact["software"] and one["address"] == fact["address"]
        return one["client_id"] == fact["client_id"] and (one["ours"] or alike)

    if not any(same(one) for one in cluster["clients"]):
        return cluster | {"clients": [*cluster["clients"], new_stranger(fact)]}
    seen = {name: fact[name] for name in ("software", "software_version", "address")}
    clients = [
        one | seen | {"connections": one["connections"] | {node: one["connections"].get(node, 0) + 1}} if same(one) else one
        for one in cluster["clients"]
    ]
    return cluster | {"clients": clients}


def _disconnected(cluster: Part, fact: Part) -> Part:
    node = str(fact["node"])

    def change(one: Part) -> Part:
        mine = one["client_id"] == fact["client_id"] and one["address"] == fact["address"]
        if not mine or node not in one["connections"]:
            return one
        connections = one["connections"] | {node: one["connections"][node] - 1}
        return one | {"connections": {name: count for name, count in connections.items() if count}}

    return cluster | {"clients": _still_seen([change(one) for one in cluster["clients"]])}


CLIENT_FOLDS: dict[str, Callable[[Part, Part], Part]] = {
    "AppStarted": _app_started,
    "AppChanged": _app_changed,
    "AppPaused": _app_is("paused"),
    "AppResumed": _app_is("running"),
    "AppCrashed": _app_is("crashed"),
    "AppClosed": _app_closed,
    "AppFailed": _app_failed,
    "ClientConnected": _connected,
    "ClientDisconnected": _disconnected,
}
