"""Elections, ISR and ELR (KIP-966) as brokers come and go; each story's lines are what a partition looks like after each step."""

import pytest

from engine.controller.broker_registry import fence
from engine.controller.decision import Decision
from engine.controller.election_orders import balance, elect_leaders, lead_uncleanly
from engine.controller.partitions import alter_partition, drop_broker, lead_by
from engine.protocol.codec import build
from engine.protocol.errors import ErrorCode, StaleBrokerEpoch
from engine.protocol.stored.metadata import RESOURCE_TOPIC, UNFENCE, BrokerRegistrationChangeRecord, ConfigRecord
from tests.engine.controller.cluster import Cluster, told


def fenced(cluster, broker):
    decision = Decision()
    fence(cluster.view, decision, broker, reason="session")
    cluster.play(decision)
    return decision


def unfenced(cluster, broker):
    known = cluster.image.brokers[broker]
    decision = Decision(records=[BrokerRegistrationChangeRecord(broker_id=broker, broker_epoch=known.epoch, fenced=UNFENCE)])
    lead_by(cluster.view, decision, broker, because=None)
    cluster.play(decision)
    return decision


def ask_isr(cluster, topic, isr, *, leader, index=0, recovery=0, **changes):
    partition = cluster.image.partition(topic, index)
    row = {
        "partition_index": index,
        "leader_epoch": partition.leader_epoch,
        "partition_epoch": partition.partition_epoch,
        "leader_recovery_state": recovery,
        "new_isr_with_epochs": [{"broker_id": broker, "broker_epoch": -1} for broker in isr],
    } | changes
    request = build(
        "AlterPartition",
        "request",
        3,
        broker_id=leader,
        broker_epoch=cluster.image.brokers[leader].epoch,
        topics=[{"topic_id": cluster.image.topics[topic].id, "partitions": [row]}],
    )
    decision = alter_partition(cluster.view, request, 3)
    cluster.play(decision)
    return decision.answer.topics[0].partitions[0]


def configure(cluster, topic, **values):
    cluster.play(
        [
            ConfigRecord(resource_type=RESOURCE_TOPIC, resource_name=topic, name=name.replace("_", "."), value=value)
            for name, value in values.items()
        ]
    )


def test_the_next_replica_in_sync_leads_and_the_old_one_leaves_the_isr():
    cluster = Cluster()
    cluster.topic("orders", [1, 2, 3])
    decision = fenced(cluster, 1)
    assert cluster.line("orders") == "leader=2@1 isr=[2 3]"
    assert told(decision) == [
        ("BrokerFenced", []),
        ("IsrShrunk", ["BrokerFenced"]),
        ("LeaderElected", ["BrokerFenced", "IsrShrunk"]),
    ]
    assert decision.tellings[0].fact.partitions == 1


def test_a_follower_that_goes_leaves_the_leader_where_it_is():
    cluster = Cluster()
    cluster.topic("orders", [1, 2, 3])
    decision = fenced(cluster, 3)
    assert cluster.line("orders") == "leader=1@0 isr=[1 2]"  # since metadata version 3.6 a shrink bumps no leader epoch
    assert told(decision) == [("BrokerFenced", []), ("IsrShrunk", ["BrokerFenced"])]


def test_below_min_isr_those_that_left_stay_eligible_and_the_first_to_return_leads():
    cluster = Cluster()
    cluster.topic("orders", [1, 2, 3])
    configure(cluster, "orders", min_insync_replicas="2")
    fenced(cluster, 1)
    fenced(cluster, 2)
    assert cluster.line("orders") == "leader=3@2 isr=[3] elr=[2]"
    fenced(cluster, 3)
    assert cluster.line("orders") == "leader=-1@3 isr=[] elr=[2 3] last=[3]"
    decision = unfenced(cluster, 1)  # was not eligible: it left while the ISR was large enough
    assert cluster.line("orders") == "leader=-1@3 isr=[] elr=[2 3] last=[3]"
    assert told(decision) == []
    decision = unfenced(cluster, 2)
    assert cluster.line("orders") == "leader=2@4 isr=[2] elr=[3]"
    assert [telling.fact.how for telling in decision.tellings[:1]] == ["eligible"]
    assert ask_isr(cluster, "orders", [2, 1], leader=2).error_code == ErrorCode.none
    assert cluster.line("orders") == "leader=2@4 isr=[2 1]"


