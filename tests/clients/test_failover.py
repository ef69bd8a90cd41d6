"""Leaders and controllers are killed under acks=all traffic: nothing acknowledged is lost, and writing goes on in about the session of a broker."""

import time

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from tests.clients.conftest import is_whole
from tests.clients.traffic import Traffic, create

GAP_S_MAX = 2.5  # profile demo: 0.8 s of session, up to a second until librdkafka asks for the leader again, and a busy machine


def leader_of_most(picture, topic):
    partitions = next(each["partitions"] for each in picture["topics"] if each["name"] == topic)
    leaders = [partition["leader"] for partition in partitions]
    return max(sorted(set(leaders)), key=leaders.count)


def controller(picture, topic):
    return picture["controller"]


@pytest.mark.alone
@pytest.mark.parametrize("victim", [leader_of_most, controller])
def test_kills_lose_nothing_and_writing_goes_on(engine, name, victim):
    create(engine.bootstrap, name)
    gaps = []
    with Traffic(engine.bootstrap, name) as traffic:
        for _ in range(3):
            broker = victim(engine.state(), name)
            killed = time.monotonic()
            assert engine.do(f"kill broker {broker}")["ok"]
            engine.until(lambda picture, gone=broker: not_led_by(picture, name, gone))
            traffic.flows()
            gaps.append(traffic.worst_gap(killed))
            assert engine.do(f"start broker {broker}")["ok"]
            engine.until(is_whole, within_s=20)
    assert traffic.differences() == (0, 0, 0)
    assert max(gaps) <= GAP_S_MAX, f"seconds without an acknowledgement: {gaps}"


def not_led_by(picture, topic, broker):
    partitions = next(each["partitions"] for each in picture["topics"] if each["name"] == topic)
    return all(partition["leader"] not in (broker, -1, None) and broker not in partition["isr"] for partition in partitions)


def test_an_admin_client_that_comes_while_the_killed_controller_is_not_fenced_yet_is_not_sent_to_it(engine, name):
    gone = engine.state()["controller"]
    assert engine.do(f"kill broker {gone}")["ok"]
    admin = AdminClient({"bootstrap.servers": engine.bootstrap, "log_level": 2})
    admin.create_topics([NewTopic(name, 3, 2)])[name].result(10)
