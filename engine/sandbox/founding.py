"""Builds a sandbox in a data folder: its world, its cluster, and the picture to go on from."""

from typing import Any

from engine.cluster.cluster import Cluster
from engine.cluster.launch import Launcher
from engine.events.journal import Journal
from engine.metadata.configs import CONFIGS, demo_values
from engine.sandbox.apps import Apps
from engine.sandbox.sandbox import Sandbox
from engine.sandbox.script import racks
from engine.sandbox.snapshot import VERSION, Snapshot, blank
from engine.world.real import real_world


def found(
    *, name: str, folder: str, port: int, brokers: int, profile: str, starts: int, picture: Snapshot | None, apps: Apps | None
) -> Sandbox:
    """A sandbox that has not been started. `starts`: how often a host has started it, this time included.

    `picture`: the last one of an earlier start. `port` and `brokers` count for a new folder only.
    """
    world = real_world()
    journal = Journal(node=0, incarnation=starts, now_ms=lambda: cluster.clock.now_ms())
    cluster = Cluster(
        world=world, folder=folder, port=port, racks=list(racks(brokers)), profile=profile, journal=journal, launcher=Launcher()
    )
    state = picture or blank(
        sandbox=name, profile=profile, configs={}, cluster_id="", bootstrap_servers="", at_ms=world.clock.now_ms()
    )
    state = state | {"profile": {"name": profile, "configs": changed_configs(profile)}, "time": {"paused": False, "factor": 1}}
    return Sandbox(world=world, cluster=cluster, journal=journal, state=state, apps=apps)


def changed_configs(profile: str) -> dict[str, list[Any]]:
    """What the profile changes: name -> [value here, Kafka's default], for the screen to say."""
    if profile != "demo":
        return {}
    return {name: [_plain(value), _plain(CONFIGS["broker", name].default)] for name, value in sorted(demo_values().items())}


def _plain(value: Any) -> Any:
    text = str(value)
    return int(text) if text.lstrip("-").isdigit() else value


def is_readable(picture: Any) -> bool:
    """Can this version go on from it? A newer one's shape may differ."""
    return isinstance(picture, dict) and picture.get("version") == VERSION
