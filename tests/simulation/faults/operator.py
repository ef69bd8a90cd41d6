"""The operator of a simulated cluster: asks for changes over the wire, as kafka-topics.sh would, and gives up after a while."""

from collections.abc import Callable
from typing import Any

from engine.peers.connection import Unreachable
from engine.peers.directory import Directory
from engine.protocol.codec import Message, build
from engine.protocol.errors import ErrorCode
from engine.world.tasks import Expired
from tests.simulation.universe import PORT, Universe

ASK_MS = 5_000
RETRY_MS = 100
GIVE_UP_MS = 10_000
TOPIC, BROKER = 2, 4  # resource types of configs
SET, DELETE = 0, 1
PREFERRED, UNCLEAN = 0, 1

# Nobody could do it just now; somebody may soon.
AGAIN = frozenset({
    ErrorCode.not_controller, ErrorCode.request_timed_out, ErrorCode.unknown_server_error, ErrorCode.broker_not_available,
    ErrorCode.invalid_replication_factor, ErrorCode.kafka_storage_error,
})


class Operator:
    """`operator_of(universe)` is the universe's one; it asks one thing at a time and is patient for GIVE_UP_MS."""

    def __init__(self, universe: Universe) -> None:
        self._universe = universe
        self._world = universe.simulation.world("operator")
        self._directory = Directory(world=self._world, node_id=1_001)

    async def ask(self, message: Message, errors: Callable[[Message], list[int]], *, patience_ms: int = GIVE_UP_MS) -> list[ErrorCode] | None:
        """The errors in the first answer whose errors are not of the moment (the last answer's when time is over); None for silence."""
        until_ms, told = self._universe.simulation.now_ms() + patience_ms, None
        while self._universe.simulation.now_ms() < until_ms:
            node = self._world.chance.choice(self._universe.ids)
            self._directory.set_address(node, f"node-{node}", PORT)
            try:
                answer = await self._directory.peer(node).ask(message, within_ms=ASK_MS)
            except (Unreachable, Expired):
                answer = None
            if answer is not None:
                told = [ErrorCode(code) for code in errors(answer)]
                if not AGAIN.intersection(told):
                    return told
            await self._world.clock.sleep(RETRY_MS)
        return told

    # ---- what it can ask for; each says whether it was done

    async def create_topic(self, name: str, *, partitions: int, replication: int) -> bool:
        """True as well when it is there."""
        topic = {"name": name, "num_partitions": partitions, "replication_factor": replication, "assignments": [], "configs": []}
        message = build("CreateTopics", "request", 7, topics=[topic], timeout=5_000)
        told = await self.ask(message, lambda answer: [one.error_code for one in answer.topics])
        return told in ([ErrorCode.none], [ErrorCode.topic_already_exists])

    async def delete_topic(self, name: str) -> bool:
        """True as well when it is gone."""
        message = build("DeleteTopics", "request", 6, topics=[{"name": name, "topic_id": None}], timeout=5_000)
        told = await self.ask(message, lambda answer: [one.error_code for one in answer.responses])
        return told in ([ErrorCode.none], [ErrorCode.unknown_topic_or_partition])

    async def grow_topic(self, name: str, count: int) -> bool:
        """To `count` partitions."""
        topic = {"name": name, "count": count, "assignments": None}
        message = build("CreatePartitions", "request", 3, topics=[topic], timeout=5_000, validate_only=False)
        return await self.ask(message, lambda answer: [one.error_code for one in answer.results]) == [ErrorCode.none]

    async def configure(self, kind: int, name: str, config: str, value: str | None) -> bool:
        """None: the default again."""
        entry = {"name": config, "config_operation": DELETE if value is None else SET, "value": value}
        resource = {"resource_type": kind, "resource_name": name, "configs": [entry]}
        message = build("IncrementalAlterConfigs", "request", 1, resources=[resource], validate_only=False)
        return await self.ask(message, lambda answer: [one.error_code for one in answer.responses]) == [ErrorCode.none]

    async def elect(self, kind: int, partitions: list[tuple[str, int]] | None) -> int:
        """Preferred leaders of all partitions (None), or unclean ones of these. How many partitions were led anew."""
        rows: Any = None if partitions is None else [{"topic": topic, "partitions": [index]} for topic, index in partitions]
        message = build("ElectLeaders", "request", 2, election_type=kind, topic_partitions=rows, timeout=5_000)

        def errors(answer: Message) -> list[int]:
            return [answer.error_code] * bool(answer.error_code) + [
                one.error_code for topic in answer.replica_election_results for one in topic.partition_result
            ]

        return (await self.ask(message, errors) or []).count(ErrorCode.none)

    async def unregister(self, broker: int) -> bool:
        """The cluster forgets it."""
        told = await self.ask(build("UnregisterBroker", "request", 0, broker_id=broker), lambda answer: [answer.error_code])
        return told in ([ErrorCode.none], [ErrorCode.broker_id_not_registered])


def operator_of(universe: Universe) -> Operator:
    """The same one for every fault of a universe."""
    if "operator" not in universe.guests:
        universe.guests["operator"] = Operator(universe)
    return universe.guests["operator"]
