"""What a cluster is made of, and the file that remembers it: cluster id, nodes with racks and ports, who votes.

The nodes that a cluster begins with, three at most, are the quorum's voters for good; later ones are brokers only.
"""

import base64
import json
import uuid
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.broker.node_spec import NodeSpec
from engine.storage.checkpoints import WrongFolder
from engine.world.disk import Disk

FILE = "cluster.json"
VERSION = 1
VOTERS_MAX = 3
HOST = "localhost"  # bound, and told to clients
BROKERS_MAX = 32  # a workshop's machine has no room for more


@dataclass(slots=True)
class NodeEntry:
    """A node that belongs to the cluster, running or not. `incarnation`: how often it was started."""

    id: int
    rack: str | None
    port: int
    voter: bool
    incarnation: int = 0


@dataclass(slots=True)
class ClusterSpec:
    """Everything that a restart of the host must know. `next_id`: ids of removed nodes are not given again."""

    cluster_id: str
    nodes: dict[int, NodeEntry] = field(default_factory=dict)
    next_id: int = 1

    @property
    def voters(self) -> list[int]:
        """Ids of the quorum's voters."""
        return sorted(entry.id for entry in self.nodes.values() if entry.voter)

    def add(self, rack: str | None, port: int, *, voter: bool) -> NodeEntry:
        """A new node under the next id."""
        entry = NodeEntry(self.next_id, rack, port, voter)
        self.nodes[entry.id] = entry
        self.next_id += 1
        return entry

    def node_spec(self, node_id: int, *, folder: str, profile: str, config: dict[str, str]) -> NodeSpec:
        """What the node is told when it starts."""
        entry = self.nodes[node_id]
        return NodeSpec(
            node_id=node_id,
            cluster_id=self.cluster_id,
            host=HOST,
            port=entry.port,
            advertised_host=HOST,
            rack=entry.rack,
            folder=folder,
            voters={voter: (HOST, self.nodes[voter].port) for voter in self.voters},
            config=self._defaults() | config,
            profile=profile,
            incarnation=entry.incarnation,
        )

    def _defaults(self) -> dict[str, str]:
        # A cluster of one or two nodes could never create its internal topics with Kafka's three replicas.
        replicas = str(min(VOTERS_MAX, len(self.voters)))
        names = (
            "offsets.topic.replication.factor",
            "transaction.state.log.replication.factor",
            "share.coordinator.state.topic.replication.factor",
        )
        few = {"transaction.state.log.min.isr": "1", "share.coordinator.state.topic.min.isr": "1"} if len(self.voters) < VOTERS_MAX else {}
        return dict.fromkeys(names, replicas) | few


def new_cluster_id(value: uuid.UUID) -> str:
    """As kafka-storage's random-uuid writes it: 22 letters of base64, none of them `-` first."""
    text = base64.urlsafe_b64encode(value.bytes).decode().rstrip("=")
    return "A" + text[1:] if text.startswith("-") else text


def load(disk: Disk, folder: str) -> ClusterSpec | None:
    """None for a new folder. Raises WrongFolder for one of a newer version, or one that is not a cluster's."""
    path = disk.join(folder, FILE)
    if not disk.exists(path):
        return None
    try:
        values: dict[str, Any] = json.loads(disk.read_whole(path))
        version = values["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise WrongFolder(f"{path} is not a cluster's file: {error}") from error
    if version != VERSION:
        raise WrongFolder(f"{path} has version {version}; this one knows version {VERSION}")
    nodes = {entry["id"]: NodeEntry(**entry) for entry in values["nodes"]}
    return ClusterSpec(values["cluster_id"], nodes, values["next_id"])


def save(disk: Disk, folder: str, spec: ClusterSpec) -> None:
    """All or nothing."""
    nodes = [asdict(entry) for _, entry in sorted(spec.nodes.items())]
    values = {"version": VERSION, "cluster_id": spec.cluster_id, "next_id": spec.next_id, "nodes": nodes}
    disk.make_folder(folder)
    disk.replace(disk.join(folder, FILE), json.dumps(values, indent=1).encode())
