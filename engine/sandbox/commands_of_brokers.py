"""Verbs for brokers: processes that are added, stopped, killed, frozen and started again."""

from dataclasses import dataclass
from typing import Any, ClassVar

from engine.sandbox.grammar import Command, Option, State, Word, broker_number, name

BROKERS_MAX = 10  # fit on the screen
RUNNING = frozenset({"starting", "up", "fenced", "stopping", "frozen"})
BROKER = (Word("broker", "broker", broker_number),)


def find_broker(state: State, broker: int) -> dict[str, Any] | None:
    """The broker in the picture."""
    return next((one for one in state["clusters"][0]["brokers"] if one["id"] == broker), None)


def unknown_broker(state: State, broker: int) -> str:
    """What to say when there is none of that number."""
    ids = ", ".join(str(one["id"]) for one in state["clusters"][0]["brokers"]) or "none"
    return f"there is no broker {broker}; brokers: {ids}"


def _pid(state: State, broker: int) -> str:
    found = find_broker(state, broker)
    return str(found["pid"]) if found and found["pid"] else "PID"


def _folder(broker: int) -> str:
    return f"config/broker-{broker}.properties"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddBroker(Command):
    """Adds a broker to the cluster and starts it; it gets no replicas by itself."""

    verb: ClassVar[str] = "add broker"
    options: ClassVar = (Option("rack", name, "the rack it stands in"),)
    example: ClassVar[str] = "add broker rack=c"

    rack: str | None = None

    def refusal(self, state: State) -> str | None:
        """At most as many as the screen can show."""
        count = len(state["clusters"][0]["brokers"])
        return f"{count} brokers are the most that this playground runs" if count >= BROKERS_MAX else None


class _OneBroker(Command):
    """Verbs about one broker: it must exist and be in a state in which the verb means something."""

    broker: int
    needs: ClassVar[frozenset[str]]
    otherwise: ClassVar[str]

    def refusal(self, state: State) -> str | None:
        """Why not, in words that name the state it is in and what would be right."""
        found = find_broker(state, self.broker)
        if found is None:
            return unknown_broker(state, self.broker)
        if found["state"] not in self.needs:
            return f"broker {self.broker} is {WORDS.get(found['state'], found['state'])}; {self.otherwise.format(self.broker)}"
        return None


