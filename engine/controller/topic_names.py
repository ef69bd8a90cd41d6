"""Which names a topic may have, in Kafka's words."""

import re
from collections.abc import Iterable

from engine.protocol.errors import InvalidTopic

LENGTH_MAX = 249  # a folder is named <topic>-<partition>, and file systems end at 255
LEGAL = re.compile(r"[a-zA-Z0-9._-]+")
METADATA_TOPIC = "__cluster_metadata"
INTERNAL_TOPICS = frozenset({"__consumer_offsets", "__transaction_state", "__share_group_state"})


def check_name(name: str) -> None:
    """Raises InvalidTopic."""
    if not name:
        raise InvalidTopic("Topic name is invalid: the empty string is not allowed")
    if name in (".", ".."):
        raise InvalidTopic(f"Topic name is invalid: '{name}' is not allowed")
    if len(name) > LENGTH_MAX:
        raise InvalidTopic(f"Topic name is invalid: the length of '{name}' is longer than the max allowed length {LENGTH_MAX}")
    if not LEGAL.fullmatch(name):
        raise InvalidTopic(
            f"Topic name is invalid: '{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
        )


def folded(name: str) -> str:
    """Names that fold to the same collide: metrics write '.' as '_'."""
    return name.replace(".", "_")


def collision(name: str, existing: Iterable[str]) -> str | None:
    """The existing topic with which the name collides."""
    if "." not in name and "_" not in name:
        return None
    mine = folded(name)
    return next((other for other in sorted(existing) if other != name and folded(other) == mine), None)
