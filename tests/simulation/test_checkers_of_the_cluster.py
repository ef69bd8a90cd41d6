"""Each checker of what the cluster keeps to accepts a run that is right and refuses one that is not; none is left without its story."""

from types import SimpleNamespace

import pytest

from tests.simulation import test_checkers
from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers import (
    CHECKERS,
    causes_come_earlier,
    fold_equals_snapshot,
    high_watermark_never_falls,
    in_sync_is_caught_up,
    isr_within_replicas_and_elected_in_sync,
    leader_epochs_grow,
    logs_are_equal,
    metadata_log_committed_stays,
    one_leader_per_epoch,
)
from tests.simulation.stories import (
    ID,
    TOPIC,
    Moment,
    change_record,
    elected,
    fact,
    judge,
    metadata_node,
    node,
    partition_record,
    quorum,
    replica,
    topic_record,
)

ROW = {"partition": 0, "leader": 1, "leader_epoch": 0, "partition_epoch": 0, "replicas": (1, 2, 3), "isr": (1, 2, 3), "elr": ()}
CREATED = fact("TopicCreated", topic=TOPIC, topic_id=str(ID), partitions=(ROW,), topic_configs={}, internal=False)
REGISTERED = fact("BrokerRegistered", broker=1, broker_epoch=1, rack=None, host="node-1", port=9092)
LED = fact("ControllerElected", leader=1, epoch=1, voters=(1, 2, 3), causes=("1.1.BrokerRegistered",))
BEGUN = [topic_record(), partition_record()]


def cluster(*records):
    """One node that controls, with these records in its metadata log."""
    only = metadata_node(*records)
    only.controller = SimpleNamespace(active=True, epoch=1)
    only.groups = SimpleNamespace(all=lambda: [])
    return {1: only}


def pair(leader, follower):
    """Node 1 leads and node 2 follows."""
    return Moment(nodes={1: node(leader), 2: node(follower, number=2)})


ACCEPTED = {
    "a high watermark grows": (
        high_watermark_never_falls, Moment(nodes={1: node(replica(hw=1, end=2))}), Moment(nodes={1: node(replica(hw=2, end=2))}),
    ),
    "a restarted node begins from its checkpoint": (
        high_watermark_never_falls,
        Moment(nodes={1: node(replica(hw=2, end=2))}),
        Moment(nodes={1: node(replica(hw=0, end=2), incarnation=2)}),
    ),
    "a follower has what is committed": (in_sync_is_caught_up, pair(replica(hw=2, end=3, leads=True), replica(hw=1, end=2))),
    "one outside of the ISR may lack it": (
        in_sync_is_caught_up, pair(replica(hw=2, end=3, leads=True, isr=(1,)), replica(hw=1, end=1, isr=(1,))),
    ),
    "one that follows an older leader is not looked at": (
        in_sync_is_caught_up, pair(replica(hw=2, end=3, leads=True, epoch=2), replica(hw=1, end=1, epoch=1)),
    ),
    "epochs have a leader each": (
        one_leader_per_epoch,
        Moment(nodes={1: node(replica(hw=0, end=0, leads=True, epoch=1), raft=quorum(epoch=1, leads=True))}),
        Moment(nodes={2: node(replica(hw=0, end=0, leads=True, epoch=2), number=2, raft=quorum(epoch=2, leads=True))}),
    ),
    "a topic that is created anew begins anew": (
        one_leader_per_epoch, Moment(facts=[elected(1, 1), CREATED | {"topic_id": "another"}, elected(2, 1)]),
    ),
    "epochs grow": (
        leader_epochs_grow,
        Moment(nodes={1: metadata_node(*BEGUN)}),
        Moment(nodes={1: metadata_node(*BEGUN, change_record(leader=2))}, facts=[elected(1, 1), elected(2, 2)]),
    ),
    "logs are equal": (logs_are_equal, pair(replica(hw=3, end=3, data=b"abc"), replica(hw=3, end=3, data=b"abc"))),
    "they may part above the high watermark": (logs_are_equal, pair(replica(hw=2, end=3, data=b"abc"), replica(hw=3, end=3, data=b"abd"))),
    "nodes hold the same metadata": (
        metadata_log_committed_stays,
        Moment(nodes={1: metadata_node(*BEGUN), 2: metadata_node(*BEGUN, number=2, hw=1)}),
        Moment(nodes={1: metadata_node(*BEGUN, change_record(leader=2)), 2: metadata_node(*BEGUN, number=2)}),
    ),
    "what was not committed may be replaced": (
        metadata_log_committed_stays,
        Moment(nodes={1: metadata_node(*BEGUN, change_record(leader=2), hw=2)}),
        Moment(nodes={1: metadata_node(*BEGUN, change_record(leader=3))}),
    ),
    "one in sync is elected": (
        isr_within_replicas_and_elected_in_sync,
        Moment(nodes={1: metadata_node(*BEGUN, change_record(leader=2, isr=(2, 3)))}, facts=[CREATED, elected(2, 1, isr=(2, 3))]),
    ),
    "an unclean election says so": (
        isr_within_replicas_and_elected_in_sync,
        Moment(
            nodes={
                1: metadata_node(topic_record(), partition_record(isr=(1,)), change_record(leader=3, isr=(3,), leader_recovery_state=1))
            },
            facts=[CREATED | {"partitions": (ROW | {"isr": (1,)},)}, elected(3, 1, isr=(3,), how="unclean")],
        ),
    ),
    "causes come earlier": (causes_come_earlier, Moment(facts=[REGISTERED, LED])),
    "the facts add up to the cluster": (
        fold_equals_snapshot,
        Moment(
            nodes=cluster(*BEGUN, change_record(leader=2, isr=(2, 3))),
            facts=[REGISTERED, LED, CREATED, elected(2, 1, isr=(2, 3))],
        ),
    ),
}  # fmt: skip

