"""Scenarios: command lines that set something up, the same lines that people type."""

FIRST_TOPIC = "orders"


def first_start(brokers: int) -> tuple[str, ...]:
    """What a new playground shows without a click, on as many brokers as there are."""
    replication = min(3, brokers)
    return (
        f"create topic {FIRST_TOPIC} partitions=6 replication={replication} min.insync.replicas={min(2, replication)}",
        f"produce {FIRST_TOPIC} as shop rate=20 keys=50",
        f"consume {FIRST_TOPIC} group=billing members=2",
    )


def racks(brokers: int) -> tuple[str, ...]:
    """One rack for each broker, a to c, then again from a."""
    return tuple("abc"[number % 3] for number in range(brokers))
