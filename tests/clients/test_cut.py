"""Cut and slow links, failing requests, on real processes under acknowledged traffic: nothing is lost, and all comes back after the heal."""

import time

from tests.clients.conftest import is_whole
from tests.clients.traffic import Traffic, create

TIMED_OUT = {"request.timeout.ms": 1500}  # a leader that is alone cannot acknowledge; clients wait for this long, not for Kafka's 30 s


def broker(picture, number):
    return next(one for one in picture["brokers"] if one["id"] == number)


def parts(picture, topic):
    return next(one["partitions"] for one in picture["topics"] if one["name"] == topic)


def led_by(picture, topic, number):
    return [part["partition"] for part in parts(picture, topic) if part["leader"] == number]


def wait_for(condition, within_s=30):
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, f"not within {within_s} s"
        time.sleep(0.01)


def a_follower_of_the_quorum(picture):
    return next(one["id"] for one in picture["brokers"] if one["id"] != picture["controller"])


def test_a_leader_that_is_cut_from_its_peers_is_fenced_and_comes_back_without_a_loss(engine, name):
    create(engine.bootstrap, name)
    alone = a_follower_of_the_quorum(engine.state())
    with Traffic(engine.bootstrap, name, settings=TIMED_OUT) as traffic:
        assert engine.do(f"cut broker {alone} from brokers")["ok"]
        engine.until(lambda picture: broker(picture, alone)["state"] == "fenced" and not led_by(picture, name, alone))
        assert broker(engine.state(), alone)["pid"], "its process runs on, and clients reach it"
        traffic.flows(within_s=15)
        assert engine.do("heal")["ok"]
        engine.until(is_whole, within_s=20)
        traffic.flows(within_s=15)
    assert traffic.differences() == (0, 0, 0)


def test_a_controller_that_is_cut_from_its_peers_is_followed_by_another(engine, name):
    create(engine.bootstrap, name)
    alone = engine.state()["controller"]
    with Traffic(engine.bootstrap, name, settings=TIMED_OUT) as traffic:
        assert engine.do(f"cut broker {alone} from brokers")["ok"]
        engine.until(lambda picture: picture["controller"] not in (alone, -1) and broker(picture, alone)["fenced"])
        traffic.flows(within_s=15)
        assert engine.do(f"heal broker {alone}")["ok"]
        picture = engine.until(is_whole, within_s=20)
        assert picture["controller"] != alone
    assert traffic.differences() == (0, 0, 0)


def test_a_broker_that_is_cut_from_clients_alone_stays_in_every_isr_and_its_clients_wait(engine, name):
    create(engine.bootstrap, name)
    with Traffic(engine.bootstrap, name) as traffic:
        picture = engine.state()
        unheard = a_follower_of_the_quorum(picture)
        own = led_by(picture, name, unheard)
        others = [part["partition"] for part in parts(picture, name) if part["leader"] != unheard]
        assert own and others
        assert engine.do(f"cut broker {unheard} from clients")["ok"]
        settled = {partition: len(traffic.acked[partition]) for partition in range(6)}
        wait_for(lambda: all(len(traffic.acked[partition]) >= settled[partition] + 60 for partition in others))  # two seconds of records
        assert all(len(traffic.acked[partition]) <= settled[partition] + 5 for partition in own), "what was in flight, no more"
        assert is_whole(engine.state())
        assert engine.do("heal")["ok"]
        traffic.flows()
    assert traffic.differences() == (0, 0, 0)


def test_a_follower_that_is_slow_leaves_the_isr_by_its_lag_and_catches_up_after_the_heal(engine, name):
    create(engine.bootstrap, name)
    picture = engine.state()
    leader, follower = [one["id"] for one in picture["brokers"] if one["id"] != picture["controller"]]
    with Traffic(engine.bootstrap, name) as traffic:
        assert engine.do(f"slow broker {follower} to broker {leader} 2s")["ok"]

        def lags(picture):
            return all(follower not in part["isr"] for part in parts(picture, name) if part["leader"] == leader)

        picture = engine.until(lags, within_s=20)  # replica.lag.time.max.ms is 3 s here
        assert broker(picture, follower)["state"] == "up", "its session is the controller's, which hears it as before"
        assert all(follower in part["isr"] for part in parts(picture, name) if part["leader"] == picture["controller"])
        traffic.flows()
        assert engine.do("heal")["ok"]
        engine.until(is_whole, within_s=20)
    assert traffic.differences() == (0, 0, 0)


def test_a_broker_that_starts_behind_a_cut_joins_after_the_heal(engine):
    alone = a_follower_of_the_quorum(engine.state())
    assert engine.do(f"cut broker {alone} from brokers")["ok"]
    assert engine.do(f"kill broker {alone}")["ok"]
    assert engine.do(f"start broker {alone}")["ok"]
    engine.until(lambda picture: broker(picture, alone)["fenced"])
    assert broker(engine.state(), alone)["state"] == "starting"
    assert engine.do("heal")["ok"]
    engine.until(is_whole, within_s=20)


def test_produce_requests_that_fail_at_times_are_sent_again_without_loss_or_duplicates(engine, name):
    create(engine.bootstrap, name)
    with Traffic(engine.bootstrap, name) as traffic:
        picture = engine.state()
        for one in picture["brokers"]:
            assert engine.do(f"fail produce on broker {one['id']} with NOT_ENOUGH_REPLICAS 30%")["ok"]
        never = parts(picture, name)[0]["leader"]
        assert engine.do(f"fail produce on broker {never} with NOT_ENOUGH_REPLICAS")["ok"]
        own = led_by(picture, name, never)
        settled = {partition: len(traffic.acked[partition]) for partition in range(6)}
        passes = [partition for partition in range(6) if partition not in own]
        wait_for(lambda: all(len(traffic.acked[partition]) >= settled[partition] + 60 for partition in passes))
        assert all(len(traffic.acked[partition]) <= settled[partition] + 5 for partition in own), "what was in flight, no more"
        assert engine.do(f"fail produce on broker {never} with NOT_ENOUGH_REPLICAS 30%")["ok"]
        wait_for(lambda: all(len(traffic.acked[partition]) >= settled[partition] + 120 for partition in range(6)))
        assert engine.do("heal")["ok"]
        traffic.flows()
    assert traffic.differences() == (0, 0, 0)


def test_fetches_that_wait_make_reading_late_and_nothing_else(engine, name):
    create(engine.bootstrap, name, partitions=1, replicas=1)
    leader = parts(engine.state(), name)[0]["leader"]
    with Traffic(engine.bootstrap, name, partitions=1) as traffic:
        assert engine.do(f"delay fetch on broker {leader} by 300ms")["ok"]
        traffic.flows()
    began = time.monotonic()
    assert traffic.differences() == (0, 0, 0)
    assert time.monotonic() - began >= 0.3
    assert engine.do("heal")["ok"]
