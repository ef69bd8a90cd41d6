"""Within one incarnation of a node a replica's high watermark never falls; a restarted node begins from its checkpoint."""

from tests.simulation.universe import Universe


class Watch:
    """Looks at all replicas whenever it is asked to."""

    def __init__(self) -> None:
        self._seen: dict[tuple, int] = {}

    def look(self, universe: Universe, topic: str) -> None:
        """Fails when a high watermark is lower than at the last look."""
        for number in universe.alive():
            node = universe.nodes[number]
            for replica in node.replicas.all():
                if replica.topic != topic:
                    continue
                key = (number, node.spec.incarnation, replica.index)
                now = replica.log.high_watermark
                assert now >= self._seen.get(key, 0), f"{topic}-{replica.index} on node {number}: {self._seen[key]} -> {now}"
                self._seen[key] = now
