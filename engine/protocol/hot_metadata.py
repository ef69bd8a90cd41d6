"""Metadata responses written by struct: a thousand topics are six thousand partitions, and kio writes every field by itself.

Versions 0 to 13.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from functools import lru_cache
from uuid import UUID

from engine.protocol.hot_fields import INT16, INT32, RESPONSE_HEAD, count, string

FLEXIBLE_SINCE = 9
ARRAYS_KEPT = 4096  # many partitions have the same replicas in the same order

Ids = tuple[int, ...]

_LEADING = struct.Struct(">hii")
_WITH_EPOCH = struct.Struct(">hiii")
_NO_ID = bytes(16)


def partition(
    version: int, index: int, *, error: int, leader: int, leader_epoch: int, replicas: Ids, isr: Ids, offline: Ids
) -> bytes:
    """One partition of a topic."""
    flexible = version >= FLEXIBLE_SINCE
    out = _WITH_EPOCH.pack(error, index, leader, leader_epoch) if version >= 7 else _LEADING.pack(error, index, leader)
    out += _ids(replicas, flexible) + _ids(isr, flexible)
    if version >= 5:
        out += _ids(offline, flexible)
    return out + b"\0" if flexible else out


@lru_cache(ARRAYS_KEPT)
def _ids(ids: Ids, flexible: bool) -> bytes:
    return count(len(ids), flexible=flexible) + struct.pack(f">{len(ids)}i", *ids)


def topic(
    version: int,
    name: str | None,
    topic_id: UUID | None = None,
    *,
    error: int = 0,
    is_internal: bool = False,
    partitions: Sequence[bytes] = (),
    authorized_operations: int,
) -> bytes:
    """A topic, or why it is not told of. Only version 12 and newer can leave the name out."""
    flexible = version >= FLEXIBLE_SINCE
    out = [INT16.pack(error), string(name if version >= 12 else name or "", flexible=flexible)]
    if version >= 10:
        out.append(topic_id.bytes if topic_id else _NO_ID)
    if version >= 1:
        out.append(b"\1" if is_internal else b"\0")
    out += (count(len(partitions), flexible=flexible), *partitions)
    if version >= 8:
        out.append(INT32.pack(authorized_operations))
    if flexible:
        out.append(b"\0")
    return b"".join(out)


def write_response(
    version: int,
    correlation_id: int,
    *,
    brokers: Iterable[tuple[int, str, int, str | None]],
    cluster_id: str,
    controller_id: int,
    topics: Sequence[bytes],
    authorized_operations: int,
) -> bytes:
    """The whole response with its length prefix. `brokers`: (node, host, port, rack); `topics` as `topic` writes them."""
    flexible = version >= FLEXIBLE_SINCE
    told = [_broker(version, *broker) for broker in brokers]
    out = [b"\0" if flexible else b""]
    if version >= 3:
        out.append(b"\0\0\0\0")  # never throttled
    out += (count(len(told), flexible=flexible), *told)
    if version >= 2:
        out.append(string(cluster_id, flexible=flexible))
    if version >= 1:
        out.append(INT32.pack(controller_id))
    out += (count(len(topics), flexible=flexible), *topics)
    if 8 <= version <= 10:
        out.append(INT32.pack(authorized_operations))
    if version >= 13:
        out.append(b"\0\0")  # no error
    if flexible:
        out.append(b"\0")
    body = b"".join(out)
    return RESPONSE_HEAD.pack(4 + len(body), correlation_id) + body


def _broker(version: int, node: int, host: str, port: int, rack: str | None) -> bytes:
    flexible = version >= FLEXIBLE_SINCE
    out = INT32.pack(node) + string(host, flexible=flexible) + INT32.pack(port)
    if version >= 1:
        out += string(rack, flexible=flexible)
    return out + b"\0" if flexible else out
