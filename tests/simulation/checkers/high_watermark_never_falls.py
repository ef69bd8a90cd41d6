"""Within one incarnation of a node a replica's high watermark never falls; a leader's never falls at all."""

from tests.simulation.universe import Universe


class Watch:
    """Looks at all replicas whenever it is asked to."""

    def __init__(self) -> None:
        self._seen: dict[tuple, int] = {}

    def look(self, universe: Universe, topic: str, partitions: int) -> None:
        """Fails when a high watermark is lower than at the last look."""
        for number in universe.alive():
            node = universe.nodes[number]
            for partition in range(partitions):
                replica = node.replicas.partitions.get((topic, partition)) if node.replicas is not None else None
                if replica is None:
                    continue
                key = (number, node.spec.incarnation, partition)
                now = replica.log.high_watermark
                assert now >= self._seen.get(key, 0), f"{topic}-{partition} on node {number}: {self._seen[key]} -> {now}"
                self._seen[key] = now
