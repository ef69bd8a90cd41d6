"""On which brokers the replicas of new partitions go: in stripes over racks, then over brokers, as Kafka's StripedReplicaPlacer.

Racks come before brokers: replicas of one partition stand in as many racks as can be. The first replica, the leader, is never
on a fenced broker; other replicas are only where the unfenced ones do not suffice. Each partition starts one rack further.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.metadata.image import Replicas
from engine.protocol.errors import InvalidReplicationFactor
from engine.world.chance import Chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A broker that may take replicas."""

    id: int
    rack: str | None
    fenced: bool


class _Ring:
    """Brokers of one rack in turn: each once a round, every round begins one further."""

    def __init__(self, brokers: list[int], chance: Chance) -> None:
        self.brokers = sorted(brokers)
        self._start = chance.integer(0, len(brokers) - 1) if brokers else 0
        self._taken = 0
        self._round = 0

    def next(self, round_: int) -> int | None:
        if not self.brokers:
            return None
        if self._round != round_:
            self._round, self._taken = round_, 0
            self._start = (self._start + 1) % len(self.brokers)
        if self._taken >= len(self.brokers):
            return None
        broker = self.brokers[(self._start + self._taken) % len(self.brokers)]
        self._taken += 1
        return broker

    def shuffle(self, chance: Chance) -> None:
        self.brokers = chance.shuffled(self.brokers)


class _Rack:
    def __init__(self, brokers: list[Candidate], chance: Chance) -> None:
        self.unfenced = _Ring([broker.id for broker in brokers if not broker.fenced], chance)
        self.fenced = _Ring([broker.id for broker in brokers if broker.fenced], chance)

    def next(self, round_: int) -> int | None:
        broker = self.unfenced.next(round_)
        return self.fenced.next(round_) if broker is None else broker


class Placer:
    """Places one partition after the other.

    Raises:
        InvalidReplicationFactor: there are too few brokers, or all are fenced.
    """

    def __init__(self, brokers: Iterable[Candidate], chance: Chance) -> None:
        self._chance = chance
        by_rack: dict[str | None, list[Candidate]] = {}
        self._total = self._unfenced = 0
        for broker in sorted(brokers, key=lambda broker: broker.id):
            by_rack.setdefault(broker.rack, []).append(broker)
            self._total += 1
            self._unfenced += not broker.fenced
        names = sorted(by_rack, key=lambda name: (name is not None, name))
        self._racks = [_Rack(by_rack[name], chance) for name in names]
        self._first = chance.integer(0, len(self._racks) - 1) if self._racks else 0
        self._round = 0

    def place(self, replication_factor: int) -> Replicas:
        """The replicas of the next partition, the preferred leader first."""
        if replication_factor <= 0:
            raise InvalidReplicationFactor(f"Invalid replication factor {replication_factor}: the replication factor must be positive.")
        if replication_factor > self._total:
            raise InvalidReplicationFactor(
                f"The target replication factor of {replication_factor} cannot be reached because only {self._total} broker(s) "
                "are registered or some brokers have all their log directories cordoned."
            )
        if self._unfenced == 0:
            raise InvalidReplicationFactor("All brokers are currently fenced.")
        if self._round and self._round % self._unfenced == 0:
            self._shuffle()
        racks = len(self._racks)
        at = self._first % racks
        leader_rack = next(rack for step in range(racks) if self._racks[rack := (at + step) % racks].unfenced.brokers)
        chosen = [self._racks[leader_rack].unfenced.next(self._round)]
        while len(chosen) < replication_factor:
            # The leader's rack has had its turn in the first walk over the racks.
            if at == leader_rack:
                leader_rack = -1
            elif (broker := self._racks[at].next(self._round)) is not None:
                chosen.append(broker)
            at = (at + 1) % racks
        self._round += 1
        self._first = (self._first + 1) % racks
        return tuple(chosen)

    def _shuffle(self) -> None:
        """After as many partitions as there are brokers the pattern would repeat."""
        self._racks = self._chance.shuffled(self._racks)
        for rack in self._racks:
            rack.unfenced.shuffle(self._chance)
            rack.fenced.shuffle(self._chance)
