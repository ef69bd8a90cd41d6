"""Runs the sandbox's producers and consumers as Celery tasks: orders go to Redis, reports come back.

Orders are a level, not an edge: the hash says what each client shall do now, a publish only says "look". So a worker that
missed a message, and a host that was away, both find the truth. A task whose `run` is not the one in the hash ends by itself.
"""

import asyncio
import json
import logging
import uuid
from collections.abc import Callable
from typing import Any

from redis.exceptions import RedisError

from engine.sandbox.apps import AppsRefused
from playground import names
from playground.host.limits import CLIENT_ORDER_SECONDS_MAX, CLIENT_SILENT_MS_MAX, CLIENT_START_SECONDS_MAX

log = logging.getLogger("playground.host")
WATCH_SECONDS = 0.5
TASKS = {"producer": "playground.tasks.produce", "consumer": "playground.tasks.consume"}
ALIVE = ("running", "paused")


class Clients:
    """`bootstrap()` gives the brokers' addresses now; `on_report` gets every report, `on_failed` and `on_lost` the ends nobody ordered."""

    def __init__(self, *, redis: Any, sandbox: str, profile: str, send_task: Callable[[str, dict[str, Any]], None]) -> None:
        self.bootstrap: Callable[[], str] = lambda: ""
        self.on_report: Callable[[str, dict[str, Any]], None] = lambda client, report: None
        self.on_failed: Callable[[str, str], None] = lambda client, error: None
        self.on_back: Callable[[str], None] = lambda client: None
        self._redis = redis
        self._sandbox = sandbox
        self._profile = profile
        self._send_task = send_task
        self._orders: dict[str, dict[str, Any]] = {}
        self._heard: dict[str, float] = {}
        self._waiting: list[tuple[str, Callable[[dict[str, Any]], bool], asyncio.Future[None]]] = []

    # ---- orders (see engine/sandbox/apps.py)

    async def start(self, client: str, *, app: str, topic: str, group: str | None, settings: dict[str, Any]) -> None:
        """Returns when a worker runs it."""
        order = {
            "run": uuid.uuid4().hex,
            "app": app,
            "topic": topic,
            "group": group,
            "settings": settings,
            "profile": self._profile,
            "bootstrap": self.bootstrap(),
            "do": "run",
            "version": 1,
        }
        self._orders[client] = order
        await self._write(client)
        try:
            await asyncio.to_thread(self._send_task, TASKS[app], {"sandbox": self._sandbox, "client": client, "run": order["run"]})
            await self._until(client, lambda report: report["state"] in ALIVE, CLIENT_START_SECONDS_MAX)
        except (AppsRefused, OSError, RedisError) as error:
            await self._forget(client)
            raise AppsRefused(f"no worker has taken {client}: {error}") from None

    async def change(self, client: str, changes: dict[str, Any]) -> None:
        """New settings; the client takes them between two polls."""
        order = self._order(client)
        order["settings"] = order["settings"] | changes
        await self._give(client, order["do"], ALIVE)

    async def pause(self, client: str) -> None:
        """Stop sending or reading."""
        await self._give(client, "pause", ("paused",))

    async def resume(self, client: str) -> None:
        """Go on."""
        await self._give(client, "run", ("running",))

    async def close(self, client: str) -> None:
        """End in order. One that has ended already is only forgotten."""
        order = self._orders.get(client)
        if order is not None:
            if not order.get("ended"):
                await self._give(client, "close", ("closed", "failed"))
            await self._forget(client)

    async def crash(self, client: str) -> None:
        """Vanish."""
        await self._give(client, "crash", ("crashed",))
        await self._forget(client)

    async def connected(self) -> None:
        """Returns when Redis answers: without it there are no clients, but the cluster runs all the same."""
        while True:
            try:
                await self._redis.ping()
                return
            except (RedisError, OSError) as error:
                log.warning("Redis cannot be reached: %s", error)
                await asyncio.sleep(WATCH_SECONDS)

    async def adopt(self, clients: list[dict[str, Any]]) -> None:
        """After a restart of the host: clients of the picture that still run are kept, the others are started again."""
        kept = {name.decode(): json.loads(text) for name, text in (await self._redis.hgetall(names.orders_key(self._sandbox))).items()}
        wanted = {one["name"]: one for one in clients if one["state"] in ALIVE}
        for name in kept.keys() - wanted.keys():
            await self._forget(name)
        self._orders = {name: order for name, order in kept.items() if name in wanted}
        for name in self._orders:
            self._orders[name]["bootstrap"] = self.bootstrap()
            await self._write(name)
            self._heard[name] = self._now()
        await asyncio.gather(*(self._again(name, one) for name, one in wanted.items() if name not in kept))

    async def goodbye(self, seconds: float) -> None:
        """Waits for their end, if the worker ends too; those are forgotten, so that the next host starts them at once."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while loop.time() < deadline and not all(order.get("ended") for order in self._orders.values()):
            await asyncio.sleep(0.02)
        for client in [client for client, order in self._orders.items() if order.get("ended")]:
            await self._forget(client)

    # ---- reports

    async def listen(self) -> None:
        """Takes reports for ever."""
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as reports:
                    await reports.subscribe(names.reports_channel(self._sandbox))
                    while True:
                        message = await reports.get_message(timeout=1.0)
                        if message is not None:
                            self._take(json.loads(message["data"]))
            except (RedisError, OSError) as error:
                log.warning("reports of clients cannot be read: %s", error)
                await asyncio.sleep(1)

    async def watch(self) -> None:
        """Starts clients again whose worker has gone, for ever."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            for client, order in list(self._orders.items()):
                if order["do"] in ("run", "pause") and self._is_silent(client):
                    self.on_failed(client, "its worker is gone; it is started again")
                    await self._again(client, order | {"state": "paused" if order["do"] == "pause" else "running"})

    def _is_silent(self, client: str) -> bool:
        heard = self._heard.get(client)
        return heard is not None and (self._now() - heard) * 1000 > CLIENT_SILENT_MS_MAX

    async def _again(self, client: str, one: dict[str, Any]) -> None:
        self._heard.pop(client, None)
        try:
            await self.start(client, app=one["app"], topic=one["topic"], group=one["group"], settings=one["settings"])
            if one["state"] == "paused":
                await self.pause(client)
            else:
                self.on_back(client)
        except AppsRefused as error:
            self.on_failed(client, str(error))

    def _take(self, reports: dict[str, Any]) -> None:
        for client, report in reports.items():
            order = self._orders.get(client)
            if order is None or report.get("run") != order["run"]:
                continue
            self._heard[client] = self._now()
            self._settle(client, report)
            if report["state"] in ("closed", "crashed", "failed"):
                order["ended"] = True
            if report["state"] == "failed" and order["do"] in ("run", "pause"):
                order["do"] = "close"  # it has ended by itself: not to be started again
                self.on_failed(client, report["report"].get("last_error") or "it ended by itself")
            self.on_report(client, report["report"])

    def _settle(self, client: str, report: dict[str, Any]) -> None:
        still = []
        for name, seen, waiting in self._waiting:
            if waiting.done():
                continue
            if name == client and seen(report):
                waiting.set_result(None)
            else:
                still.append((name, seen, waiting))
        self._waiting = still

    # ---- Redis

    async def _give(self, client: str, do: str, states: tuple[str, ...]) -> None:
        order = self._order(client)
        order["do"], order["version"] = do, order["version"] + 1
        version = order["version"]
        await self._write(client)
        await self._until(client, lambda report: report["state"] in states and report["version"] >= version, CLIENT_ORDER_SECONDS_MAX)

    async def _until(self, client: str, seen: Callable[[dict[str, Any]], bool], seconds: float) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((client, seen, waiting))
        try:
            await asyncio.wait_for(waiting, seconds)
        except TimeoutError:
            raise AppsRefused(f"{client} does not answer after {seconds} s; its worker is busy or gone") from None

    async def _write(self, client: str) -> None:
        try:
            await self._redis.hset(names.orders_key(self._sandbox), client, json.dumps(self._orders[client]))
            await self._redis.publish(names.orders_channel(self._sandbox), client)
        except RedisError as error:
            raise AppsRefused(f"Redis cannot be reached: {error}") from None

    async def _forget(self, client: str) -> None:
        self._orders.pop(client, None)
        self._heard.pop(client, None)
        try:
            await self._redis.hdel(names.orders_key(self._sandbox), client)
            await self._redis.publish(names.orders_channel(self._sandbox), client)
        except RedisError as error:
            log.warning("an order for %s stays in Redis, which cannot be reached: %s", client, error)

    def _order(self, client: str) -> dict[str, Any]:
        if client not in self._orders:
            raise AppsRefused(f"client {client} does not run")
        return self._orders[client]

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def __repr__(self) -> str:
        return f"<Clients {sorted(self._orders)}>"
