"""Who was fenced a moment ago, and is still named in Metadata with the profile `demo`. Decides only.

Not as Kafka, which drops a broker from the very answer that moves its partitions. librdkafka, told both at once, at times loses the
move: the thread of the broker that is gone hands its partitions to nobody, and the client looks again a second later, longer than a
demo's whole failover. Told one after the other it loses none. The profile `kafka` does as Kafka does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.broker.cluster_view import alive_brokers

if TYPE_CHECKING:
    from engine.metadata.delta import Delta
    from engine.metadata.image import BrokerImage, MetadataImage
    from engine.world.clock import Clock

NAMED_MS = {"demo": 1_500}  # librdkafka looks once a second


class LatelyFenced:
    """What one node remembers. Who left in good order, or is not registered any more, is not named."""

    def __init__(self, *, clock: Clock, image: MetadataImage, profile: str) -> None:
        self._clock = clock
        self._image = image
        self._named_ms = NAMED_MS.get(profile, 0)
        self._since: dict[int, float] = {}

    def follow(self, delta: Delta) -> None:
        """The image has changed so."""
        for number in sorted(delta.brokers_changed):
            before, now = delta.brokers_before[number], self._image.brokers.get(number)
            if now is None or not now.fenced:
                self._since.pop(number, None)
            elif before is not None and not before.fenced and not now.in_controlled_shutdown:
                self._since[number] = self._clock.monotonic_ms()

    def named(self) -> list[BrokerImage]:
        """Alive brokers and those that were until a moment ago, by id."""
        alive = alive_brokers(self._image)
        if not self._since:
            return alive
        oldest = self._clock.monotonic_ms() - self._named_ms
        self._since = {number: fenced_at for number, fenced_at in self._since.items() if fenced_at > oldest}
        return sorted([*alive, *(self._image.brokers[number] for number in self._since)], key=lambda broker: broker.id)

    def __repr__(self) -> str:
        return f"<LatelyFenced {sorted(self._since)}>"
