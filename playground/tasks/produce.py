"""A producer of the playground: a real client that sends records at a steady rate until it is told otherwise."""

import itertools
import json
import time
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from playground.celery import app
from playground.tasks.measures import Measures, in_words
from playground.tasks.orders import ORDERS, Order

WAIT_SECONDS_MAX = 0.1  # then orders are looked at
HEAP_MAX = 500  # records handed over before acknowledgements are looked at
BEHIND_SECONDS_MAX = 1.0  # who cannot keep up does not try to catch up for ever
FLUSH_SECONDS_MAX = 5.0
REBUILT_BY = {"acks", "linger", "idempotence", "compression", "partitioner"}  # a client cannot change these while it runs
PARTITIONERS = {"murmur2": "murmur2_random", "random": "random", "consistent": "consistent_random", "fnv1a": "fnv1a_random"}


@app.task(name="playground.tasks.produce")
def produce(sandbox: str, client: str, run: str) -> None:
    """Runs until the order says close or crash."""
    order = ORDERS.take(sandbox, client, run)
    if order is None:
        return
    try:
        Sending(order).run()
    except (KafkaException, BufferError, ValueError, TypeError) as error:
        order.state = "failed"
        order.report = order.report | {"last_error": in_words(error)}
    finally:
        ORDERS.give_back(sandbox, order)


class Sending:
    """One producer's life."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._measures = Measures()
        self._numbers = itertools.count()
        self._settings: dict[str, Any] = {}
        self._producer: Producer | None = None
        self._due = time.monotonic()
        self._reported = 0.0

    def run(self) -> None:
        """Sends, obeys, reports."""
        while True:
            self._obey()
            if self._order.do in ("close", "crash"):
                break
            self._measures.raise_fatal()
            sent = self._send_due() if self._order.do == "run" else 0
            assert self._producer is not None, "made when the first order is obeyed"
            # It wakes for acknowledgements too: so their latency is the brokers', not that of our sleep.
            self._producer.poll(0 if sent >= HEAP_MAX else self._pause_seconds())
            self._report()
        self._end()

    def _obey(self) -> None:
        self._order.changed.clear()
        wanted = self._order.wanted
        if wanted["settings"] != self._settings or self._producer is None:
            changed = {name for name, value in wanted["settings"].items() if self._settings.get(name) != value}
            self._settings = wanted["settings"]
            if self._producer is None or changed & REBUILT_BY:
                self._rebuild(wanted)
            self._due = time.monotonic()
        state = {"run": "running", "pause": "paused"}.get(wanted["do"], self._order.state)
        if (state, wanted["version"]) != (self._order.state, self._order.version):
            if state == "running":
                self._due = time.monotonic()
            self._order.state, self._order.version = state, wanted["version"]
            ORDERS.tell_now()

    def _rebuild(self, wanted: dict[str, Any]) -> None:
        if self._producer is not None:
            self._producer.flush(FLUSH_SECONDS_MAX)
        self._producer = Producer(configuration(wanted, self._order.client) | {"error_cb": self._measures.client_error, "stats_cb": self._stats})

    def _send_due(self) -> int:
        rate, now = self._settings["rate"], time.monotonic()
        if rate <= 0:
            self._due = now
            return 0
        self._due = max(self._due, now - BEHIND_SECONDS_MAX)
        sent = 0
        while self._due <= now and sent < HEAP_MAX:
            if not self._send():
                break
            self._due += 1 / rate
            sent += 1
        return sent

    def _send(self) -> bool:
        number = next(self._numbers)
        keys = self._settings["keys"]
        key = f"customer-{number * 7919 % keys}".encode() if keys else None
        value = json.dumps({"number": number, "from": self._order.client}).encode().ljust(self._settings["size"], b".")
        try:
            assert self._producer is not None, "made when the first order is obeyed"
            self._producer.produce(
                self._order.wanted["topic"], value=value[: max(self._settings["size"], 1)], key=key, on_delivery=self._delivered
            )
        except BufferError:  # 100,000 records wait: the brokers do not take them; the next round tries again
            self._measures.error("the client's buffer is full: brokers take less than is sent")
            return False
        return True

    def _pause_seconds(self) -> float:
        if self._order.do != "run" or self._settings["rate"] <= 0:
            return WAIT_SECONDS_MAX
        return max(0.001, min(self._due - time.monotonic(), WAIT_SECONDS_MAX))

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._measures.count("failed")
            self._measures.client_error(error)
            return
        self._measures.count("acked")
        self._measures.moved(1)
        if (latency := message.latency()) is not None:
            self._measures.latency(latency)

    def _stats(self, text: str) -> None:
        brokers = json.loads(text).get("brokers", {})
        self._measures.counts["retried"] = sum(broker.get("txretries", 0) for broker in brokers.values())

    def _report(self) -> None:
        now = time.monotonic()
        if now - self._reported > 0.2:
            self._reported = now
            assert self._producer is not None, "made when the first order is obeyed"
            self._order.report = {"acked": 0, "failed": 0, "retried": 0, "in_flight": len(self._producer)} | self._measures.report()

    def _end(self) -> None:
        assert self._producer is not None, "made when the first order is obeyed"
        crash = self._order.do == "crash"
        if crash:
            self._producer.purge(in_flight=True, blocking=False)
        else:
            self._producer.flush(FLUSH_SECONDS_MAX)
        self._producer = None
        self._order.state = "crashed" if crash else "closed"
        self._order.version = self._order.wanted["version"]


def configuration(wanted: dict[str, Any], client: str) -> dict[str, Any]:
    """librdkafka's names for what was asked."""
    asked = wanted["settings"]
    return {
        "bootstrap.servers": wanted["bootstrap"],
        "client.id": client,
        "acks": asked["acks"],
        "linger.ms": asked["linger"],
        "enable.idempotence": asked["idempotence"],
        "compression.type": asked["compression"],
        "partitioner": PARTITIONERS[asked["partitioner"]],
        "sticky.partitioning.linger.ms": 0 if asked["keys"] == 0 else 10,
        "statistics.interval.ms": 2_000,
        "request.timeout.ms": 45_000,  # longer than a pause of the cluster in a lesson: waiting is no error
        "socket.timeout.ms": 60_000,
        "retry.backoff.ms": 50,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 500,
        "log_level": 0,
    }
