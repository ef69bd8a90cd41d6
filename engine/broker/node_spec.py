"""What one node is told before it starts: who it is, where it listens, where its files are, who votes."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """`voters` maps the quorum's node ids to (host, port); `config` holds what differs from Kafka's defaults.

    `advertised_host` is what clients are told; `host` is what the node binds.
    """

    node_id: int
    cluster_id: str
    host: str
    port: int
    advertised_host: str
    rack: str | None
    folder: str
    voters: dict[int, tuple[str, int]]
    config: dict[str, str] = field(default_factory=dict)
    profile: str = "kafka"
    incarnation: int = 1
