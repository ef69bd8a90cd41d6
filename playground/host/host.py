"""The host: one process that owns a sandbox, from the first start to the controlled shutdown."""

import asyncio
import json
import logging
import signal
import time
from pathlib import Path
from typing import Any

from channels.layers import get_channel_layer
from redis import asyncio as redis

from engine.sandbox.founding import found, is_readable
from engine.sandbox.script import first_start
from playground import names, settings
from playground.host.clients import Clients
from playground.host.desk import Desk
from playground.host.disk_journal import DiskJournal
from playground.host.feed import Feed
from playground.host.limits import CLIENTS_GOODBYE_SECONDS_MAX, FIRST_START_SECONDS_MAX, SHUTDOWN_SECONDS_MAX
from playground.host.minute import Minute
from playground.host.outbox import Outbox

log = logging.getLogger("playground.host")


class WrongData(Exception):
    """The data folder cannot be used; the message says why and what to do."""


class Host:
    """Everything of one sandbox in one process and one loop."""

    def __init__(self, *, data: Path, name: str = names.SANDBOX) -> None:
        self._name = name
        self._journal = DiskJournal(data / "sandbox" / name)
        picture, facts = self._journal.load()
        if picture is not None and not is_readable(picture):
            raise WrongData(f"{data} was written by another version of the playground; choose another folder with --data, or --fresh")
        self._noted = self._journal.next_start()
        self._redis = redis.from_url(settings.REDIS_URL)
        self._clients = Clients(redis=self._redis, sandbox=name, profile=settings.PROFILE, send_task=send_task)
        self._sandbox = found(
            name=name, folder=str(data / "cluster"), port=settings.KAFKA_PORT, brokers=settings.BROKERS,
            profile=settings.PROFILE, starts=self._noted["starts"], picture=picture, apps=self._clients,
        )
        self._sandbox.remember(facts)
        layer = get_channel_layer()
        self._outbox = Outbox(layer, names.viewers_group(name))
        run = f"{self._noted['starts']}-{time.time_ns():x}"
        minute = Minute(self._sandbox)
        self._feed = Feed(run=run, take=minute.take_frame, publish=self._outbox.to_viewers, keep=self._keep)
        self._desk = Desk(
            layer=layer, name=name, sandbox=self._sandbox, feed=self._feed, outbox=self._outbox, journal=self._journal,
            minute=minute,
        )
        self._sandbox.on_fact = self._feed.stir
        self._sandbox.on_traffic = self._feed.stir
        self._clients.bootstrap = lambda: self._sandbox.bootstrap_servers
        self._clients.on_report = self._sandbox.report
        self._clients.on_failed = self._sandbox.client_failed
        self._clients.on_back = self._sandbox.client_back

    async def run(self, stop: asyncio.Event) -> None:
        """Lives until `stop`. Raises what ended it otherwise."""
        work = [
            asyncio.create_task(doing, name=name)
            for name, doing in (
                ("outbox", self._outbox.run()),
                ("desk", self._desk.run()),
                ("reports", self._clients.listen()),
                ("life", self._live()),
            )
        ]
        stopping = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([*work, stopping], return_when=asyncio.FIRST_COMPLETED)
        try:
            for task in done - {stopping}:
                task.result()
        finally:
            await self._end(work)

    async def _live(self) -> None:
        await self._sandbox.start()
        clients = self._sandbox.snapshot()["clusters"][0]["clients"]
        await self._sandbox.until(_has_leaders, within_ms=FIRST_START_SECONDS_MAX * 1000)
        await self._clients.connected()
        await self._clients.adopt([one for one in clients if one["ours"]] if self._noted["scenario"] else [])
        if not self._noted["scenario"]:
            await self._first_start()
        await self._clients.watch()

    async def _first_start(self) -> None:
        brokers = len(self._sandbox.snapshot()["clusters"][0]["brokers"])
        for line in first_start(brokers):
            outcome = await self._sandbox.do(line, by="first start", door="scenario")
            log.info("%s: %s", line, outcome.message)
        self._noted["scenario"] = True
        self._journal.note(self._noted)

    async def _end(self, work: list[asyncio.Task[Any]]) -> None:
        """Clients have said goodbye, if the worker ends too; then brokers, the last frame, the picture."""
        work[3].cancel()
        await self._clients.goodbye(CLIENTS_GOODBYE_SECONDS_MAX)
        try:
            await asyncio.wait_for(self._sandbox.close(), SHUTDOWN_SECONDS_MAX)
        except TimeoutError:
            log.warning("brokers did not stop in time")
        self._feed.close()
        self._journal.keep(self._sandbox.snapshot())
        self._journal.close()
        await self._outbox.drained(0.2)
        for task in work:
            task.cancel()
        await self._redis.aclose()

    def _keep(self, facts: list[dict[str, Any]]) -> None:
        if self._journal.append(facts):
            self._journal.keep(self._sandbox.snapshot())


def _has_leaders(picture: dict[str, Any]) -> bool:
    cluster = picture["clusters"][0]
    up = sum(one["state"] == "up" for one in cluster["brokers"])
    return cluster["controller"] >= 0 and up == len([one for one in cluster["brokers"] if one["state"] != "down"]) > 0


def send_task(task: str, arguments: dict[str, Any]) -> None:
    """Puts a task into the queue. Celery is loaded by the first one, after the brokers run."""
    from playground.celery import app

    app.send_task(task, kwargs=arguments)


async def live(data: Path) -> None:
    """Runs a host until SIGTERM or SIGINT. Raises WrongData."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    data.mkdir(parents=True, exist_ok=True)
    await Host(data=data).run(stop)


def main(data: Path) -> int:
    """The exit status."""
    try:
        import uvloop

        factory: Any = uvloop.new_event_loop
    except ImportError:
        factory = asyncio.new_event_loop
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(live(data))
    except (WrongData, OSError, ValueError) as error:
        log.error("%s", error)
        print(json.dumps({"failed": str(error)}))
        return 1
    return 0
