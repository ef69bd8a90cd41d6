"""Each checker of what clients are promised accepts a run that is right and refuses one that is not."""

import pytest

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers import (
    committed_offset_never_falls,
    committed_offset_within_log,
    duplicate,
    inconsistent_offsets,
    lost_leader_write,
    lost_unacknowledged,
    lost_write,
    non_monotonic_poll,
    one_owner,
    reordered_send,
    skipped_poll,
    uncommitted_read,
    unseen_at_the_end,
)
from tests.simulation.history import LEADER, NONE
from tests.simulation.stories import (
    ID,
    TOPIC,
    Moment,
    acknowledged,
    assigned,
    committed,
    coordinator,
    elected,
    fact,
    given_up,
    judge,
    node,
    polled,
    positioned,
    replica,
    sent,
)

A, B, C = b"a", b"b", b"c"
THREE = ((0, A), (1, B), (2, C))
TRUNCATED = fact("LogTruncated", to_offset=0, was_log_end_offset=2, leader_epoch=2)
RECOVERED = fact("LogRecovered", log_end_offset=0, cut_bytes=70, took_ms=1)
DELETED = fact("TopicDeleted", topic=TOPIC, topic_id=str(ID))
UNCLEAN = elected(2, 2, how="unclean")


def rebalanced(**assignment: tuple[int, ...]) -> dict:
    """The leader of generation 1 has assigned."""
    given = {member: {TOPIC: partitions} for member, partitions in assignment.items()}
    return fact("GroupRebalanced", group="billing", generation=1, leader="m1", protocol="range", assignment=given)


