"""A consumer of the playground: a real member of a group that reads, works and commits until it is told otherwise."""

import time
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from playground.celery import app
from playground.tasks.measures import Measures, in_words
from playground.tasks.orders import ORDERS, Order

RECORDS_A_POLL_MAX = 500  # max.poll.records of Java's client
PAUSED_POLL_SECONDS = 0.1  # a paused member still polls, or its group would throw it out
REBUILT_BY = {"assignor", "instance", "commit", "reset"}  # a member cannot change these while it is one
SESSIONS_MS = {"demo": (6_000, 1_500), "kafka": (45_000, 3_000)}  # session.timeout.ms, heartbeat.interval.ms


@app.task(name="playground.tasks.consume")
def consume(sandbox: str, client: str, run: str) -> None:
    """Runs until the order says close or crash."""
    order = ORDERS.take(sandbox, client, run)
    if order is None:
        return
    try:
        Reading(order).run()
    except (KafkaException, ValueError, TypeError) as error:
        order.state = "failed"
        order.report = order.report | {"last_error": in_words(error)}
    finally:
        ORDERS.give_back(sandbox, order)


class Reading:
    """One consumer's life."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._measures = Measures()
        self._settings: dict[str, Any] = {}
        self._consumer: Consumer | None = None
        self._paused = False
        self._reported = 0.0

    def run(self) -> None:
        """Polls, obeys, reports."""
        while True:
            self._obey()
            if self._order.do in ("close", "crash"):
                break
            self._measures.raise_fatal()
            assert self._consumer is not None, "made when the first order is obeyed"
            wait = PAUSED_POLL_SECONDS if self._paused else max(self._settings["poll"], 10) / 1000
            messages = self._consumer.consume(RECORDS_A_POLL_MAX if wait < 0.5 else 1, timeout=min(wait, 0.25))
            self._work(messages)
            self._report()
            if not self._paused:
                self._order.wait(self._settings["poll"] / 1000 if messages else 0)
        self._end()

    def _obey(self) -> None:
        self._order.changed.clear()
        wanted = self._order.wanted
        if wanted["settings"] != self._settings or self._consumer is None:
            changed = {name for name, value in wanted["settings"].items() if self._settings.get(name) != value}
            self._settings = wanted["settings"]
            if self._consumer is None or changed & REBUILT_BY:
                self._join(wanted)
        if wanted["do"] in ("run", "pause") and self._paused != (wanted["do"] == "pause"):
            self._hold(wanted["do"] == "pause")
        state = {"run": "running", "pause": "paused"}.get(wanted["do"], self._order.state)
        if (state, wanted["version"]) != (self._order.state, self._order.version):
            self._order.state, self._order.version = state, wanted["version"]
            ORDERS.tell_now()

    def _join(self, wanted: dict[str, Any]) -> None:
        if self._consumer is not None:
            self._consumer.close()
        self._consumer = Consumer(configuration(wanted, self._order.client) | {"error_cb": self._measures.client_error})
        self._consumer.subscribe([wanted["topic"]], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)

    def _hold(self, hold: bool) -> None:
        self._paused = hold
        assert self._consumer is not None, "made when the first order is obeyed"
        owned = self._consumer.assignment()
        (self._consumer.pause if hold else self._consumer.resume)(owned)

    # Callbacks get the consumer handed in: a reference of ours in them would keep a crashed one alive.

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._measures.count("rebalances")
        if self._settings["assignor"] == "cooperative-sticky":
            consumer.incremental_assign(partitions)
        else:
            consumer.assign(partitions)
        if self._paused and partitions:
            consumer.pause(partitions)

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._settings["assignor"] == "cooperative-sticky":
            consumer.incremental_unassign(partitions)
        else:
            consumer.unassign()

    def _lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._measures.count("lost_assignments")
        self._revoked(consumer, partitions)

    def _work(self, messages: list[Message]) -> None:
        good = 0
        for message in messages:
            if error := message.error():
                self._measures.client_error(error)
                continue
            self._order.wait(self._settings["processing"] / 1000)
            good += 1
            if self._order.do in ("close", "crash"):
                break
            if self._settings["processing"]:
                self._report(moved=1)
        self._measures.count("read", good)
        self._measures.moved(good if not self._settings["processing"] else 0)
        if good and self._settings["commit"] == "manual" and self._order.do != "crash":
            self._commit()

    def _commit(self) -> None:
        assert self._consumer is not None, "made when the first order is obeyed"
        try:
            self._consumer.commit(asynchronous=False)
            self._measures.count("commits")
        except KafkaException as error:
            self._measures.client_error(error.args[0])

    def _report(self, moved: int = 0) -> None:
        self._measures.moved(moved)
        now = time.monotonic()
        if now - self._reported > 0.2:
            self._reported = now
            self._order.report = {"read": 0, "rebalances": 0} | self._measures.report()

    def _end(self) -> None:
        assert self._consumer is not None, "made when the first order is obeyed"
        if self._order.do == "close":
            self._consumer.close()
            self._order.state = "closed"
        else:
            # Without close() nobody says goodbye: librdkafka's threads end with the object, and heartbeats with them.
            self._order.state = "crashed"
        self._consumer = None
        self._order.version = self._order.wanted["version"]


def configuration(wanted: dict[str, Any], client: str) -> dict[str, Any]:
    """librdkafka's names for what was asked."""
    asked = wanted["settings"]
    session_ms, heartbeat_ms = SESSIONS_MS[wanted["profile"]]
    static = {"group.instance.id": asked["instance"]} if asked["instance"] else {}
    return static | {
        "bootstrap.servers": wanted["bootstrap"],
        "client.id": client,
        "group.id": wanted["group"],
        "partition.assignment.strategy": asked["assignor"],
        "session.timeout.ms": session_ms,
        "heartbeat.interval.ms": heartbeat_ms,
        "auto.offset.reset": asked.get("reset", "earliest"),  # older pictures have consumers that were not asked
        "enable.auto.commit": asked["commit"] == "auto",
        "auto.commit.interval.ms": 1_000,
        "topic.metadata.refresh.interval.ms": 5_000,
        "socket.timeout.ms": 60_000,
        "fetch.wait.max.ms": 500,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 500,
        "log_level": 0,
    }

