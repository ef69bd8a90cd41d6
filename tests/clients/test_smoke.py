"""A real client on real brokers: one, then three; then one of the three is killed, and all of them are started again."""

import time
import uuid

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from tests.clients.engine_process import EngineProcess

RECORDS = 200


def create(bootstrap, topic, *, partitions=3, replicas):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, partitions, replicas)])[topic].result(10)


def produce(bootstrap, topic, values):
    """Returns what was not acknowledged."""
    failed = []
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True})
    for value in values:
        producer.produce(topic, key=value, value=value, on_delivery=lambda error, message: error and failed.append(error))
    left = producer.flush(30)
    return failed + [left] * bool(left)


def consume(bootstrap, topic, group, count, within_s=20):
    """Values read by a member of the group, which commits and leaves."""
    settings = {"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer, found, deadline = Consumer(settings), [], time.monotonic() + within_s
    consumer.subscribe([topic])
    while len(found) < count and time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            found.append(message.value().decode())
    consumer.commit(asynchronous=False)
    consumer.close()
    return found


@pytest.mark.parametrize("brokers", [1, 3])
def test_topic_records_group(tmp_path, brokers):
    values = [str(number) for number in range(RECORDS)]
    with EngineProcess(tmp_path / "data", brokers=brokers) as engine:
        create(engine.bootstrap, "orders", replicas=brokers)
        assert produce(engine.bootstrap, "orders", values) == []
        assert sorted(consume(engine.bootstrap, "orders", "billing", RECORDS)) == sorted(values)
        assert engine.stop() < 5


def test_a_killed_broker_is_missed_and_comes_back(tmp_path):
    first, second = ([str(uuid.uuid4()) for _ in range(RECORDS)] for _ in range(2))
    with EngineProcess(tmp_path / "data", brokers=3) as engine:
        create(engine.bootstrap, "orders", replicas=3)
        assert produce(engine.bootstrap, "orders", first) == []
        assert engine.do("kill broker 2")["ok"]
        assert produce(engine.bootstrap, "orders", second) == []
        assert sorted(consume(engine.bootstrap, "orders", "billing", 2 * RECORDS)) == sorted(first + second)
        engine.until(lambda picture: all(2 not in partition["isr"] for partition in partitions(picture, "orders")))
        assert engine.do("start broker 2")["ok"]
        engine.until(lambda picture: all(2 in partition["isr"] for partition in partitions(picture, "orders")))


def test_the_same_data_after_a_stop_and_after_a_kill_of_everything(tmp_path):
    values = [str(uuid.uuid4()) for _ in range(RECORDS)]
    for start in range(3):
        with EngineProcess(tmp_path / "data", brokers=3) as engine:
            if start == 0:
                create(engine.bootstrap, "orders", replicas=3)
                assert produce(engine.bootstrap, "orders", values) == []
            assert sorted(consume(engine.bootstrap, "orders", f"group-{start}", RECORDS)) == sorted(values)
            if start == 0:
                assert engine.stop() < 5


def partitions(picture, topic):
    return next(each["partitions"] for each in picture["topics"] if each["name"] == topic)
