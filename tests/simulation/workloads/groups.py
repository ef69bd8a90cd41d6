"""Consumer groups of three: eager, cooperative and static; their members crash, leave, freeze and come back by the run's dice."""

from __future__ import annotations

from collections.abc import Callable

from engine.world.tasks import Task, gather, spawn
from tests.simulation.anomaly import Anomaly
from tests.simulation.client import Client
from tests.simulation.coordinator_client import Coordinator
from tests.simulation.group_client import Member
from tests.simulation.history import ALL, History
from tests.simulation.producer_client import Producer
from tests.simulation.reader_client import LATEST, Position, list_offset
from tests.simulation.universe import Universe
from tests.simulation.workloads.producers import keep_producing
from tests.simulation.workloads.topics import SAFE
from tests.simulation.workloads.workload import Workload

MEMBERS, PARTITIONS = 3, 4  # one member has two partitions, and moving one of them is a choice
BETWEEN_MS = (80, 320)  # of the group's own producer: five batches a second
CALM_MS = (3_000, 9_000)  # between two changes
AWAY_MS = (200, 6_000)  # shorter and longer than a session
BEFALLS = ("crash", "leave", "freeze")
CATCH_UP_MS_MAX = 60_000
LOOK_EVERY_MS = 250


class Group:
    """One group, its topic and its producer. What it is owed is the same for all three kinds."""

    promise = "A partition has one owner in a generation, and every acknowledged record is given to the group, at least once, in order."

    def __init__(self, name: str, *, cooperative: bool = False, static: bool = False) -> None:
        self.name, self.cooperative, self.static = name, cooperative, static
        self.topic = f"{name}-topic"
        self.fired = dict.fromkeys(BEFALLS, 0)
        self._members: dict[int, Member] = {}
        self._lives: dict[int, int] = {}
        self._clients: list[Client] = []

    async def prepare(self, universe: Universe, history: History) -> None:
        """Its topic and its producer; members come with the load."""
        self._watcher = Client(universe, f"{self.name}-watcher")
        await self._watcher.create_topic(self.topic, partitions=PARTITIONS, configs=SAFE)
        client = Client(universe, f"{self.name}-producer")
        await client.find_topic(self.topic, partitions=PARTITIONS)
        self._producer = Producer(client, history, acks=ALL, idempotent=True)
        self._chance = universe.simulation.chance.split(f"workload {self.name}")
        await self._producer.start()

    async def run(self, universe: Universe, history: History, until_ms: int) -> None:
        """Records come, and every few seconds something befalls a member."""
        for slot in range(1, MEMBERS + 1):
            self._come(universe, history, slot)
        producing: Task = spawn(keep_producing(self._producer, self.topic, until_ms, between_ms=BETWEEN_MS), name=f"{self.name} produces")
        while universe.simulation.now_ms() < until_ms:
            await universe.sleep(min(self._chance.integer(*CALM_MS), max(until_ms - universe.simulation.now_ms(), 1)))
            if universe.simulation.now_ms() < until_ms:
                await self._befall(universe, history)
            self._mind(universe, history)
        await producing

    def _come(self, universe: Universe, history: History, slot: int) -> None:
        life = self._lives[slot] = self._lives.get(slot, 0) + 1
        client = Client(universe, f"{self.name}-{slot}.{life}")
        client.interest.append(self.topic)
        self._clients.append(client)
        instance = f"{self.name}-{slot}" if self.static else None
        member = Member(client, history, group=self.name, topics=[self.topic], cooperative=self.cooperative, instance=instance)
        self._members[slot] = member
        member.start()

    async def _befall(self, universe: Universe, history: History) -> None:
        slot, kind = self._chance.integer(1, MEMBERS), self._chance.choice(BEFALLS)
        away_ms = self._chance.integer(*AWAY_MS)
        member = self._members[slot]
        self.fired[kind] += 1
        if kind == "freeze":
            member.client.freeze()
            await universe.sleep(away_ms)
            member.client.thaw()
            return
        leaving = spawn(member.leave(), name=f"{member.client.name} leaves") if kind == "leave" else None
        if leaving is None:
            member.crash()
        await universe.sleep(away_ms)
        if leaving is not None and not leaving.done():
            leaving.cancel()  # nobody hears its good-bye: whoever shuts a process down loses patience then
            member.crash()
        self._come(universe, history, slot)

    def _check(self) -> None:
        for client in self._clients:
            client.check()

    def _mind(self, universe: Universe, history: History) -> None:
        """Starts again who was fenced: the request of a process that crashed may come late and take the place of its successor."""
        self._check()
        for slot in sorted(self._members):
            if self._members[slot].ended:
                self._members[slot].crash()
                self._come(universe, history, slot)

    def _share_out_what_was_added(self, behind: dict[str, tuple[int, int]] | None) -> None:
        """A static leader that was away while partitions were added never shares them out (KIP-814); its operator has it do so."""
        owned = {f"{topic}-{index}" for member in self._members.values() for topic, index in member.owned}
        for member in self._members.values():
            if member.came_back and behind and not owned.issuperset(behind):
                member.enforce_rebalance()

    async def finish(self, universe: Universe, history: History) -> None:
        """Everything that was sent is settled, the group has committed up to the end, and its members have left."""
        await self._producer.flush()
        self._producer.close()
        give_up_ms = universe.simulation.now_ms() + CATCH_UP_MS_MAX
        while (behind := await self._behind()) is None or behind:
            self._mind(universe, history)
            self._share_out_what_was_added(behind)
            if universe.simulation.now_ms() > give_up_ms:
                raise Anomaly("client", f"group {self.name} does not get to the end after healing", behind, *self._members.values())
            await universe.sleep(LOOK_EVERY_MS)
        await gather(*(self._members[slot].leave() for slot in sorted(self._members)))
        self._check()
        self._watcher.close()

    async def _behind(self) -> dict[str, tuple[int, int]] | None:
        """topic-partition -> (committed, end) where the group is not at the end; None: could not be asked."""
        await self._watcher.refresh()
        known = self._watcher.topics[self.topic]
        committed = await Coordinator(self._watcher, self.name).committed(
            [(self.topic, known.id, partition) for partition in sorted(known.leaders)], within_ms=3_000
        )
        behind = {}
        for partition in sorted(known.leaders):
            leader = self._watcher.leader(self.topic, known.id, partition)
            position = Position(self.topic, known.id, partition)
            end = None if leader is None else await list_offset(self._watcher, leader.node, position, leader, LATEST)
            if end is None or committed is None:
                return None
            stands = max(committed.get((self.topic, known.id, partition), (-1, -1))[0], 0)
            if stands < end:
                behind[f"{self.topic}-{partition}"] = (stands, end)
        return behind


WORKLOADS: dict[str, Callable[[], Workload]] = {
    "group-eager": lambda: Group("eager"),
    "group-cooperative": lambda: Group("cooperative", cooperative=True),
    "group-static": lambda: Group("static", static=True),
}