WORDS = {"down": "down already", "stopped": "stopped", "up": "up already", "frozen": "frozen", "added": "not started yet"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveBroker(_OneBroker):
    """Takes a broker that does not run out of the cluster for good."""

    verb: ClassVar[str] = "remove broker"
    words: ClassVar = BROKER
    example: ClassVar[str] = "remove broker 4"
    kafka: ClassVar[str] = "bin/kafka-cluster.sh unregister --id {broker}"
    needs: ClassVar = frozenset({"added", "stopped", "down"})
    otherwise: ClassVar[str] = "stop it first: stop broker {0}"

    broker: int

    def refusal(self, state: State) -> str | None:
        """A voter must stay, and so must a broker that still holds replicas."""
        found = find_broker(state, self.broker)
        if found and found["voter"]:  # said first: stopping it would not help
            return f"broker {self.broker} is a voter of the metadata quorum; only brokers that are not voters can be removed"
        if reason := _OneBroker.refusal(self, state):
            return reason
        holds = [
            f"{topic['name']}-{part['partition']}"
            for topic in state["clusters"][0]["topics"]
            for part in topic["partitions"]
            if self.broker in part["replicas"]
        ]
        if holds:
            more = f" and {len(holds) - 3} more" if len(holds) > 3 else ""
            return f"broker {self.broker} holds replicas of {', '.join(holds[:3])}{more}; they would be lost"
        return None

    def kafka_line(self, state: State) -> str:
        """kafka-cluster.sh unregister."""
        servers = state["clusters"][0]["bootstrap_servers"]
        return f"bin/kafka-cluster.sh unregister --bootstrap-server {servers} --id {self.broker}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopBroker(_OneBroker):
    """Controlled shutdown: leaders move first, then the process ends."""

    verb: ClassVar[str] = "stop broker"
    words: ClassVar = BROKER
    example: ClassVar[str] = "stop broker 2"
    kafka: ClassVar[str] = "kill -TERM {pid}"
    needs: ClassVar = frozenset({"starting", "up", "fenced"})
    otherwise: ClassVar[str] = "only a running broker can be stopped"

    broker: int

    def kafka_line(self, state: State) -> str:
        """What bin/kafka-server-stop.sh does."""
        return f"kill -TERM {_pid(state, self.broker)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KillBroker(_OneBroker):
    """SIGKILL: the process is gone at once, without a goodbye to anyone."""

    verb: ClassVar[str] = "kill broker"
    words: ClassVar = BROKER
    example: ClassVar[str] = "kill broker 2"
    kafka: ClassVar[str] = "kill -9 {pid}"
    needs: ClassVar = RUNNING
    otherwise: ClassVar[str] = "start it first: start broker {0}"

    broker: int

    def kafka_line(self, state: State) -> str:
        """The signal."""
        return f"kill -9 {_pid(state, self.broker)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartBroker(_OneBroker):
    """Starts a broker that is down, with its old data."""

    verb: ClassVar[str] = "start broker"
    words: ClassVar = BROKER
    example: ClassVar[str] = "start broker 2"
    kafka: ClassVar[str] = "bin/kafka-server-start.sh -daemon config/broker-{broker}.properties"
    needs: ClassVar = frozenset({"added", "stopped", "down"})
    otherwise: ClassVar[str] = "only a broker that is down can be started"

    broker: int

    def kafka_line(self, state: State) -> str:
        """kafka-server-start.sh."""
        return f"bin/kafka-server-start.sh -daemon {_folder(self.broker)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartBroker(_OneBroker):
    """Controlled shutdown, then a start."""

    verb: ClassVar[str] = "restart broker"
    words: ClassVar = BROKER
    example: ClassVar[str] = "restart broker 2"
    kafka: ClassVar[str] = "kill -TERM {pid}; bin/kafka-server-start.sh -daemon config/broker-{broker}.properties"
    needs: ClassVar = frozenset({"starting", "up", "fenced"})
    otherwise: ClassVar[str] = "only a running broker can be restarted; start broker {0} starts one that is down"

    broker: int

    def kafka_line(self, state: State) -> str:
        """Stop, then start."""
        return f"kill -TERM {_pid(state, self.broker)}; bin/kafka-server-start.sh -daemon {_folder(self.broker)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeBroker(_OneBroker):
    """SIGSTOP: the process stands still with its connections open, as in a long pause of its machine."""

    verb: ClassVar[str] = "freeze broker"
    words: ClassVar = BROKER
    example: ClassVar[str] = "freeze broker 2"
    kafka: ClassVar[str] = "kill -STOP {pid}"
    needs: ClassVar = frozenset({"starting", "up", "fenced", "stopping"})
    otherwise: ClassVar[str] = "only a running broker can be frozen"

    broker: int

    def kafka_line(self, state: State) -> str:
        """The signal."""
        return f"kill -STOP {_pid(state, self.broker)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThawBroker(_OneBroker):
    """SIGCONT: a frozen broker goes on where it stood."""

    verb: ClassVar[str] = "thaw broker"
    words: ClassVar = BROKER
    example: ClassVar[str] = "thaw broker 2"
    kafka: ClassVar[str] = "kill -CONT {pid}"
    needs: ClassVar = frozenset({"frozen"})
    otherwise: ClassVar[str] = "only a frozen broker can be thawed"

    broker: int

    def kafka_line(self, state: State) -> str:
        """The signal."""
        return f"kill -CONT {_pid(state, self.broker)}"


BROKER_VERBS: tuple[type[Command], ...] = (
    AddBroker, RemoveBroker, StopBroker, KillBroker, StartBroker, RestartBroker, FreezeBroker, ThawBroker,
)
