"""The worker's one thread that reads orders for all clients of this process and reports how they fare.

Rule: a client never touches Redis itself; fifty clients share two connections.
"""

import json
import logging
import os
import threading
import time
from typing import Any

import redis
from celery.signals import worker_shutting_down

from playground import names, settings

log = logging.getLogger("playground.tasks")

REPORT_SECONDS = 0.25  # four times a second: charts move, Redis sleeps
REREAD_SECONDS = 1.0  # a lost message costs at most this
SHUTDOWN_SECONDS_MAX = 2.5  # clients end in order within this, or with the process


class Order:
    """What one client shall do, and what it last said. The task reads it, the thread writes it."""

    def __init__(self, client: str, run: str, wanted: dict[str, Any]) -> None:
        self.client = client
        self.run = run
        self.wanted = wanted
        self.changed = threading.Event()
        self.state = "starting"
        self.version = 0  # of the order that the client has followed
        self.report: dict[str, Any] = {}

    @property
    def do(self) -> str:
        """run, pause, close or crash."""
        return self.wanted["do"]

    def follow(self, wanted: dict[str, Any] | None) -> None:
        """A newer order; none, or one for another run, means that nobody wants this client any more."""
        if wanted is None or wanted["run"] != self.run:
            wanted = self.wanted | {"do": "close", "version": self.wanted["version"] + 1}
        if wanted != self.wanted:
            self.wanted = wanted
            self.changed.set()

    def wait(self, seconds: float) -> None:
        """Sleeps, but wakes for a new order."""
        if seconds > 0:
            self.changed.wait(seconds)

    def said(self) -> dict[str, Any]:
        """What goes into a report."""
        return {"run": self.run, "state": self.state, "version": self.version, "report": self.report}


class Orders:
    """All clients of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: dict[tuple[str, str], Order] = {}
        self._ended: list[tuple[str, Order]] = []
        self._thread: threading.Thread | None = None
        self._redis: redis.Redis | None = None
        self._look = threading.Event()

    def take(self, sandbox: str, client: str, run: str) -> Order | None:
        """The order for a client that a task is to run; None when nobody wants it any more."""
        with self._lock:
            if self._thread is None:
                self._redis = redis.Redis.from_url(settings.REDIS_URL)
                self._thread = threading.Thread(target=self._serve, name="orders", daemon=True)
                self._thread.start()
                threading.Thread(target=self._listen, name="orders-listen", daemon=True).start()
        assert self._redis is not None, "made with the thread"
        text = self._redis.hget(names.orders_key(sandbox), client)
        wanted = json.loads(text) if text else None
        if wanted is None or wanted["run"] != run:
            return None
        order = Order(client, run, wanted)
        with self._lock:
            self._orders[sandbox, client] = order
        return order

    def give_back(self, sandbox: str, order: Order) -> None:
        """The client has ended; its last words are reported at once."""
        with self._lock:
            if self._orders.get((sandbox, order.client)) is order:
                del self._orders[sandbox, order.client]
            self._ended.append((sandbox, order))
        self._look.set()

    def tell_now(self) -> None:
        """Something happened that somebody waits for."""
        self._look.set()

    def close_all(self) -> None:
        """The worker ends: so do its clients."""
        with self._lock:
            for order in self._orders.values():
                order.follow(None)

    def _serve(self) -> None:
        reread = 0.0
        while True:
            hurry = self._look.wait(REPORT_SECONDS)
            self._look.clear()
            try:
                if hurry or time.monotonic() > reread:
                    self._read()
                    reread = time.monotonic() + REREAD_SECONDS
                self._report()
            except redis.RedisError as error:
                log.warning("Redis cannot be reached: %s", error)
                time.sleep(REREAD_SECONDS)

    def _listen(self) -> None:
        while True:
            try:
                assert self._redis is not None, "made with the thread"
                with self._redis.pubsub(ignore_subscribe_messages=True) as messages:
                    messages.psubscribe(names.orders_channel("*"))
                    for _ in messages.listen():
                        self._look.set()
            except redis.RedisError as error:
                log.warning("orders cannot be heard: %s", error)
                time.sleep(REREAD_SECONDS)

    def _read(self) -> None:
        assert self._redis is not None, "made with the thread"
        with self._lock:
            orders = dict(self._orders)
        for sandbox in sorted({sandbox for sandbox, _ in orders}):
            wanted = {key.decode(): json.loads(text) for key, text in self._redis.hgetall(names.orders_key(sandbox)).items()}
            for (of, client), order in orders.items():
                if of == sandbox:
                    order.follow(wanted.get(client))

    def _report(self) -> None:
        assert self._redis is not None, "made with the thread"
        with self._lock:
            said = [(sandbox, order) for (sandbox, _), order in self._orders.items()] + self._ended
            self._ended = []
        reports: dict[str, dict[str, Any]] = {}
        for sandbox, order in said:
            reports.setdefault(sandbox, {})[order.client] = order.said()
        for sandbox, report in reports.items():
            self._redis.publish(names.reports_channel(sandbox), json.dumps(report))


ORDERS = Orders()


@worker_shutting_down.connect
def _end(**_: Any) -> None:
    """Celery waits for its tasks; ours would run for ever."""
    ORDERS.close_all()
    ender = threading.Timer(SHUTDOWN_SECONDS_MAX, os._exit, (0,))
    ender.daemon = True
    ender.start()