REFUSED = {
    "a high watermark fell": (
        high_watermark_never_falls, Moment(nodes={1: node(replica(hw=2, end=2))}), Moment(nodes={1: node(replica(hw=1, end=2))}),
    ),
    "a follower in the ISR lacks what is committed": (in_sync_is_caught_up, pair(replica(hw=2, end=3, leads=True), replica(hw=1, end=1))),
    "a new leader lacks what was committed": (
        in_sync_is_caught_up,
        pair(replica(hw=2, end=3, leads=True), replica(hw=1, end=2)),
        Moment(nodes={2: node(replica(hw=1, end=1, leads=True, epoch=2, isr=(2,)), number=2)}),
    ),
    "two lead a partition in an epoch": (
        one_leader_per_epoch, pair(replica(hw=0, end=0, leads=True), replica(hw=0, end=0, leads=True)),
    ),
    "two lead the metadata log in an epoch": (
        one_leader_per_epoch, Moment(nodes={1: node(raft=quorum(leads=True)), 2: node(number=2, raft=quorum(leads=True))}),
    ),
    "two controllers were told of in an epoch": (one_leader_per_epoch, Moment(facts=[LED, LED | {"leader": 2}])),
    "two leaders were told of in an epoch": (one_leader_per_epoch, Moment(facts=[elected(1, 1), elected(2, 1)])),
    "a replica's epoch fell": (
        leader_epochs_grow, Moment(nodes={1: node(replica(hw=0, end=0, epoch=2))}), Moment(nodes={1: node(replica(hw=0, end=0, epoch=1))}),
    ),
    "a node's quorum epoch fell": (
        leader_epochs_grow, Moment(nodes={1: node(raft=quorum(epoch=2))}), Moment(nodes={1: node(raft=quorum(epoch=1), incarnation=2)}),
    ),
    "a controller told of an older epoch": (leader_epochs_grow, Moment(facts=[elected(1, 2), elected(2, 1)])),
    "logs differ": (logs_are_equal, pair(replica(hw=3, end=3, data=b"abc"), replica(hw=3, end=3, data=b"abd"))),
    "two nodes hold different metadata": (
        metadata_log_committed_stays,
        Moment(nodes={1: metadata_node(*BEGUN, change_record(leader=2)), 2: metadata_node(*BEGUN, change_record(leader=3), number=2)}),
    ),
    "what was committed was replaced": (
        metadata_log_committed_stays,
        Moment(nodes={1: metadata_node(*BEGUN, change_record(leader=2))}),
        Moment(nodes={1: metadata_node(*BEGUN, change_record(leader=3))}),
    ),
    "what was committed is gone": (
        metadata_log_committed_stays,
        Moment(nodes={1: metadata_node(*BEGUN)}),
        Moment(nodes={1: metadata_node(*BEGUN, incarnation=2, hw=1)}),
    ),
    "the ISR is not within the replicas": (
        isr_within_replicas_and_elected_in_sync, Moment(nodes={1: metadata_node(*BEGUN, change_record(isr=(1, 4)))}),
    ),
    "one is elected that was not in sync": (
        isr_within_replicas_and_elected_in_sync,
        Moment(nodes={1: metadata_node(topic_record(), partition_record(isr=(1, 2)), change_record(leader=3, isr=(3,)))}),
    ),
    "one is told of that was not in sync": (
        isr_within_replicas_and_elected_in_sync,
        Moment(facts=[CREATED | {"partitions": (ROW | {"isr": (1, 2)},)}, elected(3, 1, isr=(3,))]),
    ),
    "a cause is not known": (causes_come_earlier, Moment(facts=[LED])),
    "a cause is not named": (causes_come_earlier, Moment(facts=[REGISTERED, LED | {"causes": ()}])),
    "an election was not told": (
        fold_equals_snapshot,
        Moment(nodes=cluster(*BEGUN, change_record(leader=2, isr=(2, 3))), facts=[REGISTERED, LED, CREATED]),
    ),
    "a topic was not told": (fold_equals_snapshot, Moment(nodes=cluster(*BEGUN), facts=[REGISTERED, LED])),
}  # fmt: skip


@pytest.mark.parametrize("story", ACCEPTED)
def test_accepts(story):
    judge(*ACCEPTED[story])


@pytest.mark.parametrize("story", REFUSED)
def test_refuses(story):
    checker, *moments = REFUSED[story]
    with pytest.raises(Anomaly) as refusal:
        judge(checker, *moments)
    assert refusal.value.checker == checker.__name__.rpartition(".")[2]
    assert refusal.value.evidence


def test_a_new_leader_without_what_was_committed_is_excused_by_an_unclean_election():
    moments = REFUSED["a new leader lacks what was committed"][1:]
    unclean = Moment(nodes=moments[1].nodes, facts=[elected(2, 2, how="unclean")])
    judge(in_sync_is_caught_up, moments[0], unclean, may_lose=True)


@pytest.mark.parametrize("stories", ["ACCEPTED", "REFUSED"])
def test_every_checker_has_its_stories(stories):
    told = {checker for checker, *_ in (*globals()[stories].values(), *getattr(test_checkers, stories).values())}
    assert told == set(CHECKERS)
