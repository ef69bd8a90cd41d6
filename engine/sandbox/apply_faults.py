"""Folds what was broken on purpose into the brokers: `links` that are not whole, `rules` for requests; absent until the first.

A link: {to: broker or None for all clients, sends: does what we send arrive, hears: does what they send, delay_ms: each way}.
A rule: {api, how: fail, delay or drop, error, delay_ms, share in percent}.
"""

from collections.abc import Callable
from typing import Any

Part = dict[str, Any]
WHOLE = {"sends": True, "hears": True, "delay_ms": 0}


def _each(cluster: Part, change: Callable[[Part], Part]) -> Part:
    return cluster | {"brokers": [one | change(one) for one in cluster["brokers"]]}


def _linked(one: Part, to: int | None, changes: Part) -> Part:
    """The broker's links with one of them changed; brokers in order, clients last."""
    links = one.get("links", [])
    before = next((link for link in links if link["to"] == to), {"to": to} | WHOLE)
    others = [link for link in links if link["to"] != to]
    return {"links": sorted([*others, before | changes], key=lambda link: (link["to"] is None, link["to"]))}


def _touched(cluster: Part, fact: Part, near: Part, far: Part) -> Part:
    """`near` is how the links change at the broker, `far` at the other side."""

    def change(one: Part) -> Part:
        if one["id"] == fact["broker"]:
            for to in [*fact["others"], *([None] if fact["clients"] else [])]:
                one = one | _linked(one, to, near)
            return one
        return _linked(one, fact["broker"], far) if one["id"] in fact["others"] else {}

    return _each(cluster, change)


def _cut(cluster: Part, fact: Part) -> Part:
    back = {"hears": False} if fact["both_ways"] else {}
    forth = {"sends": False} if fact["both_ways"] else {}
    return _touched(cluster, fact, {"sends": False} | back, {"hears": False} | forth)


def _slowed(cluster: Part, fact: Part) -> Part:
    slow = {"delay_ms": fact["delay_ms"]}
    return _touched(cluster, fact, slow, slow)


def _healed(cluster: Part, fact: Part) -> Part:
    return without_links(cluster, fact["broker"])


def without_links(cluster: Part, broker: int | None) -> Part:
    """All links of the broker are whole; of all brokers if it is None."""

    def change(one: Part) -> Part:
        if "links" not in one:
            return {}
        return {"links": [] if broker in (None, one["id"]) else [link for link in one["links"] if link["to"] != broker]}

    return _each(cluster, change)


def _intercepted(cluster: Part, fact: Part) -> Part:
    rule = {name: fact[name] for name in ("api", "how", "error", "delay_ms", "share")}

    def change(one: Part) -> Part:
        if one["id"] != fact["broker"]:
            return {}
        others = [known for known in one.get("rules", []) if known["api"] != rule["api"]]
        return {"rules": sorted([*others, rule], key=lambda known: known["api"])}

    return _each(cluster, change)


def _interception_ended(cluster: Part, fact: Part) -> Part:
    return _each(cluster, lambda one: {"rules": []} if "rules" in one and fact["broker"] in (None, one["id"]) else {})


FAULT_FOLDS: dict[str, Callable[[Part, Part], Part]] = {
    "LinkCut": _cut,
    "LinkSlowed": _slowed,
    "LinksHealed": _healed,
    "RequestsIntercepted": _intercepted,
    "InterceptionEnded": _interception_ended,
}
