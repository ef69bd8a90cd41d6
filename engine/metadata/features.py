"""The features that nodes know and the levels at which a new cluster starts (KIP-584, KIP-1022).

Source: Apache Kafka 4.3.1's answer to ApiVersions and its bootstrap records.
"""

# name -> (oldest, newest level that this node can work at)
SUPPORTED_FEATURES: dict[str, tuple[int, int]] = {
    "eligible.leader.replicas.version": (0, 1),
    "group.version": (0, 1),
    "kraft.version": (0, 1),
    "metadata.version": (7, 30),
    "share.version": (0, 1),
    "streams.version": (0, 1),
    "transaction.version": (0, 2),
}

# What the first active controller of a new cluster writes, metadata.version first.
BOOTSTRAP_FEATURES: dict[str, int] = {
    "metadata.version": 30,
    "eligible.leader.replicas.version": 1,
    "group.version": 1,
    "share.version": 1,
    "streams.version": 1,
    "transaction.version": 2,
}
