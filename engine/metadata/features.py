"""The features that nodes know, and between which levels (KIP-584, KIP-1022).

Source: Apache Kafka 4.3.1's answer to ApiVersions.
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
