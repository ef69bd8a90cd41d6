"""The shape of the picture: what a sandbox looks like at one number. Plain JSON values, nothing else.

A snapshot is never changed; apply.py makes the next one, which shares what did not change.
"""

from typing import Any

Snapshot = dict[str, Any]

VERSION = 1  # of the shape; viewers refuse another
SESSION_TIMEOUT_MS = 9_000  # Kafka's default of broker.session.timeout.ms


def blank(
    *, sandbox: str, profile: str, configs: dict[str, list[Any]], cluster_id: str, bootstrap_servers: str, at_ms: int
) -> Snapshot:
    """A sandbox before its first fact. `configs`: what the profile changes, name -> [value here, Kafka's default]."""
    return {
        "version": VERSION,
        "number": 0,
        "at_ms": at_ms,
        "sandbox": sandbox,
        "time": {"paused": False, "factor": 1},
        "profile": {"name": profile, "configs": configs},
        "clusters": [
            {
                "id": cluster_id,
                "name": sandbox,
                "bootstrap_servers": bootstrap_servers,
                "controller": -1,
                "controller_epoch": 0,
                "quorum": {"leader": -1, "epoch": 0, "high_watermark": 0, "voters": [], "observers": []},
                "brokers": [],
                "topics": [],
                "groups": [],
                "clients": [],
            }
        ],
    }


def new_broker(fact: dict[str, Any], session_timeout_ms: int) -> dict[str, Any]:
    """A broker that belongs to the cluster and does not run yet."""
    return {
        "id": fact["broker"],
        "rack": fact["rack"],
        "state": "added",
        "pid": None,
        "host": fact["host"],
        "port": fact["port"],
        "voter": fact["voter"],
        "incarnation": 0,
        "epoch": -1,
        "fenced": True,
        "since_ms": fact["at_ms"],
        "log_bytes": 0,
        "heartbeat_ms": None,
        "session_timeout_ms": session_timeout_ms,
    }


def new_partition(wire: dict[str, Any]) -> dict[str, Any]:
    """A partition of which only the metadata is known."""
    return {
        "partition": wire["partition"],
        "leader": wire["leader"],
        "leader_epoch": wire["leader_epoch"],
        "partition_epoch": wire["partition_epoch"],
        "replicas": wire["replicas"],
        "isr": wire["isr"],
        "elr": wire.get("elr") or [],
        "high_watermark": 0,
        "log_start": 0,
        "logs": {},
        "epochs": [],
    }


BLANK_LOG = {"end": 0, "hw": 0, "start": 0, "size": 0, "segments": []}


def new_group(name: str) -> dict[str, Any]:
    """A group of which only the name is known."""
    return {
        "name": name,
        "state": "Empty",
        "protocol_type": "",
        "protocol": "",
        "generation": 0,
        "coordinator": None,
        "members": [],
        "offsets": {},
    }


def new_app(fact: dict[str, Any]) -> dict[str, Any]:
    """A producer or consumer of the playground."""
    return {
        "name": fact["client"],
        "app": fact["app"],
        "ours": True,
        "state": "running",
        "topic": fact["topic"],
        "group": fact["group"],
        "settings": fact["settings"],
        "client_id": fact["client"],
        "software": "",
        "software_version": "",
        "address": "",
        "connections": {},
        "report": {},
    }


def new_stranger(fact: dict[str, Any]) -> dict[str, Any]:
    """A client from outside, seen by its first connection."""
    return {
        "name": fact["client_id"],
        "app": "client",
        "ours": False,
        "state": "running",
        "topic": None,
        "group": None,
        "settings": {},
        "client_id": fact["client_id"],
        "software": fact["software"],
        "software_version": fact["software_version"],
        "address": fact["address"],
        "connections": {str(fact["node"]): 1},
        "report": {},
    }
