"""What the warm parent loads before it forks: the message classes that nodes and usual clients use. The rest comes on first use.

All 604 of kio's schema modules take 1.65 s and 26 MiB; these take a tenth of it. Clients' classes wait until the first brokers
are on their way: a cluster is up the sooner, and brokers that are started later share them.
"""

from engine.protocol.codec import message_class

# Between nodes, from the first moment on.
OF_NODES = {
    "Vote": (2,),
    "BeginQuorumEpoch": (1,),
    "EndQuorumEpoch": (1,),
    "BrokerRegistration": (4,),
    "BrokerHeartbeat": (1,),
    "AlterPartition": (3,),
    "Envelope": (0,),
    "AllocateProducerIds": (0,),
}
# What librdkafka 2, Java 4 and kafka-python 2 ask; newest first, since a class is taught by the newest of its API.
OF_CLIENTS = {
    "ApiVersions": (4, 3, 0),
    "Metadata": (13, 12),
    "FindCoordinator": (6, 2),
    "JoinGroup": (9, 5),
    "SyncGroup": (5, 3),
    "Heartbeat": (4, 3),
    "LeaveGroup": (5, 1),
    "OffsetCommit": (10, 9),
    "OffsetFetch": (10, 9),
    "ListOffsets": (11, 7),
    "CreateTopics": (7, 4),
    "InitProducerId": (5, 4),
}


def preload(apis: dict[str, tuple[int, ...]]) -> None:
    """Loads the classes of these APIs and versions."""
    for name, versions in apis.items():
        for version in versions:
            message_class(name, "request", version)
            message_class(name, "response", version)
