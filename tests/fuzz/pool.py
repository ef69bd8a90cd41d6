"""What a hostile client puts into a field: plausible names and numbers, and those at the edge, by the field's name."""

import random
import string
from uuid import UUID

TOPICS = {
    "plain": {},
    "compacted": {"cleanup.policy": "compact"},
    "stamped": {"message.timestamp.type": "LogAppendTime"},
    "gzipped": {"compression.type": "gzip"},
    "aged": {"message.timestamp.before.max.ms": "3600000"},
}
GROUPS = ("billing", "shipping", "audit")
MEMBERS = ("", "nobody", "static-1")
CLUSTER_ID = "simulated-cluster-id-0"

# Text that some decoder, log line or file name does not expect; the last ones cannot be UTF-8.
STRANGE = (
    b"", b"\0", b" ", b".", b"..", b"../../etc", b"a/b", b"x" * 249, b"x" * 250, b"y" * 4000, "ключ".encode(), "𝒦afka".encode(), b"%s%n{}",
    b"__consumer_offsets", b"__cluster_metadata", b"__transaction_state", b"\xff\xfe", b"\xc3(", b"\xed\xa0\x80",
)  # fmt: skip
NEW_TOPICS = ("new-0", "new-1", "new-2", "new_2", "new.2")

_TEXTS: dict[str, tuple[str, ...]] = {
    "topic": (*TOPICS, *TOPICS, *NEW_TOPICS, "unknown"),
    "group": (*GROUPS, *GROUPS, "unknown", ""),
    "protocol": ("range", "roundrobin", "cooperative-sticky", ""),
    "protocol_type": ("consumer", "consumer", "connect", ""),
    "instance": ("static-1", "static-2"),
    "config": ("retention.ms", "cleanup.policy", "min.insync.replicas", "max.message.bytes", "segment.bytes", "no.such", "compression.type"),
    "value": ("1", "-1", "0", "delete", "compact", "gzip", "none", "99999999999999999999", "true", "LogAppendTime", "1e3", "1000012", "6000"),
    "resource": (*TOPICS, "1", "2", "", "x", *GROUPS),
    "cluster": (CLUSTER_ID, CLUSTER_ID, "another-cluster"),
    "software": ("fuzz", "1.0", "", "a b", "-x"),
    "endpoint": ("PLAINTEXT", "CONTROLLER", "node-1", "localhost"),
    "feature": ("metadata.version", "kraft.version", "group.version", "no.version"),
}  # fmt: skip
_TEXT_OF = {
    **dict.fromkeys(("topic", "topics", "topic_name", "topic_names"), "topic"),
    **dict.fromkeys(("group_id", "groups_names", "groups", "group", "key", "coordinator_keys"), "group"),
    **dict.fromkeys(("protocol_name",), "protocol"),
    "protocol_type": "protocol_type", "group_instance_id": "instance", "config_name": "config", "configuration_keys": "config",
    "value": "value", "resource_name": "resource", "cluster_id": "cluster", "client_software_name": "software",
    "client_software_version": "software", "host": "endpoint", "feature": "feature",
}  # fmt: skip