ACCEPTED = {
    "what was acknowledged is there": (lost_write, Moment(seen=[acknowledged(A, 0)], final=[(0, A)])),
    "what acks=1 acknowledged is another checker's": (lost_write, Moment(seen=[acknowledged(A, 0, acks=LEADER)])),
    "its topic was deleted": (lost_write, Moment(seen=[acknowledged(A, 0)], facts=[DELETED])),
    "it was deleted by order": (lost_write, Moment(seen=[acknowledged(A, 0)], facts=[fact("RecordsDeleted", log_start_offset=1)])),
    "its leader was deposed and cut": (
        lost_leader_write, Moment(seen=[acknowledged(A, 0, acks=LEADER)], facts=[elected(2, 2), TRUNCATED]),
    ),
    "its leader lost its disk's cache": (
        lost_leader_write, Moment(seen=[acknowledged(A, 0, acks=LEADER)], facts=[elected(2, 2), RECOVERED]),
    ),
    "the leader was lost when acks=0 sent": (
        lost_unacknowledged, Moment(seen=[acknowledged(A, -1, acks=NONE)], facts=[elected(2, 2, at_ms=105_000)]),
    ),
    "a node had crashed before acks=0 sent": (
        lost_unacknowledged,
        Moment(seen=[acknowledged(A, -1, acks=NONE)], facts=[{"kind": "Crash", "node": 1, "at_ms": 99_000}]),
    ),
    "each offset has its value": (inconsistent_offsets, Moment(seen=[acknowledged(A, 0), polled(0, A), polled(1, B)], final=THREE)),
    "the offset of a lost acks=1 record is given again": (
        inconsistent_offsets, Moment(seen=[acknowledged(C, 0, acks=LEADER), acknowledged(A, 0)], final=[(0, A)]),
    ),
    "an idempotent record stands once": (duplicate, Moment(seen=[sent(A), sent(B)], final=THREE)),
    "what was unsettled when another record was given up may stand twice": (
        duplicate, Moment(seen=[sent(A), sent(B), given_up(A)], final=[(0, B), (1, B)]),
    ),
    "without idempotence a retry may stand twice": (duplicate, Moment(seen=[sent(A, acks=LEADER)], final=[(0, A), (1, A)])),
    "the sends' order is the log's": (reordered_send, Moment(seen=[sent(A, 0), sent(B, 1), sent(C, 2)], final=THREE)),
    "a log that knew nothing of the producer took its second send first": (
        reordered_send, Moment(seen=[sent(A, 1), sent(B, 0), sent(C, 2)], final=THREE),
    ),
    "two producers may mix": (reordered_send, Moment(seen=[sent(A, 5), sent(B, 1, producer="till")], final=THREE)),
    "what was polled stays": (uncommitted_read, Moment(seen=[polled(1, B)], final=THREE)),
    "a reader is given all": (skipped_poll, Moment(seen=[positioned(0), polled(0, A), polled(1, B), polled(2, C)], final=THREE)),
    "a new position begins anew": (skipped_poll, Moment(seen=[polled(0, A), positioned(2), polled(2, C)], final=THREE)),
    "offsets may have gaps that nobody fills": (skipped_poll, Moment(seen=[polled(0, A), polled(4, B)], final=[(0, A), (4, B)])),
    "a reader goes forward": (non_monotonic_poll, Moment(seen=[polled(0, A), polled(1, B)], committed={})),
    "a seek may go back": (non_monotonic_poll, Moment(seen=[polled(1, B), positioned(0, why="seek"), polled(0, A)])),
    "a group goes on where it was": (
        non_monotonic_poll, Moment(seen=[committed(2), positioned(2, at_ms=200_000)], committed={"billing": 2}),
    ),
    "a deleted group begins anew": (
        non_monotonic_poll,
        Moment(
            seen=[committed(2), positioned(0, why="earliest", at_ms=200_000)], facts=[fact("GroupDeleted", group="billing", at_ms=150_000)]
        ),
    ),
    "a group has seen all": (unseen_at_the_end, Moment(seen=[positioned(1), polled(1, B), polled(2, C)], final=THREE)),
    "a group that wanted only what is new": (unseen_at_the_end, Moment(seen=[positioned(2, why="latest"), polled(2, C)], final=THREE)),
    "each partition has one owner": (one_owner, Moment(seen=[assigned("m1", 0), assigned("m2", 1)], facts=[rebalanced(m1=(0,), m2=(1,))])),
    "the next generation has another": (one_owner, Moment(seen=[assigned("m1", 0), assigned("m2", 0, generation=2)])),
    "a group commits more and more": (
        committed_offset_never_falls, Moment(nodes={1: coordinator(1)}), Moment(nodes={1: coordinator(2)}),
    ),
    "one that coordinates no more does not count": (
        committed_offset_never_falls, Moment(nodes={1: coordinator(2, epoch=1)}), Moment(nodes={2: coordinator(1, epoch=0)}),
    ),
    "an old commit came late": (
        committed_offset_never_falls,
        Moment(nodes={1: coordinator(2)}, facts=[{"kind": "LinkSlow", "pairs": [("node-1", "clients")], "at_ms": 100_000}]),
        Moment(nodes={1: coordinator(1)}),
    ),
    "a committed offset is within the log": (
        committed_offset_within_log,
        Moment(seen=[committed(2)], nodes={1: node(replica(hw=2, end=2, leads=True))}, committed={"billing": 2}),
    ),
    "nobody leads, so nobody knows": (committed_offset_within_log, Moment(seen=[committed(9)], nodes={1: node(replica(hw=2, end=2))})),
}  # fmt: skip

