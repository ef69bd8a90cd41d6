"""Django for the tests of the web side, a channel layer in memory, and a host whose cluster is only played."""

import asyncio
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")

import django  # noqa: E402

django.setup()

import pytest  # noqa: E402
from channels.layers import get_channel_layer  # noqa: E402
from django.test import override_settings  # noqa: E402

from engine.events.facts import BrokerAdded, BrokerKilled, BrokerStarted, BrokerUnfenced  # noqa: E402
from engine.events.journal import Journal  # noqa: E402
from engine.sandbox.sandbox import Sandbox  # noqa: E402
from engine.sandbox.snapshot import blank  # noqa: E402
from engine.world.real import real_world  # noqa: E402
from engine.world.tasks import Promise  # noqa: E402
from playground import names  # noqa: E402
from playground.host.desk import Desk  # noqa: E402
from playground.host.disk_journal import DiskJournal  # noqa: E402
from playground.host.feed import Feed  # noqa: E402
from playground.host.minute import Minute  # noqa: E402
from playground.host.outbox import Outbox  # noqa: E402

IN_MEMORY = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 10_000}}}


class PlayedProcess:
    def __init__(self):
        self.unfenced = Promise()


class PlayedCluster:
    """Three brokers that say what real ones say, at once."""

    cluster_id = "played"

    def __init__(self, journal, clock):
        self.journal = journal
        self.clock = clock
        self.brokers = {number: PlayedProcess() for number in (1, 2, 3)}

    async def start(self):
        for number in self.brokers:
            self.journal.emit(BrokerAdded(broker=number, rack="a", host="localhost", port=9091 + number, voter=True))
            self.journal.emit(BrokerStarted(broker=number, pid=100 + number, started_as=1))
            self.journal.emit(BrokerUnfenced(broker=number, broker_epoch=1))

    async def kill(self, number, *, causes=()):
        return self.journal.emit(BrokerKilled(broker=number, pid=100 + number, causes=causes))


class PlayedHost:
    """A host without processes: the real sandbox, feed, outbox and desk over the layer in memory."""

    def __init__(self, folder, run="1"):
        world = real_world()
        journal = Journal(node=0, incarnation=1, now_ms=world.clock.now_ms)
        state = blank(sandbox="main", profile="demo", configs={}, cluster_id="played", bootstrap_servers="", at_ms=0)
        self.cluster = PlayedCluster(journal, world.clock)
        self.sandbox = Sandbox(world=world, cluster=self.cluster, journal=journal, state=state)
        layer = get_channel_layer()
        self.disk = DiskJournal(folder)
        self.outbox = Outbox(layer, names.viewers_group("main"))
        minute = Minute(self.sandbox)
        self.feed = Feed(run=run, take=minute.take_frame, publish=self.outbox.to_viewers, keep=self.disk.append)
        self.desk = Desk(
            layer=layer, name="main", sandbox=self.sandbox, feed=self.feed, outbox=self.outbox, journal=self.disk, minute=minute,
        )
        self.sandbox.on_fact = self.sandbox.on_traffic = self.feed.stir

    async def start(self):
        await self.sandbox.start()
        self.tasks = [asyncio.create_task(self.outbox.run()), asyncio.create_task(self.desk.run())]
        await asyncio.sleep(0)

    async def stop(self):
        self.feed.close()
        self.disk.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture
def in_memory():
    with override_settings(CHANNEL_LAYERS=IN_MEMORY):
        yield


@pytest.fixture
async def host(in_memory, tmp_path):
    played = PlayedHost(tmp_path)
    await played.start()
    yield played
    await played.stop()


@pytest.fixture
def another_host(tmp_path):
    return lambda: PlayedHost(tmp_path / "again", run="2")
