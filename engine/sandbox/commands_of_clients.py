"""Verbs for the playground's own producers and consumers: real clients that are started, changed, paused, closed and crashed."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from engine.sandbox.commands_of_topics import bootstrap
from engine.sandbox.grammar import Command, Option, State, Word, name, one_of, real, whole, yes_or_no

CLIENTS_MAX = 48  # each is a thread of the worker and real connections; a worker has 64 threads
MEMBERS_MAX = 24  # started by one line
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
PARTITIONERS = ("murmur2", "random", "consistent", "fnv1a")
RESETS = ("earliest", "latest")
ASSIGNORS = ("range", "roundrobin", "cooperative-sticky")

PRODUCER_OPTIONS = (
    Option("rate", real(0, 10_000), "records a second"),
    Option("keys", whole(0, 1_000_000), "how many different keys; 0: records without a key"),
    Option("size", whole(1, 1_000_000), "bytes of each value"),
    Option("acks", one_of("all", "1", "0"), "which acknowledgement it waits for", ("all", "1", "0")),
    Option("linger", real(0, 60_000), "ms that a batch waits for more records"),
    Option("idempotence", yes_or_no, "no duplicates and no reordering by retries", ("true", "false")),
    Option("compression", one_of(*CODECS), "codec of its batches", CODECS),
    Option("partitioner", one_of(*PARTITIONERS), "how keys choose partitions; murmur2 as Java's client", PARTITIONERS),
)
CONSUMER_OPTIONS = (
    Option("assignor", one_of(*ASSIGNORS), "how the group shares partitions", ASSIGNORS),
    Option("instance", name, "group.instance.id: a static member keeps its partitions over a restart"),
    Option("poll", whole(0, 60_000), "ms between two polls"),
    Option("processing", whole(0, 60_000), "ms of work for each record"),
    Option("commit", one_of("auto", "manual"), "who commits: the client each second, or the app after each poll", ("auto", "manual")),
    Option("reset", one_of(*RESETS), "auto.offset.reset: where it begins in partitions of which its group has no offset", RESETS),
)


def find_client(state: State, client: str) -> dict[str, Any] | None:
    """One of the playground's own clients."""
    return next((one for one in state["clusters"][0]["clients"] if one["ours"] and one["name"] == client), None)


def too_many(state: State, more: int) -> str | None:
    """Why `more` clients do not fit, if they do not."""
    running = sum(one["ours"] for one in state["clusters"][0]["clients"])
    if running + more <= CLIENTS_MAX:
        return None
    return f"{running} clients run and at most {CLIENTS_MAX} fit in this playground; close some first"


def _settings(command: Command) -> dict[str, Any]:
    return {option.name: getattr(command, option.key()) for option in command.options if option.name not in NOT_SETTINGS}