_PARTITION = (0, 0, 0, 1, 2, 3, -1, 7, 2**31 - 1, -(2**31))
_OFFSET = (0, 0, 1, 2, 5, -1, -2, -3, -4, -5, -6, 1000, 2**63 - 1, -(2**63), 2**31)
_WAIT_MS = (0, 0, 1, 10, 100, 500, -1)
_EPOCH = (-1, -1, 0, 1, 2, 5, 2**31 - 1, -(2**31))
_BROKER = (1, 1, 2, 3, 0, -1, -2, 99, 2**31 - 1)
_BYTES = (1 << 20, 1 << 16, 1, 0, 100, -1, 2**31 - 1, -(2**31))
_NUMBERS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("partition", "partition_index", "index", "partitions", "partition_indexes", "partition_id"), _PARTITION),
    **dict.fromkeys(("offset", "fetch_offset", "committed_offset", "timestamp", "log_start_offset", "last_offset"), _OFFSET),
    **dict.fromkeys(("timeout", "timeout_ms", "max_wait"), _WAIT_MS),
    **dict.fromkeys(("session_timeout", "rebalance_timeout"), (6_000, 6_000, 10_000, 10_000, 30_000, 0, 2**31 - 1)),
    **dict.fromkeys(("generation_id", "generation_id_or_member_epoch"), (-1, 0, 1, 1, 2, 3, 2**31 - 1, -(2**31))),
    **dict.fromkeys(("session_epoch",), (-1, -1, -1, 0, 0, 0, 1, 2, 2**31 - 1)),
    **dict.fromkeys(("leader_epoch", "current_leader_epoch", "last_fetched_epoch", "committed_leader_epoch"), _EPOCH),
    **dict.fromkeys(("broker_id", "broker_ids", "leader_id", "node_id", "voter_id", "candidate_id"), _BROKER),
    **dict.fromkeys(("max_bytes", "min_bytes", "partition_max_bytes"), _BYTES),
    "replica_id": (-1, -1, -1, -1, -2, 2, 99, 2**31 - 1),
    "session_id": (0, 0, 0, 1, -1, 12345, 2**31 - 1),
    "acks": (-1, -1, -1, -1, 1, 1, 1, 1, 0, 0, 2, 32767),
    # Between a few and the controller's limit lies only work that is asked for honestly.
    "num_partitions": (-1, 1, 2, 3, 0, -2, 10_001, 2**31 - 1, -(2**31)),
    "count": (1, 2, 3, 4, 0, -1, 2**31 - 1, -(2**31)),
    "replication_factor": (-1, 1, 1, 2, 3, 0, -2, 32767),
    "resource_type": (2, 2, 4, 4, 0, 1, 8, 16, 32, 127, -128),
    "config_operation": (0, 1, 2, 3, -1, 127),
    "election_type": (0, 1, 2, -1),
    "key_type": (0, 0, 1, 2, 3, -1),
    "endpoint_type": (1, 1, 2, 0, -1),
    "isolation_level": (0, 1, 2, -1),
    "version": (0, 1, 2, 32767),
}  # fmt: skip
EDGES = {size: (0, 0, 1, 1, 2, -1, 2 ** (8 * size - 1) - 1, -(2 ** (8 * size - 1)), 100) for size in (1, 2, 4, 8)}


class Pool:
    """Draws values from one seed; `topic_ids` and `members` are what the cluster has told so far."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.topic_ids: list[UUID] = []
        self.members: list[str] = list(MEMBERS)
        self.cluster_id = CLUSTER_ID

    def text(self, owner: str, field: str) -> bytes:
        """Of the field `field` in a message class named `owner`."""
        chance = self.chance
        luck = chance.random()
        if luck < 0.04:
            return chance.choice(STRANGE)
        if luck < 0.05:
            return "".join(chance.choices(string.printable, k=chance.randrange(40))).encode()
        if field == "member_id":
            return chance.choice(self.members).encode()
        if field == "cluster_id" and luck < 0.7:
            return self.cluster_id.encode()
        return chance.choice(_TEXTS[_kind(owner, field)]).encode()

    def number(self, field: str, size: int) -> int:
        """A signed number of `size` bytes."""
        chance = self.chance
        known = _NUMBERS.get(field)
        if known is None or chance.random() < 0.05:
            known = EDGES[size]
        value = chance.choice(known)
        return value if -(1 << 8 * size - 1) <= value < 1 << 8 * size - 1 else chance.choice(EDGES[size])

    def uuid(self) -> bytes:
        """A topic's id, mostly."""
        luck = self.chance.random()
        if self.topic_ids and luck < 0.8:
            return self.chance.choice(self.topic_ids).bytes
        return bytes(16) if luck < 0.9 else self.chance.randbytes(16)


def _kind(owner: str, field: str) -> str:
    if field in _TEXT_OF:
        return _TEXT_OF[field]
    if field == "name":
        return "config" if "Config" in owner else "protocol" if "Protocol" in owner else "topic"
    return "group"