REFUSED = {
    "an acknowledged record is gone": (lost_write, Moment(seen=[acknowledged(A, 0)], final=[(0, B)])),
    "an acknowledged record is gone, and the plan may not lose": (lost_write, Moment(seen=[acknowledged(A, 0)], facts=[UNCLEAN])),
    "acks=1 lost without another leader": (lost_leader_write, Moment(seen=[acknowledged(A, 0, acks=LEADER)], facts=[TRUNCATED])),
    "acks=1 lost, and no log was cut": (lost_leader_write, Moment(seen=[acknowledged(A, 0, acks=LEADER)], facts=[elected(2, 2)])),
    "acks=0 lost in peace": (lost_unacknowledged, Moment(seen=[acknowledged(A, -1, acks=NONE)], facts=[elected(2, 2, at_ms=190_000)])),
    "two values were read at one offset": (inconsistent_offsets, Moment(seen=[polled(0, B)], final=THREE)),
    "a record was acknowledged at another offset": (inconsistent_offsets, Moment(seen=[acknowledged(A, 1)], final=[(0, A)])),
    "two records were acknowledged at one offset": (inconsistent_offsets, Moment(seen=[acknowledged(A, 0), acknowledged(B, 0)])),
    "an idempotent record stands twice": (duplicate, Moment(seen=[sent(A)], final=[(0, A), (1, A)])),
    "the third send stands second": (reordered_send, Moment(seen=[sent(A, 0), sent(B, 2), sent(C, 1)], final=THREE)),
    "what was polled is gone": (uncommitted_read, Moment(seen=[polled(3, b"d")], final=THREE)),
    "a reader was not given one": (skipped_poll, Moment(seen=[polled(0, A), polled(2, C)], final=THREE)),
    "a reader was not given the first": (skipped_poll, Moment(seen=[positioned(0), polled(1, B)], final=THREE)),
    "a reader went back": (non_monotonic_poll, Moment(seen=[polled(1, B), polled(0, A)])),
    "a group went back": (non_monotonic_poll, Moment(seen=[committed(2), positioned(1, at_ms=200_000)])),
    "a group forgot that it had committed": (non_monotonic_poll, Moment(seen=[committed(2), positioned(0, why="earliest", at_ms=200_000)])),
    "a group's commit was taken back": (non_monotonic_poll, Moment(seen=[committed(2)], committed={"billing": 1})),
    "a group never saw one": (unseen_at_the_end, Moment(seen=[positioned(0), polled(0, A), polled(2, C)], final=THREE)),
    "two own a partition in a generation": (one_owner, Moment(seen=[assigned("m1", 0), assigned("m2", 0)])),
    "the leader gave a partition twice": (one_owner, Moment(facts=[rebalanced(m1=(0,), m2=(0,))])),
    "a member heard another assignment": (one_owner, Moment(seen=[assigned("m1", 1)], facts=[rebalanced(m1=(0,))])),
    "a group's committed offset fell": (
        committed_offset_never_falls, Moment(nodes={1: coordinator(2)}), Moment(nodes={1: coordinator(1)}),
    ),
    "the next coordinator does not know of it": (
        committed_offset_never_falls, Moment(nodes={1: coordinator(2)}), Moment(nodes={2: coordinator(1, epoch=1)}),
    ),
    "a committed offset is beyond the log": (
        committed_offset_within_log, Moment(seen=[committed(3)], nodes={1: node(replica(hw=2, end=2, leads=True))}),
    ),
    "in the end a group is beyond the log": (
        committed_offset_within_log, Moment(nodes={1: node(replica(hw=2, end=2, leads=True))}, committed={"billing": 3}),
    ),
}  # fmt: skip

EXCUSED = {
    "an unclean election lost it": (lost_write, Moment(seen=[acknowledged(A, 0)], facts=[UNCLEAN])),
    "a power cut lost it": (lost_write, Moment(seen=[acknowledged(A, 0)], facts=[RECOVERED])),
    "an unclean election gave the offset again": (inconsistent_offsets, Moment(seen=[polled(0, B)], facts=[UNCLEAN], final=THREE)),
    "an unclean election took back what was read": (uncommitted_read, Moment(seen=[polled(3, B)], facts=[UNCLEAN], final=THREE)),
}


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


@pytest.mark.parametrize("story", EXCUSED)
def test_a_loss_is_excused_by_the_fact_that_explains_it(story):
    checker, moment = EXCUSED[story]
    judge(checker, moment, may_lose=True)
    with pytest.raises(Anomaly):
        judge(checker, Moment(seen=moment.seen, final=moment.final), may_lose=True)
