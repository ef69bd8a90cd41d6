"""Which topic names are allowed, which topics are the cluster's own.

Source: org.apache.kafka.common.internals.Topic.
"""

import re

NAME_LENGTH_MAX = 249  # so that "<name>-<partition>" and its delete suffix fit a file name of 255

INTERNAL_TOPICS = ("__consumer_offsets", "__transaction_state", "__share_group_state")

_LEGAL = re.compile(r"[a-zA-Z0-9._-]+")


def is_valid_topic_name(name: str) -> bool:
    """May a topic be called so?"""
    return why_invalid(name) is None


def why_invalid(name: str) -> str | None:
    """Kafka's words for what is wrong with the name; None when nothing is."""
    if not name:
        return "Topic name is invalid: the empty string is not allowed"
    if name in (".", ".."):
        return "Topic name is invalid: '.' or '..' is not allowed"
    if len(name) > NAME_LENGTH_MAX:
        return f"Topic name is invalid: the length of '{name}' is longer than the max allowed length {NAME_LENGTH_MAX}"
    if not _LEGAL.fullmatch(name):
        return (
            f"Topic name is invalid: '{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
        )
    return None


def collides(one: str, other: str) -> bool:
    """Names that differ only in '.' and '_' would be one metric."""
    return one != other and one.replace(".", "_") == other.replace(".", "_")


def is_internal(name: str) -> bool:
    """Topics that coordinators keep their state in."""
    return name in INTERNAL_TOPICS
