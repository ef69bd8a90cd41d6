"""A broker's cables are pulled: those to its peers and not those to clients, or the other way round."""

from engine.protocol.errors import ErrorCode
from tests.scenarios.asking import Asking
from tests.scenarios.ledger import values_of
from tests.scenarios.stage import TOPIC, Stage, partitions_of

ALL, LEADER = -1, 1
ALONE, ALONE_ONE = b"90000001", b"90000002"


def others(broker):
    return ",".join(str(other) for other in (1, 2, 3) if other != broker)


def led_by(stage, broker):
    return [each["partition"] for each in partitions_of(stage.picture()) if each["leader"] == broker]


def test_a_leader_that_only_clients_reach_acknowledges_nothing_and_is_replaced(tmp_path):
    with Stage(tmp_path) as stage:
        alone = stage.leader_of_most(besides=stage.controller())
        partition = led_by(stage, alone)[0]
        with Asking(stage.port(alone), TOPIC) as asking:
            stage.do(f"cut broker {alone} from broker {others(alone)}")
            error, _, _ = asking.produce(ALONE, acks=ALL, partition=partition)
            assert error == ErrorCode.request_timed_out
            stage.moved_from(alone)
            stage.flows(within_s=20)
            error, _, _ = asking.produce(ALONE, acks=ALL, partition=partition)
            assert error != ErrorCode.none
            # It knows no better than that it leads, and acks=1 promises nothing beyond it: as in Kafka, this one will be lost.
            error, offset, _ = asking.produce(ALONE_ONE, acks=LEADER, partition=partition)
            assert error == ErrorCode.none
        mark = stage.mark()
        stage.do("heal")
        stage.whole()
        assert offset in stage.cut_off(mark, alone, partition)
        assert not {ALONE, ALONE_ONE} & set(values_of(stage.reads(), partition))


def test_a_controller_that_only_clients_reach_is_replaced(tmp_path):
    with Stage(tmp_path) as stage:
        alone = stage.controller()
        stage.do(f"cut broker {alone} from broker {others(alone)}")
        stage.moved_from(alone)
        stage.until(lambda picture: picture["controller"] not in (alone, -1, None))
        stage.flows(within_s=20)
        stage.do("heal")
        stage.whole()


def test_a_leader_that_only_its_peers_reach_goes_on_leading_and_clients_wait(tmp_path):
    with Stage(tmp_path) as stage:
        hidden = stage.leader_of_most(besides=stage.controller())
        mark, partitions = stage.mark(), led_by(stage, hidden)
        stage.do(f"cut broker {hidden} from clients")
        stage.acks(300, but=partitions)
        assert led_by(stage, hidden) == partitions and stage.since(mark, "SessionExpired") == []
        stage.do("heal")
        stage.flows(within_s=30)


def test_a_broker_that_hears_its_peers_and_is_not_heard_is_replaced(tmp_path):
    with Stage(tmp_path) as stage:
        mute = stage.leader_of_most(besides=stage.controller())
        stage.do(f"cut broker {mute} to broker {others(mute)}")
        stage.moved_from(mute)
        stage.flows(within_s=20)
        stage.do("heal")
        stage.whole()