def test_without_elr_the_last_one_in_sync_stays_in_the_isr():
    cluster = Cluster(elr=False)
    cluster.topic("orders", [1, 2])
    fenced(cluster, 1)
    fenced(cluster, 2)
    assert cluster.line("orders") == "leader=-1@2 isr=[2]"
    unfenced(cluster, 1)
    assert cluster.line("orders") == "leader=-1@2 isr=[2]"
    unfenced(cluster, 2)
    assert cluster.line("orders") == "leader=2@3 isr=[2]"


def test_unclean_leaders_only_where_the_topic_allows_them():
    cluster = Cluster()
    cluster.topic("careful", [1, 2], isr=[1])
    cluster.topic("reckless", [1, 2], isr=[1])
    configure(cluster, "reckless", unclean_leader_election_enable="true")
    fenced(cluster, 1)
    assert cluster.line("careful") == "leader=-1@1 isr=[] elr=[1] last=[1]"
    assert cluster.line("reckless") == "leader=2@1 isr=[2] recovering"


def test_unclean_leaders_when_the_config_comes_later():
    cluster = Cluster()
    cluster.topic("orders", [1, 2], isr=[1])
    fenced(cluster, 1)
    assert lead_uncleanly(cluster.view).records == []
    configure(cluster, "orders", unclean_leader_election_enable="true")
    decision = lead_uncleanly(cluster.view)
    cluster.play(decision)
    assert cluster.line("orders") == "leader=2@2 isr=[2] recovering"
    assert [type(telling.fact).__name__ for telling in decision.tellings] == ["LeaderElected", "IsrExpanded"]
    assert ask_isr(cluster, "orders", [2], leader=2, recovery=0).error_code == ErrorCode.none
    assert cluster.line("orders") == "leader=2@2 isr=[2]"


def test_the_last_known_leader_returns_when_nobody_is_eligible():
    cluster = Cluster()
    cluster.topic("orders", [1, 2], isr=[1])
    fenced(cluster, 1)
    decision = Decision()
    drop_broker(cluster.view, decision, 1, reason="registration", because=None, lost_disk=True)
    cluster.play(decision)
    assert cluster.line("orders") == "leader=-1@1 isr=[] last=[1]"
    unfenced(cluster, 1)
    assert cluster.line("orders") == "leader=1@2 isr=[1] recovering"


# ---- AlterPartition


def test_a_leader_shrinks_and_expands_its_isr():
    cluster = Cluster()
    cluster.topic("orders", [1, 2, 3])
    answer = ask_isr(cluster, "orders", [1, 2], leader=1)
    assert (answer.isr, answer.partition_epoch, answer.leader_epoch) == ((1, 2), 1, 0)
    answer = ask_isr(cluster, "orders", [1, 2, 3], leader=1)
    assert (answer.isr, answer.partition_epoch) == ((1, 2, 3), 2)
    answer = ask_isr(cluster, "orders", [1, 2, 3], leader=1)  # nothing changes
    assert (answer.isr, answer.partition_epoch) == ((1, 2, 3), 2)


@pytest.mark.parametrize(
    ("isr", "leader", "changes", "code"),
    [
        ([1, 2], 1, {"leader_epoch": 1}, "not_controller"),
        ([1, 2], 1, {"partition_epoch": 9}, "not_controller"),
        ([1, 2], 1, {"leader_epoch": -1}, "fenced_leader_epoch"),
        ([1, 2], 2, {}, "invalid_request"),
        ([1, 2], 1, {"partition_epoch": -1}, "invalid_update_version"),
        ([1, 1], 1, {}, "invalid_request"),
        ([1, 4], 1, {}, "invalid_request"),
        ([2, 3], 1, {}, "invalid_request"),
        ([], 1, {}, "invalid_request"),
        ([1, 2], 1, {"leader_recovery_state": 1}, "invalid_request"),
        ([1], 1, {"leader_recovery_state": 1}, "invalid_request"),
        ([1, 2], 1, {"partition_index": 7}, "unknown_topic_or_partition"),
        ([1, 2], 1, {"new_isr_with_epochs": [{"broker_id": 1, "broker_epoch": -1}, {"broker_id": 2, "broker_epoch": 999}]}, "ineligible_replica"),
    ],
)
def test_what_a_leader_may_not_ask(isr, leader, changes, code):
    cluster = Cluster(brokers=4)
    cluster.topic("orders", [1, 2, 3])
    assert ask_isr(cluster, "orders", isr, leader=leader, **changes).error_code.name == code
    assert cluster.line("orders") == "leader=1@0 isr=[1 2 3]"


