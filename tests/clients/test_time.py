"""Time stands still, and nobody leaves: clients keep clocks of their own, and the brokers know it."""

import time

from confluent_kafka import Consumer, Producer

from tests.clients.engine_process import EngineProcess
from tests.clients.test_smoke import create, partitions

SESSION_MS, PAUSE_S = 6_000, 8


def test_a_pause_longer_than_a_session_expires_none(tmp_path):
    with EngineProcess(tmp_path / "data", brokers=3) as engine:
        create(engine.bootstrap, "orders", replicas=3)
        errors = []
        plain = {"bootstrap.servers": engine.bootstrap, "error_cb": errors.append}
        producer = Producer(plain | {"acks": "all", "enable.idempotence": True})
        group = {"group.id": "billing", "auto.offset.reset": "earliest", "session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": 1000}
        consumer, revoked, found = Consumer(plain | group), [], []
        consumer.subscribe(["orders"], on_revoke=lambda _, gone: revoked.append(gone))

        def run(seconds):
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                producer.produce("orders", value=b"x", on_delivery=lambda error, _: error and errors.append(error))
                producer.poll(0)
                message = consumer.poll(0.05)
                if message is not None and message.error() is None:
                    found.append(time.monotonic())

        while not found:
            run(0.1)
        before = engine.state()
        assert engine.do("pause")["ok"]
        run(PAUSE_S)
        assert engine.do("resume")["ok"]
        resumed = time.monotonic()
        run(1)
        assert found[-1] > resumed, "no record within 1 s of the end of the pause"
        after = engine.state()
        assert (errors, revoked) == ([], [])
        assert epochs(after) == epochs(before) and after["controller_epoch"] == before["controller_epoch"]
        assert after["groups"][0]["generation"] == before["groups"][0]["generation"]
        producer.flush(10)
        consumer.close()


def epochs(picture):
    return [(each["leader"], each["leader_epoch"], each["isr"]) for each in partitions(picture, "orders")]
