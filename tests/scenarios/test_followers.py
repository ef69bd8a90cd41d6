"""Followers that are slow or far behind: the slow one stays in sync and is waited for, the late one catches up while leaders move."""

from engine.protocol.errors import ErrorCode
from tests.scenarios.asking import Asking
from tests.scenarios.stage import TOPIC, Stage, partitions_of

DELAY_MS = 200


def test_a_slow_follower_stays_in_sync_and_is_waited_for(tmp_path):
    with Stage(tmp_path, members=0) as stage:
        stage.create("by-hand")  # records that are none of the producer's
        leader = stage.leader_of(0, "by-hand")
        slow = next(broker for broker in (1, 2, 3) if broker != leader)
        mark = stage.mark()
        stage.do(f"slow broker {slow} to broker {leader} {DELAY_MS}ms")
        with Asking(stage.port(leader), "by-hand") as asking:
            for number in range(5):
                error, _, alone_s = asking.produce(b"9000%d" % number, acks=1)
                assert error == ErrorCode.none
                error, _, together_s = asking.produce(b"9001%d" % number, acks=-1)
                assert error == ErrorCode.none and together_s >= DELAY_MS / 1000
                assert alone_s < together_s
        stage.acks(100)
        lagged = [fact for fact in stage.since(mark, "IsrShrunk") if fact["topic"] == TOPIC and fact["reason"] == "lag"]
        assert lagged == []
        stage.until(lambda picture: all(len(each["isr"]) == 3 for each in partitions_of(picture)))
        stage.do("heal")


def test_a_follower_far_behind_catches_up_while_leaders_move(tmp_path):
    # Small fetches over a slow link, so that catching up takes a while.
    with Stage(tmp_path, rate=1500, configs=("replica.fetch.max.bytes=8192", "replica.fetch.response.max.bytes=16384")) as stage:
        controller = stage.controller()
        late, leader = (broker for broker in (1, 2, 3) if broker != controller)
        stage.do(f"kill broker {late}")
        stage.moved_from(late)
        stage.acks(600)
        stage.do(f"slow broker {late} to broker {leader} 100ms")
        stage.do(f"start broker {late}")
        stage.until(lambda picture: picture["brokers"][late - 1]["state"] == "up")
        stage.do(f"kill broker {leader}")  # whoever is in sync now is the controller alone: nothing is taken until the late one is there
        stage.moved_from(leader)
        stage.flows(within_s=30)
        stage.do("heal")
        stage.do(f"start broker {leader}")
        stage.whole()
        stage.do("elect preferred leaders")
        stage.flows()