def test_a_fenced_replica_does_not_come_into_the_isr():
    cluster = Cluster()
    cluster.topic("orders", [1, 2, 3])
    fenced(cluster, 3)
    assert ask_isr(cluster, "orders", [1, 2, 3], leader=1).error_code == ErrorCode.ineligible_replica


def test_a_leader_of_another_life_is_not_heard():
    cluster = Cluster()
    request = build("AlterPartition", "request", 3, broker_id=1, broker_epoch=99, topics=[])
    with pytest.raises(StaleBrokerEpoch):
        alter_partition(cluster.view, request, 3)


# ---- ElectLeaders and balance


def elect(cluster, election_type, asked):
    topics = None if asked is None else [{"topic": topic, "partitions": indexes} for topic, indexes in asked]
    request = build("ElectLeaders", "request", 2, election_type=election_type, topic_partitions=topics)
    decision = elect_leaders(cluster.view, request, 2)
    cluster.play(decision)
    results = decision.answer.replica_election_results
    return {(row.topic, each.partition_id): (each.error_code.name, each.error_message) for row in results for each in row.partition_result}


def test_preferred_leaders_come_back_by_order():
    cluster = Cluster()
    cluster.topic("orders", [1, 2, 3])
    assert elect(cluster, 0, [("orders", [0])])["orders", 0] == (
        "election_not_needed",
        "Leader election not needed for topic partition.",
    )
    fenced(cluster, 1)
    assert elect(cluster, 0, [("orders", [0])])["orders", 0] == (
        "preferred_leader_not_available",
        "The preferred leader was not available.",
    )
    unfenced(cluster, 1)
    ask_isr(cluster, "orders", [2, 3, 1], leader=2)
    assert elect(cluster, 0, None) == {("orders", 0): ("none", None)}
    assert cluster.line("orders") == "leader=1@2 isr=[2 3 1]"
    assert elect(cluster, 0, None) == {}


def test_an_unclean_election_by_order_asks_no_config():
    cluster = Cluster()
    cluster.topic("orders", [1, 2], isr=[1])
    fenced(cluster, 1)
    assert elect(cluster, 1, [("orders", [0])])["orders", 0] == ("none", None)
    assert cluster.line("orders") == "leader=2@2 isr=[2] recovering"
    fenced(cluster, 2)
    assert elect(cluster, 1, [("orders", [0])])["orders", 0] == (
        "eligible_leaders_not_available",
        "Eligible topic partition leaders are not available.",
    )


def test_unknown_things_are_named():
    cluster = Cluster()
    cluster.topic("orders", [1, 2, 3])
    answers = elect(cluster, 0, [("orders", [55]), ("zz", [0])])
    assert answers == {
        ("orders", 55): ("unknown_topic_or_partition", "No such partition as orders-55"),
        ("zz", 0): ("unknown_topic_or_partition", "No such topic as zz"),
    }
    assert elect(cluster, 9, [("orders", [0])]) == {("orders", 0): ("invalid_request", "Unknown election type 9")}


def test_balance_moves_what_can_move():
    cluster = Cluster()
    cluster.topic("orders", [1, 2, 3], [2, 3, 1], [3, 1, 2])
    fenced(cluster, 1)
    unfenced(cluster, 1)
    assert balance(cluster.view).records == []  # not in sync yet
    ask_isr(cluster, "orders", [2, 3, 1], leader=2)
    decision = balance(cluster.view)
    cluster.play(decision)
    assert cluster.line("orders") == "leader=1@2 isr=[2 3 1]"
    assert decision.tellings[0].fact.how == "preferred"
    assert decision.tellings[0].fact.configs == {"auto.leader.rebalance.enable": True, "leader.imbalance.check.interval.seconds": 300}
