"""Every broker is killed at once under acks=all load: what was acknowledged is there afterwards, group offsets too, and writing goes on."""

import time

import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.clients.conftest import is_whole
from tests.clients.traffic import PARTITIONS, Traffic, create

WRITES_AGAIN_S_MAX = 3.0  # profile demo, from the first start command on


def committed(bootstrap, topic):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "enable.auto.commit": False, "log_level": 2})
    found = consumer.committed([TopicPartition(topic, index) for index in range(PARTITIONS)], timeout=15)
    consumer.close()
    return [one.offset for one in found]


def commit(bootstrap, topic, offsets):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "enable.auto.commit": False, "log_level": 2})
    consumer.commit(offsets=[TopicPartition(topic, index, offset) for index, offset in enumerate(offsets)], asynchronous=False)
    consumer.close()


@pytest.mark.alone
def test_a_kill_of_everything_loses_nothing_acknowledged(engine, name):
    create(engine.bootstrap, name)
    with Traffic(engine.bootstrap, name, rate=400) as traffic:
        offsets = [10 + index for index in range(PARTITIONS)]
        commit(engine.bootstrap, name, offsets)
        for broker in (1, 2, 3):
            engine.send(f"kill broker {broker}")
        assert all(engine.answer()["ok"] for _ in range(3))
        for broker in (1, 2, 3):
            engine.send(f"start broker {broker}")
        started = time.monotonic()
        assert all(engine.answer()["ok"] for _ in range(3))
        traffic.flows(within_s=15)
        again_s = time.monotonic() - started
        assert committed(engine.bootstrap, name) == offsets
        engine.until(is_whole, within_s=20)
    assert traffic.differences() == (0, 0, 0)
    assert again_s <= WRITES_AGAIN_S_MAX
