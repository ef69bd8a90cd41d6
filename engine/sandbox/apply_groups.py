"""The part of the fold that is about consumer groups. Pure."""

from collections.abc import Callable
from typing import Any

from engine.sandbox.snapshot import new_group

Part = dict[str, Any]


def _is_deposed(known: Part | None, fact: Part) -> bool:
    """Is it said by a coordinator that was deposed, and does not know it yet?"""
    epoch = fact.get("coordinator_epoch")
    return known is not None and epoch is not None and epoch < known.get("coordinator_epoch", epoch)


def _group(cluster: Part, fact: Part, change: Callable[[Part], Part], *, name: str | None = None) -> Part:
    """What a deposed coordinator says changes nothing. A new one tells all its members anew."""
    name, epoch = name or fact["group"], fact.get("coordinator_epoch")
    groups = cluster["groups"]
    known = next((one for one in groups if one["name"] == name), None)
    if _is_deposed(known, fact):
        return cluster
    if known is None:
        groups = sorted([*groups, new_group(name)], key=lambda one: one["name"])
    elif epoch is not None and epoch > known.get("coordinator_epoch", epoch):
        groups = [one | {"members": []} if one["name"] == name else one for one in groups]
    of_now = {} if epoch is None else {"coordinator_epoch": epoch}
    return cluster | {"groups": [one | change(one) | of_now if one["name"] == name else one for one in groups]}


def _group_loaded(cluster: Part, fact: Part) -> Part:
    """The coordinator tells all members of a group that it has loaded; who is not among them is no member."""
    for name in fact["groups"]:
        cluster = _group(cluster, fact, lambda _: {"coordinator": fact["node"], "members": []}, name=name)
    return cluster


def _group_state(cluster: Part, fact: Part) -> Part:
    now = {name: fact[name] for name in ("state", "generation", "protocol_type", "protocol")}
    return _group(cluster, fact, lambda _: now | {"coordinator": fact["node"]})


def _member_joined(cluster: Part, fact: Part) -> Part:
    def change(one: Part) -> Part:
        before = next((member for member in one["members"] if member["id"] == fact["member"]), None)
        joined = {
            "id": fact["member"],
            "client_id": fact["client_id"],
            "host": fact["client_host"],
            "instance": fact["instance"],
            "subscribed": fact["subscribed"],
            "session_timeout_ms": fact["session_timeout_ms"],
            "assignment": before["assignment"] if before else {},
        }
        others = [member for member in one["members"] if member["id"] != fact["member"]]
        return {"members": sorted([*others, joined], key=lambda member: member["id"])}

    return _group(cluster, fact, change)


def _member_left(cluster: Part, fact: Part) -> Part:
    def change(one: Part) -> Part:
        return {"members": [member for member in one["members"] if member["id"] != fact["member"]]}

    return _group(cluster, fact, change)


def _rebalanced(cluster: Part, fact: Part) -> Part:
    def change(one: Part) -> Part:
        members = [member | {"assignment": fact["assignment"].get(member["id"], {})} for member in one["members"]]
        return {"generation": fact["generation"], "protocol": fact["protocol"], "members": members}

    return _group(cluster, fact, change)


def _group_deleted(cluster: Part, fact: Part) -> Part:
    known = next((one for one in cluster["groups"] if one["name"] == fact["group"]), None)
    if _is_deposed(known, fact):
        return cluster
    return cluster | {"groups": [one for one in cluster["groups"] if one["name"] != fact["group"]]}


GROUP_FOLDS: dict[str, Callable[[Part, Part], Part]] = {
    "GroupLoaded": _group_loaded,
    "GroupStateChanged": _group_state,
    "MemberJoined": _member_joined,
    "MemberLeft": _member_left,
    "GroupRebalanced": _rebalanced,
    "GroupDeleted": _group_deleted,
}
