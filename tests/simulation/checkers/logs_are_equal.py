"""After healing all replicas of a partition hold the same bytes below the high watermark."""

from tests.simulation.universe import Universe


def check(universe: Universe, topic: str, partitions: int) -> None:
    """Compares every replica with the first one."""
    for partition in range(partitions):
        logs = {number: universe.nodes[number].replicas.find(topic, partition).log for number in universe.alive()}
        end = min(log.high_watermark for log in logs.values())
        held = {number: log.read_records(0, bytes_max=1 << 30, upper=end) for number, log in logs.items()}
        first = min(held)
        different = [number for number, data in held.items() if data != held[first]]
        assert not different, f"{topic}-{partition}: below {end} nodes {different} differ from node {first}"
