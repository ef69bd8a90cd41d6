"""A conversation with a group coordinator, as data: every group API, at every version, in every mood.

It is held with Apache Kafka and with us, and what is said must be the same. What differs by nature (member ids, topic ids,
addresses, the order of hash maps) is given names by `normal`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any
from uuid import UUID

from engine.protocol.api_keys import BY_NAME

TOPIC = "conversation"
SUBSCRIPTION = b"\0\0\0\0\0\1\0\x0cconversation\0\0\0\0"
ASSIGNMENT = b"\0\0\0\0\0\1\0\x0cconversation\0\0\0\1\0\0\0\0\0\0\0\0"
NOBODY = UUID(int=99)


class Known(dict[str, Any]):
    """What was learnt on the way: member ids, generations, the topic's id."""

    __getattr__ = dict.__getitem__


Fields = dict[str, Any] | Callable[[Known], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`client` asks about `group`; `mode` send leaves the answer for a later receive. `learn`: names for the answer's fields."""

    client: str
    group: str
    api: str
    version: int
    fields: Fields
    mode: str = "ask"
    learn: tuple[tuple[str, str], ...] = ()

    def told(self, known: Known) -> dict[str, Any]:
        """The request's fields, now that so much is known."""
        return self.fields(known) if callable(self.fields) else self.fields


def versions(api: str) -> range:
    """All that are served."""
    return range(BY_NAME[api].oldest, BY_NAME[api].newest + 1)


def joining(group: str, member_id: str = "", **changes: Any) -> dict[str, Any]:
    protocols = [{"name": "range", "metadata": SUBSCRIPTION}]
    told = {"group_id": group, "session_timeout": 30_000, "rebalance_timeout": 30_000, "member_id": member_id}
    return told | {"protocol_type": "consumer", "protocols": protocols} | changes


def syncing(group: str, member_id: str, generation: int, assigned: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    told = {"group_id": group, "generation_id": generation, "member_id": member_id, "protocol_type": "consumer"}
    assignments = [{"member_id": each, "assignment": ASSIGNMENT} for each in assigned]
    return told | {"protocol_name": "range", "assignments": assignments} | changes


def committing(
    known: Known, version: int, partitions: dict[int, str | None], *, by_id: UUID | None = None, **told: Any
) -> dict[str, Any]:
    rows = [
        {"partition_index": index, "committed_offset": 5 + index, "committed_leader_epoch": 0, "committed_metadata": metadata}
        for index, metadata in partitions.items()
    ]
    topic = {"topic_id": by_id or known.topic_id} if version >= 10 else {"name": TOPIC}
    return {"generation_id_or_member_epoch": -1, "member_id": "", **told, "topics": [topic | {"partitions": rows}]}


def ask(group: str, api: str, version: int, told: Fields, client: str = "one", **more: Any) -> Step:
    return Step(client=client, group=group, api=api, version=version, fields=told, **more)


def strangers() -> Iterator[Step]:
    """Who is not in a group, or in one that is not there."""
    group = "nowhere"
    for version in versions("Heartbeat"):
        yield ask(group, "Heartbeat", version, {"group_id": group, "generation_id": 1, "member_id": "x"})
        yield ask(group, "Heartbeat", version, {"group_id": "", "generation_id": 1, "member_id": "x"})
    for version in versions("LeaveGroup"):
        who = {"member_id": "x"} if version < 3 else {"members": [{"member_id": "x"}, {"member_id": "", "group_instance_id": "i"}]}
        yield ask(group, "LeaveGroup", version, {"group_id": group} | who)
        yield ask(group, "LeaveGroup", version, {"group_id": ""} | who)
    for version in versions("SyncGroup"):
        yield ask(group, "SyncGroup", version, syncing(group, "x", 1))
        yield ask(group, "SyncGroup", version, syncing("", "x", 1))
        yield ask(group, "SyncGroup", version, syncing(group, "x", 1, protocol_type=None, protocol_name=None))
    for version in versions("JoinGroup"):
        yield ask(group, "JoinGroup", version, joining(group, "x"))
        yield ask(group, "JoinGroup", version, joining("", ""))
        yield ask(group, "JoinGroup", version, joining(group, "", session_timeout=1))
    for version in versions("DescribeGroups"):
        yield ask(group, "DescribeGroups", version, {"groups": [group], "include_authorized_operations": True})
    for version in versions("DeleteGroups"):
        yield ask(group, "DeleteGroups", version, {"groups_names": [group]})
    yield ask(group, "OffsetDelete", 0, deleting(group))
    yield ask(group, "OffsetDelete", 0, deleting(""))
    yield ask(group, "OffsetDelete", 0, deleting(group, "no-such-topic"))
    for version in versions("FindCoordinator"):
        for kind in (0, 2, 7):
            key = {"key": group} if version < 4 else {"coordinator_keys": [group, "nowhere-else"]}
            yield ask(group, "FindCoordinator", version, key | {"key_type": kind})


def deleting(group: str, topic: str = TOPIC) -> dict[str, Any]:
    return {"group_id": group, "topics": [{"name": topic, "partitions": [{"partition_index": 9}, {"partition_index": 0}]}]}


def simple() -> Iterator[Step]:
    """Offsets without members."""
    group = "simple"
    for version in versions("OffsetCommit"):
        for partitions in ({0: "hello"}, {0: "x" * 5_000, 1: None, 9: ""}, {9: ""}):
            yield ask(group, "OffsetCommit", version, lambda k, v=version, p=partitions: committing(k, v, p, group_id=group))
        yield ask(group, "OffsetCommit", version, {"group_id": group, "topics": []})
        wrong = {"group_id": group, "generation_id_or_member_epoch": 3, "member_id": "x"}
        yield ask(group, "OffsetCommit", version, lambda k, v=version, w=wrong: committing(k, v, {0: ""}, **w))
        lost = wrong | {"group_id": "nowhere"}
        yield ask("nowhere", "OffsetCommit", version, lambda k, v=version, w=lost: committing(k, v, {0: ""}, **w))
    yield ask(group, "OffsetCommit", 10, lambda k: committing(k, 10, {0: ""}, by_id=NOBODY, group_id=group))
    for version in range(1, 8):
        topics = [{"name": TOPIC, "partition_indexes": [0, 1, 9]}, {"name": "no-such-topic", "partition_indexes": [0]}]
        yield ask(group, "OffsetFetch", version, {"group_id": group, "topics": topics})
        yield ask("nowhere", "OffsetFetch", version, {"group_id": "nowhere", "topics": topics})
        if version >= 2:
            yield ask(group, "OffsetFetch", version, {"group_id": group, "topics": None, "require_stable": version == 7})
    for version in range(8, 11):
        yield ask(group, "OffsetFetch", version, lambda k, v=version: fetching(k, v, group))
        yield ask("nowhere", "OffsetFetch", version, lambda k, v=version: fetching(k, v, "nowhere"))
        yield ask(group, "OffsetFetch", version, {"groups": [{"group_id": group, "topics": None}], "require_stable": True})
    for version in versions("DescribeGroups"):
        yield ask(group, "DescribeGroups", version, {"groups": [group]})
    for version in versions("ListGroups"):
        yield ask(group, "ListGroups", version, {})
    yield ask(group, "OffsetDelete", 0, deleting(group))
    yield ask(group, "OffsetFetch", 2, {"group_id": group, "topics": None})
    yield ask(group, "DeleteGroups", 2, {"groups_names": [group]})
    yield ask(group, "OffsetFetch", 2, {"group_id": group, "topics": None})


def fetching(known: Known, version: int, group: str) -> dict[str, Any]:
    first = {"topic_id": known.topic_id} if version >= 10 else {"name": TOPIC}
    second = {"topic_id": NOBODY} if version >= 10 else {"name": "no-such-topic"}
    topics = [first | {"partition_indexes": [0, 1, 9]}, second | {"partition_indexes": [0]}]
    return {"groups": [{"group_id": group, "topics": topics}], "require_stable": False}


def dynamic(version: int) -> Iterator[Step]:
    """Two members share a group, at one version of JoinGroup, and part."""
    group = f"dynamic-{version}"
    one, sync = (("one", "member_id"), ("generation", "generation_id")), min(version, 5)
    if version >= 4:
        # Nobody asks for the group now: Apache Kafka knows one of pending members only, or not, as its last commit happens to fall.
        yield ask(group, "JoinGroup", version, joining(group, reason="first"), learn=one)
        yield ask(group, "JoinGroup", version, lambda k: joining(group, k.one), learn=one)
    else:
        yield ask(group, "JoinGroup", version, joining(group), learn=one)
    yield ask(group, "Heartbeat", 4, lambda k: {"group_id": group, "generation_id": k.generation, "member_id": k.one})
    yield ask(group, "DescribeGroups", 6, {"groups": [group], "include_authorized_operations": True})
    yield ask(
        group,
        "OffsetCommit",
        9,
        lambda k: committing(k, 9, {0: ""}, group_id=group, member_id=k.one, generation_id_or_member_epoch=k.generation),
    )
    yield ask(group, "SyncGroup", sync, lambda k: syncing(group, k.one, k.generation + 1))
    yield ask(group, "SyncGroup", sync, lambda k: syncing(group, "x", k.generation))
    yield ask(group, "SyncGroup", 5, lambda k: syncing(group, k.one, k.generation, protocol_name="sticky"))
    yield ask(group, "SyncGroup", sync, lambda k: syncing(group, k.one, k.generation, (k.one,)))
    yield ask(group, "SyncGroup", sync, lambda k: syncing(group, k.one, k.generation))
    for asked in versions("DescribeGroups"):
        yield ask(group, "DescribeGroups", asked, {"groups": [group]})
    yield ask(group, "ListGroups", 5, {"states_filter": ["STABLE"], "types_filter": ["Classic"]})
    yield ask(group, "ListGroups", 5, {"states_filter": ["nonsense"]})
    yield ask(
        group,
        "OffsetCommit",
        9,
        lambda k: committing(k, 9, {0: "", 1: "m"}, group_id=group, member_id=k.one, generation_id_or_member_epoch=k.generation),
    )
    yield ask(group, "OffsetCommit", 9, lambda k: committing(k, 9, {0: ""}, group_id=group))
    yield ask(
        group,
        "OffsetCommit",
        9,
        lambda k: committing(k, 9, {0: ""}, group_id=group, member_id=k.one, generation_id_or_member_epoch=7),
    )
    yield ask(group, "OffsetDelete", 0, deleting(group))
    yield ask(group, "DeleteGroups", 2, {"groups_names": [group]})
    yield ask(group, "JoinGroup", version, joining(group, protocol_type="connect"))
    yield ask(group, "JoinGroup", version, joining(group, protocols=[{"name": "mine", "metadata": b""}]))
    yield ask(group, "JoinGroup", version, joining(group, "x"))
    # The second member comes; the first one hears of it by its heartbeat.
    if version >= 4:
        yield ask(group, "JoinGroup", version, joining(group), "two", learn=(("two", "member_id"),))
        yield ask(group, "JoinGroup", version, lambda k: joining(group, k.two), "two", mode="send")
    else:
        yield ask(group, "JoinGroup", version, joining(group), "two", mode="send")
    yield ask(
        group,
        "Heartbeat",
        4,
        lambda k: {"group_id": group, "generation_id": k.generation, "member_id": k.one},
        mode="await rebalance",
    )
    yield ask(group, "SyncGroup", sync, lambda k: syncing(group, k.one, k.generation))
    yield ask(group, "DescribeGroups", 6, {"groups": [group]})
    yield ask(group, "JoinGroup", version, lambda k: joining(group, k.one), learn=one)
    yield ask(group, "JoinGroup", version, {}, "two", mode="receive", learn=(("two", "member_id"),))
    yield ask(group, "SyncGroup", sync, lambda k: syncing(group, k.two, k.generation), "two", mode="send")
    yield ask(group, "SyncGroup", sync, lambda k: syncing(group, k.one, k.generation, (k.one,)))
    yield ask(group, "SyncGroup", sync, {}, "two", mode="receive")
    yield ask(group, "JoinGroup", version, lambda k: joining(group, k.two), "two")
    leave = min(version, 5)
    if leave >= 3:
        yield ask(
            group,
            "LeaveGroup",
            leave,
            lambda k: {"group_id": group, "members": [{"member_id": k.two}, {"member_id": "x"}, {"member_id": k.one}]},
        )
    else:
        yield ask(group, "LeaveGroup", leave, lambda k: {"group_id": group, "member_id": k.two})
        yield ask(group, "LeaveGroup", leave, lambda k: {"group_id": group, "member_id": k.one})
    yield ask(group, "DescribeGroups", 6, {"groups": [group]})
    yield ask(group, "OffsetFetch", 2, {"group_id": group, "topics": None})
    yield ask(group, "OffsetDelete", 0, deleting(group))
    yield ask(group, "DeleteGroups", 2, {"groups_names": [group]})


def static(version: int) -> Iterator[Step]:
    """A member with an instance id comes back, is fenced, and is taken out (JoinGroup 5 and newer)."""
    group = f"static-{version}"
    one, generation = (("one", "member_id"),), (("generation", "generation_id"),)
    yield ask(group, "JoinGroup", version, joining(group, group_instance_id="i"), learn=one + generation)
    yield ask(group, "SyncGroup", 5, lambda k: syncing(group, k.one, k.generation, (k.one,), group_instance_id="i"))
    yield ask(group, "JoinGroup", version, joining(group, group_instance_id="i"), learn=(("again", "member_id"),))
    yield ask(group, "DescribeGroups", 6, {"groups": [group]})
    yield ask(group, "SyncGroup", 5, lambda k: syncing(group, k.again, k.generation, (), group_instance_id="i"))
    who: Callable[[str], Fields] = lambda name: (
        lambda k: {"group_id": group, "generation_id": k.generation, "member_id": k[name], "group_instance_id": "i"}
    )
    yield ask(group, "Heartbeat", 4, who("one"))
    yield ask(group, "Heartbeat", 4, who("again"))
    yield ask(group, "Heartbeat", 4, lambda k: who("again")(k) | {"group_instance_id": "j"})
    yield ask(group, "SyncGroup", 5, lambda k: syncing(group, k.one, k.generation, (), group_instance_id="i"))
    yield ask(group, "JoinGroup", version, lambda k: joining(group, k.one, group_instance_id="i"))
    yield ask(
        group,
        "OffsetCommit",
        9,
        lambda k: committing(
            k, 9, {0: ""}, group_id=group, member_id=k.one, group_instance_id="i", generation_id_or_member_epoch=k.generation
        ),
    )
    yield ask(
        group,
        "OffsetCommit",
        9,
        lambda k: committing(
            k, 9, {0: ""}, group_id=group, member_id=k.again, group_instance_id="i", generation_id_or_member_epoch=k.generation
        ),
    )
    yield ask(group, "LeaveGroup", 5, lambda k: {"group_id": group, "members": [{"member_id": k.one, "group_instance_id": "i"}]})
    yield ask(group, "LeaveGroup", 5, {"group_id": group, "members": [{"member_id": "", "group_instance_id": "i"}]})
    yield ask(group, "DescribeGroups", 6, {"groups": [group]})
    yield ask(group, "DeleteGroups", 2, {"groups_names": [group]})


def conversation() -> Iterator[Step]:
    """All of it, in order."""
    yield from strangers()
    yield from simple()
    for version in versions("JoinGroup"):
        yield from dynamic(version)
    for version in range(5, 10):
        yield from static(version)


# ---- what was said


def learn(step: Step, answer: Any, known: Known) -> None:
    """Remembers what later steps need; a member id by its name."""
    for name, field in step.learn:
        known[name] = getattr(answer, field)
        if field == "member_id" and known[name]:
            known.setdefault("names", {}).setdefault(known[name], f"<{name} of {step.group}>")


def normal(step: Step, answer: Any, known: Known) -> str:
    """The answer as text, with names for what differs by nature."""
    text = _plain(answer, known)
    text = text.replace(str(known.topic_id), "<topic id>")
    return f"{step.api} {step.version} {step.group}: " + re.sub(r"node_id=\d+, host='[^']*', port=\d+", "<a broker>", text)


def _plain(value: Any, known: Known) -> str:
    if is_dataclass(value):
        told = [f"{part.name}={_plain(getattr(value, part.name), known)}" for part in fields(value) if part.name != "throttle_time"]
        return f"({', '.join(told)})"
    if isinstance(value, tuple):
        rows = [_plain(row, known) for row in value]
        unordered = value and type(value[0]).__name__ in {"ListedGroup", "DescribedGroupMember", "JoinGroupResponseMember"}
        return f"[{', '.join(sorted(rows) if unordered else rows)}]"
    if isinstance(value, str):
        named = known.get("names", {}).get(value, value)
        return repr(re.sub(r"^(raw|i)-[0-9a-f]{8}-[0-9a-f-]{27}$", r"<an id of \1>", named))
    return value.name if hasattr(value, "name") and hasattr(value, "value") else repr(value)
