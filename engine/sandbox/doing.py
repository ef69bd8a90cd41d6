"""What each verb does: calls on the cluster, errands at the brokers, orders to clients. One short method a verb.

A method returns the sentence that the giver reads; it raises KafkaRefused, AppsRefused or OSError when it could not be done.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from engine.events.facts import AppChanged, AppClosed, AppCrashed, AppPaused, AppResumed, AppStarted
from engine.events.journal import Journal
from engine.sandbox import commands_of_brokers as brokers
from engine.sandbox import commands_of_clients as clients
from engine.sandbox import commands_of_faults as faults
from engine.sandbox import commands_of_time as times
from engine.sandbox import commands_of_topics as topics
from engine.sandbox.admin import Admin
from engine.sandbox.apps import Apps
from engine.sandbox.grammar import Command, State

Causes = tuple[str, ...]


class Doing:
    """The hands of a sandbox. `state` gives the picture of now."""

    def __init__(self, *, cluster: Any, admin: Admin, apps: Apps, journal: Journal, state: Callable[[], State]) -> None:
        self._cluster = cluster
        self._admin = admin
        self._apps = apps
        self._journal = journal
        self._state = state

    def action(self, command: Command) -> Callable[[Any, Causes], Awaitable[str]]:
        """The method for this verb."""
        return getattr(self, f"_{ACTIONS[type(command)]}")

    # ---- topics

    async def _create_topic(self, command: topics.CreateTopic, causes: Causes) -> str:
        await self._errands().create_topic(command)
        return f"topic {command.topic} is made with {_count(command.partitions, 'partition')}"

    async def _set_topic(self, command: topics.SetTopic, causes: Causes) -> str:
        await self._errands().set_topic(command)
        return f"topic {command.topic} is changed: {', '.join(command.configs)}"

    async def _grow_topic(self, command: topics.GrowTopic, causes: Causes) -> str:
        await self._errands().grow_topic(command)
        return f"topic {command.topic} has {_count(command.partitions, 'partition')} now"

    async def _delete_topic(self, command: topics.DeleteTopic, causes: Causes) -> str:
        await self._errands().delete_topic(command.topic)
        return f"topic {command.topic} is deleted"

    async def _elect_preferred(self, command: topics.ElectPreferred, causes: Causes) -> str:
        changed = await self._errands().elect(None)
        return f"{_count(changed, 'leader')} changed" if changed else "every preferred leader that can lead leads already"

    async def _elect(self, command: topics.Elect, causes: Causes) -> str:
        await self._errands().elect(command)
        return f"{command.partition} has elected its leader"

    def _errands(self) -> Admin:
        self._admin.follow(self._cluster.bootstrap_servers)
        return self._admin

    # ---- brokers

    async def _add_broker(self, command: brokers.AddBroker, causes: Causes) -> str:
        broker = await self._cluster.add(command.rack, causes=causes)
        return f"broker {broker} is added{f' in rack {command.rack}' if command.rack else ''}"

    async def _remove_broker(self, command: brokers.RemoveBroker, causes: Causes) -> str:
        await self._cluster.remove(command.broker, causes=causes)
        return f"broker {command.broker} is removed"

    async def _stop_broker(self, command: brokers.StopBroker, causes: Causes) -> str:
        await self._cluster.stop(command.broker, causes=causes)
        return f"broker {command.broker} has stopped"

    async def _kill_broker(self, command: brokers.KillBroker, causes: Causes) -> str:
        await self._cluster.kill(command.broker, causes=causes)
        return f"broker {command.broker} is killed"

    async def _start_broker(self, command: brokers.StartBroker, causes: Causes) -> str:
        await self._cluster.start_broker(command.broker, causes=causes)
        return f"broker {command.broker} is started"

    async def _restart_broker(self, command: brokers.RestartBroker, causes: Causes) -> str:
        await self._cluster.restart(command.broker, causes=causes)
        return f"broker {command.broker} is started again"

    async def _freeze_broker(self, command: brokers.FreezeBroker, causes: Causes) -> str:
        await self._cluster.freeze(command.broker, causes=causes)
        return f"broker {command.broker} is frozen"

    async def _thaw_broker(self, command: brokers.ThawBroker, causes: Causes) -> str:
        await self._cluster.thaw(command.broker, causes=causes)
        return f"broker {command.broker} goes on"

    # ---- links and requests

    async def _cut_broker(self, command: faults.CutBroker, causes: Causes) -> str:
        others = command.others(self._state())
        self._cluster.trouble.cut(
            command.broker, others=others, clients=command.clients, both_ways=command.both_ways, causes=causes
        )
        far = "all clients" if command.clients else _brokers(others)
        return f"broker {command.broker} is cut from {far}" if command.both_ways else f"what broker {command.broker} sends to {far} is lost"

    async def _slow_broker(self, command: faults.SlowBroker, causes: Causes) -> str:
        others = command.others(self._state())
        self._cluster.trouble.slow(
            command.broker, others=others, clients=command.clients, delay_ms=command.delay_ms, causes=causes
        )
        far = "all clients" if command.clients else _brokers(others)
        return f"what passes between broker {command.broker} and {far} takes {command.delay_ms} ms longer each way"

    async def _heal(self, command: faults.Heal, causes: Causes) -> str:
        self._cluster.trouble.heal(None, causes=causes)
        return "all links are whole, all requests are treated as they should"

    async def _heal_broker(self, command: faults.HealBroker, causes: Causes) -> str:
        self._cluster.trouble.heal(command.broker, causes=causes)
        return f"the links of broker {command.broker} are whole, its requests are treated as they should"

    async def _fail(self, command: faults.FailRequests, causes: Causes) -> str:
        self._cluster.trouble.intercept(command.broker, causes=causes, **command.rule())
        return f"broker {command.broker} answers {command.share} % of {command.api} requests with {command.error}"

    async def _delay(self, command: faults.DelayRequests, causes: Causes) -> str:
        self._cluster.trouble.intercept(command.broker, causes=causes, **command.rule())
        return f"broker {command.broker} lets {command.share} % of {command.api} requests wait for {command.delay_ms} ms"

    async def _drop(self, command: faults.DropRequests, causes: Causes) -> str:
        self._cluster.trouble.intercept(command.broker, causes=causes, **command.rule())
        return f"broker {command.broker} never answers {command.share} % of {command.api} requests"

    # ---- time

    async def _pause(self, command: times.Pause, causes: Causes) -> str:
        await self._cluster.pause(causes=causes)
        return "time stands still"

    async def _resume(self, command: times.Resume, causes: Causes) -> str:
        await self._cluster.resume(causes=causes)
        return "time goes on"

    async def _slow(self, command: times.Slow, causes: Causes) -> str:
        await self._cluster.slow(command.factor(), causes=causes)
        return f"time runs {command.speed}"

    # ---- clients

    async def _produce(self, command: clients.Produce, causes: Causes) -> str:
        name = command.client or free_names(self._state(), "producer", 1)[0]
        await self._launch(name, "producer", command.topic, None, command.settings(), causes)
        return f"{name} sends {command.rate:g} records/s to {command.topic}"

    async def _consume(self, command: clients.Consume, causes: Causes) -> str:
        alone = command.client and command.members == 1
        names = [command.client] if alone else free_names(self._state(), command.client or command.group, command.members)
        for name in names:
            await self._launch(name, "consumer", command.topic, command.group, command.settings(), causes)
        return f"{', '.join(names)} {'joins' if len(names) == 1 else 'join'} group {command.group}"

    async def _launch(self, name: str, app: str, topic: str, group: str | None, settings: dict[str, Any], causes: Causes) -> None:
        # Told first: its connections are seen by the brokers before its task answers.
        self._journal.emit(AppStarted(client=name, app=app, topic=topic, group=group, settings=settings, causes=causes))
        try:
            await self._apps.start(name, app=app, topic=topic, group=group, settings=settings)
        except BaseException:
            self._journal.emit(AppClosed(client=name, causes=causes))
            raise

    async def _change_client(self, command: clients.ChangeClient, causes: Causes) -> str:
        changes = command.changes()
        await self._apps.change(command.client, changes)
        self._journal.emit(AppChanged(client=command.client, changes=changes, causes=causes))
        return f"{command.client} is changed: {', '.join(changes)}"

    async def _pause_client(self, command: clients.PauseClient, causes: Causes) -> str:
        await self._apps.pause(command.client)
        self._journal.emit(AppPaused(client=command.client, causes=causes))
        return f"{command.client} pauses"

    async def _resume_client(self, command: clients.ResumeClient, causes: Causes) -> str:
        found = clients.find_client(self._state(), command.client)
        assert found is not None, "the refusal has looked"
        if found["state"] == "paused":
            await self._apps.resume(command.client)
        else:
            await self._apps.start(
                command.client, app=found["app"], topic=found["topic"], group=found["group"], settings=found["settings"]
            )
        self._journal.emit(AppResumed(client=command.client, causes=causes))
        return f"{command.client} goes on"

    async def _close_client(self, command: clients.CloseClient, causes: Causes) -> str:
        await self._apps.close(command.client)
        self._journal.emit(AppClosed(client=command.client, causes=causes))
        return f"{command.client} is closed"

    async def _crash_client(self, command: clients.CrashClient, causes: Causes) -> str:
        await self._apps.crash(command.client)
        self._journal.emit(AppCrashed(client=command.client, causes=causes))
        return f"{command.client} has crashed"


ACTIONS: dict[type[Command], str] = {
    verb: verb.verb.replace(" ", "_")
    for verb in (*topics.TOPIC_VERBS, *brokers.BROKER_VERBS, *faults.FAULT_VERBS, *times.TIME_VERBS, *clients.CLIENT_VERBS)
} | {topics.ElectPreferred: "elect_preferred"}

# Verbs that brokers must answer: nobody does while time stands still.
ASKED_OF_BROKERS: tuple[type[Command], ...] = (*topics.TOPIC_VERBS, brokers.RemoveBroker, brokers.StopBroker, brokers.RestartBroker)


def free_names(state: State, base: str, count: int) -> list[str]:
    """`count` names base-1, base-2 … that no client of ours has."""
    taken = {one["name"] for one in state["clusters"][0]["clients"] if one["ours"]}
    numbered = (f"{base}-{number}" for number in range(1, len(taken) + count + 1))
    return [name for name in numbered if name not in taken][:count]


def _brokers(ids: tuple[int, ...]) -> str:
    return f"broker {ids[0]}" if len(ids) == 1 else f"brokers {', '.join(map(str, ids))}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
