"""What a controller tells of records that nobody told: everything that can be seen, and nothing that is not so."""

import pytest

from engine.controller.inherited import tell_inherited
from engine.events.facts import ConfigChanged, LeaderElected
from engine.events.journal import Journal
from engine.protocol.stored.metadata import RESOURCE_TOPIC, ConfigRecord, PartitionChangeRecord
from tests.engine.controller.cluster import Cluster


def inherited(cluster, *records):
    """The journal of a controller that finds these committed."""
    journal = Journal(node=2, incarnation=1, now_ms=lambda: 0)
    tell_inherited(journal, cluster.image, cluster.play(records))
    return journal


def config(name, value):
    return ConfigRecord(resource_type=RESOURCE_TOPIC, resource_name="orders", name=name, value=value)


def test_a_config_that_was_taken_away_is_told_as_such():
    cluster = Cluster()
    cluster.topic("orders", [1, 2, 3])
    cluster.play([config("flush.messages", "1"), config("min.insync.replicas", "2")])
    journal = inherited(cluster, config("flush.messages", None), config("segment.ms", "500"))
    [changed] = journal.recent(ConfigChanged)
    assert changed.changes == {"flush.messages": None, "min.insync.replicas": "2", "segment.ms": "500"}


@pytest.mark.parametrize(
    ("isr", "leader", "recovery", "how"), [((1, 2), 2, -1, "in-sync"), ((1,), 3, 1, "unclean"), ((), -1, -1, "none")], ids=lambda value: str(value)
)
def test_an_election_is_called_what_it_was(isr, leader, recovery, how):
    cluster = Cluster()
    topic_id = cluster.topic("orders", [1, 2, 3], isr=isr or (1,))
    record = PartitionChangeRecord(partition_id=0, topic_id=topic_id, isr=(leader,) if leader >= 0 else (), leader=leader, leader_recovery_state=recovery)
    [elected] = inherited(cluster, record).recent(LeaderElected)
    assert (elected.leader, elected.how) == (leader, how)


def test_an_eligible_replica_was_elected():
    cluster = Cluster()
    topic_id = cluster.topic("orders", [1, 2, 3])
    gone = PartitionChangeRecord(partition_id=0, topic_id=topic_id, isr=(), leader=-1, eligible_leader_replicas=(1, 3))
    back = PartitionChangeRecord(partition_id=0, topic_id=topic_id, isr=(3,), leader=3, eligible_leader_replicas=(1,))
    cluster.play([gone])
    [elected] = inherited(cluster, back).recent(LeaderElected)
    assert (elected.leader, elected.how) == (3, "eligible")
