"""A broker is frozen for longer than its session: others lead meanwhile, and after its thaw the zombie acknowledges nothing that counts."""

from engine.protocol.errors import ErrorCode
from tests.scenarios.asking import Asking
from tests.scenarios.ledger import values_of
from tests.scenarios.stage import TOPIC, Stage

ALL, LEADER = -1, 1
# Numbers that the producer never reaches: the zombie's records must not look like its own.
ZOMBIE_ALL, ZOMBIE_ONE, ZOMBIE_LATER = b"90000001", b"90000002", b"90000003"


def test_a_frozen_broker_is_replaced_and_comes_back(tmp_path):
    with Stage(tmp_path) as stage:
        frozen = stage.leader_of_most(besides=stage.controller())
        stage.do(f"freeze broker {frozen}")
        stage.moved_from(frozen)
        stage.flows()
        stage.do(f"thaw broker {frozen}")
        stage.whole()


def test_a_frozen_controller_is_replaced_and_comes_back(tmp_path):
    with Stage(tmp_path) as stage:
        frozen = stage.controller()
        stage.do(f"freeze broker {frozen}")
        stage.moved_from(frozen)
        assert stage.controller() != frozen
        stage.flows()
        stage.do(f"thaw broker {frozen}")
        stage.whole()


def test_a_thawed_leader_acknowledges_nothing_to_acks_all_and_what_it_takes_for_acks_1_is_told_as_truncated(tmp_path):
    """Apache Kafka 4.3.1 answers the same, asked in the same way: acks=1 promises nothing beyond this one broker."""
    with Stage(tmp_path) as stage:
        zombie = stage.leader_of(0)
        with Asking(stage.port(zombie), TOPIC) as everyone, Asking(stage.port(zombie), TOPIC) as one:
            stage.do(f"freeze broker {zombie}")
            stage.moved_from(zombie)
            stage.flows()
            mark = stage.mark()
            everyone.send(ZOMBIE_ALL, acks=ALL)  # they wait in its socket
            one.send(ZOMBIE_ONE, acks=LEADER)
            stage.do(f"thaw broker {zombie}")
            error, _ = everyone.answer()
            assert error != ErrorCode.none
            error, offset = one.answer()
            stage.whole()
            if error == ErrorCode.none:
                assert offset in stage.cut_off(mark, zombie, 0), "acknowledged by one, and cut without a word"
            for _ in range(3):
                error, _, _ = everyone.produce(ZOMBIE_LATER, acks=LEADER)
                assert error == ErrorCode.not_leader_or_follower or stage.leader_of(0) == zombie
        assert not {ZOMBIE_ALL, ZOMBIE_ONE} & set(values_of(stage.reads(), 0))