NOT_SETTINGS = {"as", "group", "members"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Produce(Command):
    """Starts a producer that sends records to a topic at a steady rate."""

    verb: ClassVar[str] = "produce"
    words: ClassVar = (Word("topic", "topic"),)
    options: ClassVar = (Option("as", name, "its name and client id", field="client"), *PRODUCER_OPTIONS)
    example: ClassVar[str] = "produce orders as shop rate=20 keys=50 acks=all"
    kafka: ClassVar[str] = "bin/kafka-producer-perf-test.sh --topic {topic} --throughput {rate} --record-size {size}"

    topic: str
    client: str = ""
    rate: float = 20
    keys: int = 0
    size: int = 100
    acks: str = "all"
    linger: float = 0
    idempotence: bool = True
    compression: str = "none"
    partitioner: str = "murmur2"

    def settings(self) -> dict[str, Any]:
        """What the task needs to know."""
        return _settings(self)

    def refusal(self, state: State) -> str | None:
        """A name is used once, and there is a limit."""
        if self.client and find_client(state, self.client):
            return f"a client {self.client} exists; choose another name, or change client {self.client}"
        if self.idempotence and self.acks != "all":
            return "an idempotent producer needs acks=all; add idempotence=false"
        return too_many(state, 1)

    def kafka_line(self, state: State) -> str:
        """kafka-producer-perf-test.sh: the nearest that Kafka has."""
        return (
            f"bin/kafka-producer-perf-test.sh --bootstrap-server {bootstrap(state)} --topic {self.topic}"
            f" --num-records 1000000 --throughput {self.rate:g} --record-size {self.size} --command-property acks={self.acks}"
            f" linger.ms={self.linger:g} enable.idempotence={str(self.idempotence).lower()} compression.type={self.compression}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Consume(Command):
    """Starts consumers of a topic as members of a group."""

    verb: ClassVar[str] = "consume"
    words: ClassVar = (Word("topic", "topic"),)
    options: ClassVar = (
        Option("group", name, "group.id"),
        Option("as", name, "their name; numbered when there are several", field="client"),
        Option("members", whole(1, MEMBERS_MAX), "how many consumers"),
        *CONSUMER_OPTIONS,
    )
    example: ClassVar[str] = "consume orders group=billing members=2"
    kafka: ClassVar[str] = "bin/kafka-console-consumer.sh --topic {topic} --group {group}"

    topic: str
    group: str
    client: str = ""
    members: int = 1
    assignor: str = "range"
    instance: str = ""
    poll: int = 100
    processing: int = 0
    commit: str = "auto"
    reset: str = "earliest"

    def settings(self) -> dict[str, Any]:
        """What the task needs to know."""
        return _settings(self)

    def refusal(self, state: State) -> str | None:
        """A name is used once, and there is a limit."""
        if self.client and self.members == 1 and find_client(state, self.client):
            return f"a client {self.client} exists; choose another name, or change client {self.client}"
        if self.instance and self.members > 1:
            return "two members cannot share one instance; start them one by one, each with its own instance="
        return too_many(state, self.members)

    def kafka_line(self, state: State) -> str:
        """kafka-console-consumer.sh."""
        whole = " --from-beginning" if self.reset == "earliest" else ""
        return f"bin/kafka-console-consumer.sh --bootstrap-server {bootstrap(state)} --topic {self.topic} --group {self.group}{whole}"


class _OneClient(Command):
    """Verbs about one of our clients."""

    client: str
    needs: ClassVar[frozenset[str]]
    otherwise: ClassVar[str]

    def refusal(self, state: State) -> str | None:
        """It must exist and be in a state in which the verb means something."""
        found = find_client(state, self.client)
        if found is None:
            ours = ", ".join(one["name"] for one in state["clusters"][0]["clients"] if one["ours"]) or "none"
            return f"there is no client {self.client} of this playground; its clients: {ours}"
        if found["state"] not in self.needs:
            return f"client {self.client} is {found['state']}; {self.otherwise}"
        return None


CLIENT = (Word("client", "client"),)
ALIVE = frozenset({"starting", "running", "paused"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeClient(_OneClient):
    """Changes settings of a running client; those that a client cannot change while it runs restart it."""

    verb: ClassVar[str] = "change client"
    words: ClassVar = CLIENT
    options: ClassVar = (*PRODUCER_OPTIONS, *CONSUMER_OPTIONS)
    example: ClassVar[str] = "change client shop rate=200 compression=zstd"
    needs: ClassVar = ALIVE
    otherwise: ClassVar[str] = "only a running client can be changed"

    client: str
    rate: float | None = None
    keys: int | None = None
    size: int | None = None
    acks: str | None = None
    linger: float | None = None
    idempotence: bool | None = None
    compression: str | None = None
    partitioner: str | None = None
    assignor: str | None = None
    instance: str | None = None
    poll: int | None = None
    processing: int | None = None
    commit: str | None = None
    reset: str | None = None

    def changes(self) -> dict[str, Any]:
        """The settings that were named."""
        own = {part.name: getattr(self, part.name) for part in fields(self) if part.name != "client"}
        return {setting: value for setting, value in own.items() if value is not None}

    def refusal(self, state: State) -> str | None:
        """Settings of producers suit producers only."""
        if reason := _OneClient.refusal(self, state):
            return reason
        found = find_client(state, self.client)
        assert found is not None, "the base has found it"
        allowed = [one.name for one in (PRODUCER_OPTIONS if found["app"] == "producer" else CONSUMER_OPTIONS)]
        changes = self.changes()
        if not changes or set(changes) - set(allowed):
            wrong = sorted(set(changes) - set(allowed))
            what = f"has no {', '.join(wrong)}" if wrong else "was given nothing to change"
            return f"{self.client} is a {found['app']} and {what}; possible: {', '.join(allowed)}"
        then = found["settings"] | changes
        if then.get("idempotence") and then.get("acks") != "all":
            return "an idempotent producer needs acks=all; add idempotence=false"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseClient(_OneClient):
    """The client stops sending or reading; a consumer stays in its group and keeps its partitions."""

    verb: ClassVar[str] = "pause client"
    words: ClassVar = CLIENT
    example: ClassVar[str] = "pause client billing-1"
    needs: ClassVar = frozenset({"starting", "running"})
    otherwise: ClassVar[str] = "only a running client can be paused"

    client: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeClient(_OneClient):
    """A paused client goes on; one that crashed or failed is started again."""

    verb: ClassVar[str] = "resume client"
    words: ClassVar = CLIENT
    example: ClassVar[str] = "resume client billing-1"
    needs: ClassVar = frozenset({"paused", "crashed", "failed"})
    otherwise: ClassVar[str] = "only a paused, crashed or failed one can go on"

    client: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseClient(_OneClient):
    """The client ends in order: a producer sends what it has, a consumer leaves its group, which rebalances at once."""

    verb: ClassVar[str] = "close client"
    words: ClassVar = CLIENT
    example: ClassVar[str] = "close client billing-2"
    needs: ClassVar = ALIVE | {"crashed", "failed"}
    otherwise: ClassVar[str] = "it is gone"

    client: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashClient(_OneClient):
    """The client vanishes without a goodbye; its group notices when its session times out."""

    verb: ClassVar[str] = "crash client"
    words: ClassVar = CLIENT
    example: ClassVar[str] = "crash client billing-2"
    needs: ClassVar = ALIVE
    otherwise: ClassVar[str] = "only a running client can crash"

    client: str


CLIENT_VERBS: tuple[type[Command], ...] = (Produce, Consume, ChangeClient, PauseClient, ResumeClient, CloseClient, CrashClient)
