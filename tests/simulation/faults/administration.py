"""What an operator does to a cluster that works: brokers, topics and partitions come and go, configs change, leaders are elected."""

from typing import Any

from engine.protocol.stored.metadata import RESOURCE_TOPIC
from engine.world.chance import Chance
from tests.simulation.faults.fault import Args, Fault, partitions_of
from tests.simulation.faults.operator import BROKER, PREFERRED, TOPIC, UNCLEAN, operator_of
from tests.simulation.universe import Universe

EXPENDABLE = "expendable"  # topics of this prefix may be deleted at any time; a load that sends to them must expect it
PARTITIONS_MAX = 12  # of one topic: a run stays quick
LEADERLESS_MS_MAX = 8_000  # how long an unclean election waits for a partition that needs one
GONE_MS_MAX = 10_000

# (config, value while it lasts); all may be changed under load. A small segment.bytes is refused, as by Kafka: segments roll by age.
TOPIC_CONFIGS = (
    ("min.insync.replicas", "1"), ("min.insync.replicas", "3"), ("segment.ms", "500"), ("index.interval.bytes", "64"),
    ("compression.type", "gzip"), ("message.timestamp.type", "LogAppendTime"), ("flush.messages", "1"),
)
BROKER_CONFIGS = (("log.roll.ms", "700"), ("log.index.interval.bytes", "64"), ("message.max.bytes", "2000000"))


def topics_of(universe: Universe) -> list[str]:
    """Those that clients made, in order."""
    return sorted({topic for topic, _, _ in partitions_of(universe) if not topic.startswith("__")})


def _count(universe: Universe, topic: str) -> int:
    return sum(name == topic for name, _, _ in partitions_of(universe))


def _replication(universe: Universe) -> int:
    return min(3, len(universe.ids))


class BrokerAdded(Fault):
    """A broker joins, and leaves for good later unless it was given replicas meanwhile."""

    name = "broker added"
    weight = 0.5
    lasts_ms = (3_000, 15_000)

    def draw(self, chance: Chance, nodes: list[int]) -> Args:
        return {"grow": chance.integer(0, 999) if chance.real() < 0.3 else None}

    async def begin(self, universe: Universe, args: Args) -> bool:
        args["_node"] = await universe.add_node()
        topics = topics_of(universe)
        if args["grow"] is not None and topics:
            await _grow(universe, topics[args["grow"] % len(topics)], 1)
        return True

    async def end(self, universe: Universe, args: Args) -> None:
        number = args["_node"]
        if universe.controller() is None or self._has_replicas(universe, number):
            await universe.start_node(number)  # Without reassignment its replicas could go nowhere.
            return
        if not await universe.stop_node(number):
            if number in universe.nodes:
                universe.crash(number)
        unregistered = await operator_of(universe).unregister(number)
        if unregistered and number not in universe.nodes and not self._has_replicas(universe, number):
            universe.remove_node(number)
        else:
            await universe.start_node(number)  # perhaps a topic has grown onto it meanwhile

    @staticmethod
    def _has_replicas(universe: Universe, number: int) -> bool:
        return any(number in partition.replicas for _, _, partition in partitions_of(universe))


class PartitionGrowth(Fault):
    """A topic gets more partitions."""

    name = "partition growth"
    lasts_ms = (0, 0)

    def draw(self, chance: Chance, nodes: list[int]) -> Args:
        return {"topic": chance.integer(0, 999), "more": chance.integer(1, 2)}

    async def begin(self, universe: Universe, args: Args) -> bool:
        topics = topics_of(universe)
        return bool(topics) and await _grow(universe, topics[args["topic"] % len(topics)], args["more"])


async def _grow(universe: Universe, topic: str, more: int) -> bool:
    count = min(_count(universe, topic) + more, PARTITIONS_MAX)
    if count == _count(universe, topic):
        return False
    universe.tell("Asked", what=f"grow {topic} to {count} partitions")
    return await operator_of(universe).grow_topic(topic, count)


