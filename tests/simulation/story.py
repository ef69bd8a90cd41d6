"""A run told line by line: what the universe did, what nodes decided and why, in the order in which it happened."""

from collections.abc import Iterator
from typing import Any

SUBJECT = ("topic", "partition", "group", "member", "broker", "leader", "candidate", "follower", "client_id")
HIDDEN = {"kind", "id", "node", "incarnation", "at_ms", "causes", "configs", "partitions", "topic_id", "host", "port", "voters", "rack"}
UNTOLD = {"ClientConnected", "ClientDisconnected"}  # thousands, and nothing follows from them


def tell(facts: list[dict[str, Any]], *, start_ms: int) -> Iterator[str]:
    """One line a fact: when, where, what, and the kinds of facts that it follows from."""
    kinds = {fact["id"]: fact["kind"] for fact in facts if fact.get("id")}
    for fact in facts:
        if fact["kind"] in UNTOLD:
            continue
        where = f"node {fact['node']}" if fact.get("id") else "world "
        causes = [kinds[cause] for cause in fact.get("causes", ()) if cause in kinds]
        because = f"  <- {', '.join(causes)}" if causes else ""
        yield f"{fact['at_ms'] - start_ms:>8} {where}  {fact['kind']} {_details(fact)}{because}"


def _details(fact: dict[str, Any]) -> str:
    names = [name for name in SUBJECT if name in fact] + sorted(set(fact) - set(SUBJECT) - HIDDEN)
    said = [f"{name}={_short(fact[name])}" for name in names if fact[name] not in (None, "", (), [], {})]
    configs = [f"{name}={value}" for name, value in sorted(fact.get("configs", {}).items())]
    return " ".join(said + configs)


def _short(value: Any) -> str:
    text = f"[{' '.join(map(str, value))}]" if isinstance(value, (list, tuple)) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"
