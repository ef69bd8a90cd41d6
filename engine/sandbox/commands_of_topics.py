"""Verbs for topics, partitions and groups' offsets. Brokers hear of them as from any client; what they answer is shown."""

from dataclasses import dataclass, field
from typing import ClassVar

from engine.sandbox.grammar import Command, Option, State, Word, one_of, whole

PARTITIONS_MAX = 1_000  # of one topic: more cannot be drawn one by one
REPLICAS_MAX = 10  # brokers that fit on the screen


def bootstrap(state: State) -> str:
    """What Kafka's tools take as --bootstrap-server."""
    return state["clusters"][0]["bootstrap_servers"]


def partition_of(text: str) -> tuple[str, int]:
    """("orders", 0) from "orders-0". Raises ValueError."""
    topic, dash, number = text.rpartition("-")
    if not (dash and topic and number.isascii() and number.isdigit()):
        raise ValueError("a partition is written topic-number, such as orders-0")
    return topic, int(number)


def a_partition(text: str) -> str:
    """The text, when it names a partition."""
    partition_of(text)
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTopic(Command):
    """Makes a topic; any topic config may follow as name=value."""

    verb: ClassVar[str] = "create topic"
    words: ClassVar = (Word("topic"),)
    options: ClassVar = (
        Option("partitions", whole(1, PARTITIONS_MAX), "how many partitions"),
        Option("replication", whole(1, REPLICAS_MAX), "replicas of each partition, each on a broker of its own"),
    )
    open_options: ClassVar[str] = "configs"
    example: ClassVar[str] = "create topic payments partitions=3 replication=3 min.insync.replicas=2"
    kafka: ClassVar[str] = "bin/kafka-topics.sh --create --topic {topic} --partitions {partitions} --replication-factor {replication}"

    topic: str
    partitions: int = 1
    replication: int = 3
    configs: dict[str, str] = field(default_factory=dict)

    def kafka_line(self, state: State) -> str:
        """kafka-topics.sh --create."""
        configs = "".join(f" --config {name}={value}" for name, value in self.configs.items())
        return (
            f"bin/kafka-topics.sh --bootstrap-server {bootstrap(state)} --create --topic {self.topic}"
            f" --partitions {self.partitions} --replication-factor {self.replication}{configs}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTopic(Command):
    """Changes configs of a topic; name= without a value goes back to the default."""

    verb: ClassVar[str] = "set topic"
    words: ClassVar = (Word("topic", "topic"),)
    open_options: ClassVar[str] = "configs"
    example: ClassVar[str] = "set topic orders retention.ms=60000 unclean.leader.election.enable=true"
    kafka: ClassVar[str] = "bin/kafka-configs.sh --alter --entity-type topics --entity-name {topic} --add-config {configs}"

    topic: str
    configs: dict[str, str]

    def kafka_line(self, state: State) -> str:
        """kafka-configs.sh --alter."""
        added = ",".join(f"{name}={value}" for name, value in self.configs.items() if value)
        deleted = ",".join(name for name, value in self.configs.items() if not value)
        changes = (f" --add-config {added}" if added else "") + (f" --delete-config {deleted}" if deleted else "")
        return (
            f"bin/kafka-configs.sh --bootstrap-server {bootstrap(state)} --alter --entity-type topics"
            f" --entity-name {self.topic}{changes}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowTopic(Command):
    """Adds partitions to a topic; it can never have fewer again."""

    verb: ClassVar[str] = "grow topic"
    words: ClassVar = (Word("topic", "topic"),)
    options: ClassVar = (Option("partitions", whole(1, PARTITIONS_MAX), "how many it shall have then"),)
    example: ClassVar[str] = "grow topic orders partitions=8"
    kafka: ClassVar[str] = "bin/kafka-topics.sh --alter --topic {topic} --partitions {partitions}"

    topic: str
    partitions: int

    def kafka_line(self, state: State) -> str:
        """kafka-topics.sh --alter."""
        return f"bin/kafka-topics.sh --bootstrap-server {bootstrap(state)} --alter --topic {self.topic} --partitions {self.partitions}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteTopic(Command):
    """Deletes a topic with all its records."""

    verb: ClassVar[str] = "delete topic"
    words: ClassVar = (Word("topic", "topic"),)
    example: ClassVar[str] = "delete topic payments"
    kafka: ClassVar[str] = "bin/kafka-topics.sh --delete --topic {topic}"

    topic: str

    def kafka_line(self, state: State) -> str:
        """kafka-topics.sh --delete."""
        return f"bin/kafka-topics.sh --bootstrap-server {bootstrap(state)} --delete --topic {self.topic}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ElectPreferred(Command):
    """Gives every partition back to its preferred leader, the first of its replicas, where that is in sync."""

    verb: ClassVar[str] = "elect preferred leaders"
    example: ClassVar[str] = "elect preferred leaders"
    kafka: ClassVar[str] = "bin/kafka-leader-election.sh --election-type preferred --all-topic-partitions"

    def kafka_line(self, state: State) -> str:
        """kafka-leader-election.sh."""
        return (
            f"bin/kafka-leader-election.sh --bootstrap-server {bootstrap(state)}"
            " --election-type preferred --all-topic-partitions"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Elect(Command):
    """Elects the leader of one partition: the preferred one, or (unclean) any replica alive, at the price of its missing records."""

    verb: ClassVar[str] = "elect"
    words: ClassVar = (Word("partition", "partition", a_partition), Word("how", "election", one_of("preferred", "unclean")))
    example: ClassVar[str] = "elect orders-0 unclean"
    kafka: ClassVar[str] = "bin/kafka-leader-election.sh --election-type {how} --topic {topic} --partition {partition}"

    partition: str
    how: str

    def kafka_line(self, state: State) -> str:
        """kafka-leader-election.sh."""
        topic, number = partition_of(self.partition)
        return (
            f"bin/kafka-leader-election.sh --bootstrap-server {bootstrap(state)}"
            f" --election-type {self.how} --topic {topic} --partition {number}"
        )


TOPIC_VERBS: tuple[type[Command], ...] = (CreateTopic, SetTopic, GrowTopic, DeleteTopic, ElectPreferred, Elect)
