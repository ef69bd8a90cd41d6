"""Asks the brokers for changes as any client would, by Kafka's admin protocol; what they refuse is shown in their words."""

from typing import Any

from engine.protocol.errors import ErrorCode
from engine.sandbox.commands_of_topics import CreateTopic, Elect, GrowTopic, SetTopic, partition_of
from engine.world.clock import Clock
from engine.world.threads import promised

ANSWER_SECONDS_MAX = 12.0  # longer than a failover, shorter than a viewer's patience
CLIENT_ID = "playground-admin"


CONTROLLER_CHANGES_MAX = 8  # one election may need a few rounds on a busy machine
CONTROLLER_CHANGE_MS = 500


class KafkaRefused(Exception):
    """Kafka's own error: its name and its words."""

    @property
    def was_between_controllers(self) -> bool:
        """Did the controller change while it was asked? Nobody knows then whether it has done it."""
        return str(self).startswith("NOT_CONTROLLER")


class Admin:
    """A lazy admin client: its library and threads are loaded with the first question."""

    def __init__(self, bootstrap_servers: str, clock: Clock) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._clock = clock
        self._made: Any = None

    def follow(self, bootstrap_servers: str) -> None:
        """Brokers were added or removed: the next question goes to these."""
        if bootstrap_servers != self._bootstrap_servers:
            self._bootstrap_servers, self._made = bootstrap_servers, None

    def _client(self) -> Any:
        if self._made is None:
            from confluent_kafka.admin import AdminClient  # 12 MB that a cluster without commands never needs

            self._made = AdminClient({
                "bootstrap.servers": self._bootstrap_servers,
                "client.id": CLIENT_ID,
                "log_level": 0,
                "socket.timeout.ms": int(ANSWER_SECONDS_MAX * 1000),
                "socket.connection.setup.timeout.ms": 5_000,
                "reconnect.backoff.max.ms": 1_000,
                "topic.metadata.refresh.interval.ms": -1,
            })
        return self._made

    async def create_topic(self, command: CreateTopic) -> None:
        """CreateTopics."""
        from confluent_kafka.admin import NewTopic

        topic = NewTopic(
            command.topic, num_partitions=command.partitions, replication_factor=command.replication, config=command.configs
        )
        await self._each(lambda client: client.create_topics([topic], **_TIMES))

    async def delete_topic(self, topic: str) -> None:
        """DeleteTopics."""
        await self._each(lambda client: client.delete_topics([topic], **_TIMES))

    async def grow_topic(self, command: GrowTopic) -> None:
        """CreatePartitions."""
        from confluent_kafka.admin import NewPartitions

        await self._each(lambda client: client.create_partitions([NewPartitions(command.topic, command.partitions)], **_TIMES))

    async def set_topic(self, command: SetTopic) -> None:
        """IncrementalAlterConfigs."""
        from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

        entries = [
            ConfigEntry(name, value or None, incremental_operation=AlterConfigOpType.SET if value else AlterConfigOpType.DELETE)
            for name, value in command.configs.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, command.topic, incremental_configs=entries)
        await self._each(lambda client: client.incremental_alter_configs([resource], request_timeout=ANSWER_SECONDS_MAX))

    async def elect(self, command: Elect | None) -> int:
        """ElectLeaders for one partition, or preferred ones for all (None). Returns how many leaders changed."""
        from confluent_kafka import ElectionType, KafkaError, TopicPartition

        unclean = command is not None and command.how == "unclean"
        kind = ElectionType.UNCLEAN if unclean else ElectionType.PREFERRED
        wanted = None if command is None else [TopicPartition(*partition_of(command.partition))]
        # No time limits here: the library's 2.16 chokes on them; socket.timeout.ms holds.
        results = await self._one(lambda client: client.elect_leaders(kind, wanted))
        changed = 0
        for partition, error in results.items():
            if error is None:
                changed += 1
            elif command is not None or _error(error).code() not in _not_needed(KafkaError):
                raise KafkaRefused(f"{partition.topic}-{partition.partition}: {_said(error)}")
        return changed

    async def _each(self, ask: Any) -> None:
        """Asks again when the controller changed meanwhile; that something is there already is what was wanted then."""
        for attempt in range(CONTROLLER_CHANGES_MAX + 1):
            try:
                for future in _asked(ask, self._client()).values():
                    await _answered(future)
                return
            except KafkaRefused as refused:
                if attempt and str(refused).startswith("TOPIC_ALREADY_EXISTS"):
                    return
                if not refused.was_between_controllers or attempt == CONTROLLER_CHANGES_MAX:
                    raise
            await self._clock.sleep(CONTROLLER_CHANGE_MS)

    async def _one(self, ask: Any) -> Any:
        return await _answered(_asked(ask, self._client()))


_TIMES = {"operation_timeout": ANSWER_SECONDS_MAX, "request_timeout": ANSWER_SECONDS_MAX}


def _not_needed(errors: Any) -> set[int]:
    return {errors.ELECTION_NOT_NEEDED, errors.PREFERRED_LEADER_NOT_AVAILABLE}


def _asked(ask: Any, client: Any) -> Any:
    from confluent_kafka import KafkaException

    try:
        return ask(client)
    except KafkaException as error:
        raise KafkaRefused(_said(error)) from None
    except (ValueError, TypeError) as error:  # the library refuses some input before it asks anybody
        raise KafkaRefused(str(error)) from None


async def _answered(future: Any) -> Any:
    from confluent_kafka import KafkaException

    try:
        return await promised(future)
    except KafkaException as error:
        raise KafkaRefused(_said(error)) from None


def _error(error: Any) -> Any:
    return error.args[0] if hasattr(error, "args") and error.args else error


def _said(error: Any) -> str:
    kafka = _error(error)
    # Kafka's own name for its own errors; librdkafka shortens some, and has its own below zero.
    name = ErrorCode(kafka.code()).name.upper() if kafka.code() > 0 else kafka.name().lstrip("_")
    return f"{name}: {kafka.str()}"