class TopicRecreated(Fault):
    """A topic that may go is deleted under load and created again under its old name."""

    name = "topic re-created"
    lasts_ms = (0, 3_000)

    def draw(self, chance: Chance, nodes: list[int]) -> Args:
        return {"topic": chance.integer(0, 999), "partitions": chance.integer(1, 4)}

    async def begin(self, universe: Universe, args: Args) -> bool:
        topics = [topic for topic in topics_of(universe) if topic.startswith(EXPENDABLE)]
        if not topics:
            await operator_of(universe).create_topic(EXPENDABLE, partitions=args["partitions"], replication=_replication(universe))
            topics = [EXPENDABLE]
        args["_topic"] = topics[args["topic"] % len(topics)]
        universe.tell("Asked", what=f"delete {args['_topic']}")
        return await operator_of(universe).delete_topic(args["_topic"])

    async def end(self, universe: Universe, args: Args) -> None:
        universe.tell("Asked", what=f"create {args['_topic']}")
        operator = operator_of(universe)
        while not await operator.create_topic(args["_topic"], partitions=args["partitions"], replication=_replication(universe)):
            await universe.sleep(500)


class TopicConfig(Fault):
    """A config of a topic changes under load, and later back."""

    name = "topic config"
    configs: tuple[tuple[str, str], ...] = TOPIC_CONFIGS
    lasts_ms = (1_000, 10_000)

    def draw(self, chance: Chance, nodes: list[int]) -> Args:
        config, value = chance.choice(self.configs)
        return {"topic": chance.integer(0, 999), "config": config, "value": value}

    async def begin(self, universe: Universe, args: Args) -> bool:
        topics = topics_of(universe)
        if not topics:
            return False
        args["_topic"] = topic = topics[args["topic"] % len(topics)]
        image = universe.nodes[universe.controller()].image if universe.controller() else None
        args["_before"] = image.configs.get((RESOURCE_TOPIC, topic), {}).get(args["config"]) if image else None
        return await _configure(universe, TOPIC, topic, args["config"], args["value"])

    async def end(self, universe: Universe, args: Args) -> None:
        await _configure(universe, TOPIC, args["_topic"], args["config"], args["_before"])


async def _configure(universe: Universe, kind: int, name: str, config: str, value: str | None) -> bool:
    universe.tell("Asked", what=f"set {name or 'all brokers'} {config}={value}")
    return await operator_of(universe).configure(kind, name, config, value)


class UncleanAllowed(TopicConfig):
    """A topic may for a while be led by any replica when no eligible one is left: what only others have is lost then."""

    name = "unclean allowed"
    weight = 0.5
    configs = (("unclean.leader.election.enable", "true"),)
    lasts_ms = (3_000, 15_000)
    beside = ("cluster kill", "leader freeze", "cut from peers", "leader machine crash")
    may_lose = True


class BrokerConfig(Fault):
    """A config of all brokers changes while they run, and later back."""

    name = "broker config"
    lasts_ms = (1_000, 10_000)

    def draw(self, chance: Chance, nodes: list[int]) -> Args:
        config, value = chance.choice(BROKER_CONFIGS)
        return {"config": config, "value": value}

    async def begin(self, universe: Universe, args: Args) -> bool:
        return await _configure(universe, BROKER, "", args["config"], args["value"])

    async def end(self, universe: Universe, args: Args) -> None:
        await _configure(universe, BROKER, "", args["config"], None)


class PreferredElection(Fault):
    """All partitions go back to their preferred leaders."""

    name = "preferred election"
    lasts_ms = (0, 0)
    beside = ("leader crash", "leader freeze", "controlled restart")

    async def begin(self, universe: Universe, args: Args) -> bool:
        universe.tell("Asked", what="elect preferred leaders")
        return await operator_of(universe).elect(PREFERRED, None) > 0


class UncleanElection(Fault):
    """The operator has a replica lead that is not in sync, as soon as a partition has no leader: what only others have is lost."""

    name = "unclean election"
    weight = 0.5
    lasts_ms = (0, 0)
    beside = ("cluster kill", "power cut")
    may_lose = True

    async def begin(self, universe: Universe, args: Args) -> bool:
        waited = 0
        while not (leaderless := _leaderless(universe)):
            await universe.sleep(50)
            waited += 50
            if waited > LEADERLESS_MS_MAX:
                return False
        universe.tell("Asked", what=f"elect unclean {leaderless}")
        return await operator_of(universe).elect(UNCLEAN, leaderless) > 0


def _leaderless(universe: Universe) -> list[tuple[str, int]]:
    """Without a leader although a replica is there."""
    unfenced = universe.unfenced()

    def could_lead(partition: Any) -> bool:
        return partition.leader < 0 and not unfenced.isdisjoint(partition.replicas)

    return [(topic, index) for topic, index, partition in partitions_of(universe) if could_lead(partition)]


FAULTS = (
    BrokerAdded(), PartitionGrowth(), TopicRecreated(), TopicConfig(), UncleanAllowed(), BrokerConfig(), PreferredElection(), UncleanElection(),
)
