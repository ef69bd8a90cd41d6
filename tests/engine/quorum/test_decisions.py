"""The quorum's pure decisions: who gets a vote, what is committed, where logs part, what the quorum-state file says."""

import json

import pytest

from engine.protocol.errors import ErrorCode
from engine.quorum import election_store, wire
from engine.quorum import messages as m
from engine.quorum.commit import Progress, Replica
from engine.quorum.election import Ballots, can_grant, is_log_up_to_date, patience_after_end_epoch
from engine.quorum.log_match import cut_at, divergence
from engine.quorum.raft_node import RaftNode
from engine.quorum.roles import Candidate, Follower, Prospective, Resigned, Unattached
from engine.quorum.voters import Voters
from engine.world.chance import Chance
from tests.engine.quorum.network import DEMO, Log

THREE = Voters((1, 2, 3))


def log(*epochs):
    return Log([(epoch, None) for epoch in epochs])


# ---- votes


def test_a_log_is_up_to_date_by_its_last_epoch_then_by_its_length():
    assert is_log_up_to_date(candidate=(3, 5), own=(2, 90))
    assert is_log_up_to_date(candidate=(3, 5), own=(3, 5))
    assert not is_log_up_to_date(candidate=(3, 4), own=(3, 5))
    assert not is_log_up_to_date(candidate=(2, 90), own=(3, 5))


ROLES = {
    "unattached": Unattached(epoch=4),
    "voted for 1": Unattached(epoch=4, voted=1),
    "voted for 3": Unattached(epoch=4, voted=3),
    "prospective": Prospective(epoch=4, ballots=Ballots(THREE)),
    "prospective that had a leader": Prospective(epoch=4, ballots=Ballots(THREE), known_leader=3),
    "candidate": Candidate(epoch=4, voted=2, ballots=Ballots(THREE)),
    "follower that heard": Follower(epoch=4, leader_id=3, heard=True),
    "follower that heard nothing": Follower(epoch=4, leader_id=3),
    "resigned": Resigned(epoch=4, voted=2, node_id=2),
}
#         role -> (vote, pre-vote) for candidate 1 with a log that is up to date
GRANTS = {
    "unattached": (True, True),
    "voted for 1": (True, True),
    "voted for 3": (False, True),
    "prospective": (True, True),
    "prospective that had a leader": (False, True),
    "candidate": (False, True),
    "follower that heard": (False, False),
    "follower that heard nothing": (False, True),
    "resigned": (False, True),
}


@pytest.mark.parametrize("name", ROLES)
def test_who_gets_a_vote(name):
    granted = tuple(can_grant(ROLES[name], 1, up_to_date=True, pre_vote=pre_vote) for pre_vote in (False, True))
    assert granted == GRANTS[name]


@pytest.mark.parametrize("name", [name for name in ROLES if name != "voted for 1"])
def test_a_log_that_is_behind_gets_no_vote(name):
    assert not can_grant(ROLES[name], 1, up_to_date=False, pre_vote=False)
    assert not can_grant(ROLES[name], 1, up_to_date=False, pre_vote=True)


def test_a_vote_is_saved_before_it_is_answered():
    node = RaftNode(node_id=2, voters=THREE, timeouts=DEMO, chance=Chance(1), log=Log(), stored=None, now_ms=0.0)
    node.step(m.Tick(), 1.0)
    effects = node.step(m.Asked(ref="vote", request=m.Vote(candidate=1, epoch=5, last_epoch=0, last_offset=0)), 2.0)
    kinds = [type(effect) for effect in effects]
    assert kinds.index(m.SaveElection) < kinds.index(m.Answer)
    assert [effect for effect in effects if isinstance(effect, m.SaveElection)][-1] == m.SaveElection(epoch=5, leader=None, voted=1)
    refused = node.step(m.Asked(ref="other", request=m.Vote(candidate=3, epoch=5, last_epoch=9, last_offset=9)), 3.0)
    assert next(effect for effect in refused if isinstance(effect, m.Answer)).reply.granted is False


def test_after_a_restart_the_vote_still_counts_and_a_leader_has_resigned():
    stored = m.SaveElection(epoch=5, leader=None, voted=1)
    node = RaftNode(node_id=2, voters=THREE, timeouts=DEMO, chance=Chance(1), log=Log(), stored=stored, now_ms=0.0)
    answer = node.step(m.Asked(ref=1, request=m.Vote(candidate=3, epoch=5, last_epoch=9, last_offset=9)), 1.0)
    assert not next(effect for effect in answer if isinstance(effect, m.Answer)).reply.granted
    led = m.SaveElection(epoch=5, leader=2, voted=2)
    assert RaftNode(node_id=2, voters=THREE, timeouts=DEMO, chance=Chance(1), log=Log(), stored=led, now_ms=0.0).role.name == "Resigned"


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (m.Vote(candidate=1, epoch=3, last_epoch=9, last_offset=9), ErrorCode.fenced_leader_epoch),
        (m.Vote(candidate=7, epoch=9, last_epoch=9, last_offset=9), ErrorCode.inconsistent_voter_set),
        (m.BeginEpoch(leader=1, epoch=3), ErrorCode.fenced_leader_epoch),
        (m.BeginEpoch(leader=1, epoch=4), ErrorCode.invalid_request),
        (m.EndEpoch(leader=1, epoch=3, preferred=()), ErrorCode.fenced_leader_epoch),
        (m.Fetch(replica=1, epoch=3, offset=0, last_epoch=0), ErrorCode.fenced_leader_epoch),
        (m.Fetch(replica=1, epoch=5, offset=0, last_epoch=0), ErrorCode.unknown_leader_epoch),
        (m.Fetch(replica=1, epoch=4, offset=0, last_epoch=0), ErrorCode.not_leader_or_follower),
    ],
)
def test_what_a_follower_of_3_in_epoch_4_refuses(request_, error):
    stored = m.SaveElection(epoch=4, leader=3, voted=None)
    node = RaftNode(node_id=2, voters=THREE, timeouts=DEMO, chance=Chance(1), log=Log(), stored=stored, now_ms=0.0)
    reply = next(effect for effect in node.step(m.Asked(ref=1, request=request_), 1.0) if isinstance(effect, m.Answer)).reply
    assert (reply.error, reply.epoch, reply.leader) == (error, 4, 3)


def test_ballots():
    ballots = Ballots(Voters((1, 2, 3, 4, 5)))
    for voter in (1, 2, 9):
        ballots.count(voter, granted=True)
    ballots.count(3, granted=False)
    assert not ballots.won and ballots.open == (4, 5)
    ballots.count(4, granted=True)
    assert ballots.won


def test_the_first_successor_stands_at_once_and_the_others_later():
    waits = [patience_after_end_epoch(node, (3, 2), DEMO, Chance(1)) for node in (3, 2, 1)]
    assert waits[0] == 0 and 20 <= waits[1] <= 60 and 20 <= waits[2] <= 100


# ---- commit


def progress(start_offset=0):
    made = Progress(node_id=1, voters=THREE, start_offset=start_offset, high_watermark=None, now_ms=0)
    made.own_log_ends_at(10)
    return made


def test_a_majority_commits_and_observers_do_not_count():
    made = progress()
    assert not made.fetched(9, 10, leader_end=10, now_ms=1) and made.high_watermark is None
    assert made.fetched(2, 7, leader_end=10, now_ms=1) and made.high_watermark == 7
    assert not made.fetched(3, 7, leader_end=10, now_ms=1)
    assert made.fetched(3, 9, leader_end=10, now_ms=1) and made.high_watermark == 9


def test_records_of_earlier_epochs_are_committed_only_together_with_one_of_ours():
    made = progress(start_offset=8)
    assert not made.fetched(2, 8, leader_end=10, now_ms=1) and made.high_watermark is None
    assert made.fetched(2, 9, leader_end=10, now_ms=1) and made.epoch_is_committed


def test_the_high_watermark_never_falls():
    made = progress()
    made.fetched(2, 9, leader_end=10, now_ms=1)
    assert not made.fetched(2, 3, leader_end=10, now_ms=2) and made.high_watermark == 9


def test_the_quorum_was_seen_when_a_majority_has_fetched_since_it_was_seen_last():
    made = Progress(node_id=1, voters=Voters((1, 2, 3, 4, 5)), start_offset=0, high_watermark=None, now_ms=0)
    made.fetched(2, 0, leader_end=0, now_ms=10)
    made.fetched(2, 0, leader_end=0, now_ms=20)
    assert made.quorum_seen_ms == 0
    made.fetched(3, 0, leader_end=0, now_ms=30)
    assert made.quorum_seen_ms == 30


def test_caught_up_is_who_has_what_the_leader_had_at_the_fetch_before():
    replica = Replica()
    replica.fetched(5, leader_end=8, now_ms=10)
    assert replica.last_caught_up_ms is None
    replica.fetched(8, leader_end=12, now_ms=20)
    assert replica.last_caught_up_ms == 10
    replica.fetched(12, leader_end=12, now_ms=30)
    assert replica.last_caught_up_ms == 30


# ---- where logs part


@pytest.mark.parametrize(
    ("leader", "follower", "parted", "cut"),
    [
        (log(1, 1, 2), log(1, 1), None, None),
        (log(1, 1, 2), log(), None, None),
        (log(1, 1, 3), log(1, 1, 2), (1, 2), 2),  # the leader has no epoch 2
        (log(1, 3, 3), log(1, 1, 1), (1, 1), 1),  # epoch 1 is shorter there
        (log(1, 1, 3), log(2, 2), (1, 2), 0),  # nothing in common
        (log(1, 2, 4), log(1, 3), (2, 2), 1),  # one step a round: first down to epoch 1, then they agree
    ],
)
def test_where_logs_part(leader, follower, parted, cut):
    found = divergence(leader, offset=follower.end_offset, last_epoch=follower.last_epoch)
    assert found == parted
    if parted:
        assert cut_at(follower, parted) == cut


# ---- files and bytes


def test_the_quorum_state_file_is_kafkas():
    kafkas = b'{"clusterId":"","leaderId":2,"leaderEpoch":1,"votedId":2,"appliedOffset":0,"currentVoters":[{"voterId":1},{"voterId":2},{"voterId":3}],"data_version":0}'
    state = m.SaveElection(epoch=1, leader=2, voted=2)
    assert election_store.decode(kafkas) == state
    assert election_store.encode(state, THREE) == kafkas


@pytest.mark.parametrize("bad", [b"", b"[]", b"{}", b"not json", json.dumps({"data_version": 9, "leaderEpoch": 1, "leaderId": 1, "votedId": 1}).encode()])
def test_a_quorum_state_file_that_is_none_is_said_so(bad):
    with pytest.raises(ValueError, match="quorum-state"):
        election_store.decode(bad)


@pytest.mark.parametrize(
    "request_",
    [
        m.Vote(candidate=1, epoch=5, last_epoch=4, last_offset=9, pre_vote=True),
        m.BeginEpoch(leader=1, epoch=5),
        m.EndEpoch(leader=1, epoch=5, preferred=(3, 2)),
        m.Fetch(replica=4, epoch=5, offset=9, last_epoch=4, known_high_watermark=7),
        m.Fetch(replica=4, epoch=5, offset=9, last_epoch=4, known_high_watermark=-1),
    ],
)
def test_a_request_is_read_as_it_was_written(request_):
    written = wire.write_request(request_, to=2, cluster_id="c", directory_id=None, address=("h", 1), wait_ms=150)
    read = {
        m.Vote: lambda: wire.read_vote(written),
        m.BeginEpoch: lambda: wire.read_begin(written),
        m.EndEpoch: lambda: wire.read_end(written, 1),
        m.Fetch: lambda: wire.read_fetch(written, 18)[0],
    }
    assert read[type(request_)]() == request_


@pytest.mark.parametrize("version", [4, 12, 13, 17, 18])
def test_a_fetch_answer_is_read_as_it_was_written(version):
    reply = m.FetchReply(epoch=5, leader=1, high_watermark=7, diverging=(3, 4))
    fetch = m.Fetch(replica=4, epoch=5, offset=9, last_epoch=4)
    written = wire.write_fetch_reply(version, reply, records=b"", addresses={1: ("h", 9)})
    if version >= 12:  # before, Kafka's Fetch said nothing of leaders and epochs
        assert wire.read_reply(fetch, written) == reply
    refused = m.FetchReply(error=ErrorCode.fenced_leader_epoch, epoch=5, leader=1)
    written = wire.write_fetch_reply(version, refused, records=b"", addresses={1: ("h", 9)})
    assert wire.read_reply(fetch, written).error == ErrorCode.fenced_leader_epoch


def test_a_voter_that_is_alone_waits_for_its_time_and_does_not_tick_without_end():
    """It has nobody to fetch from; after a restart it has resigned and stands when its election timeout is over."""
    alone, stored = Voters((1,)), m.SaveElection(epoch=3, leader=1, voted=None)
    node = RaftNode(node_id=1, voters=alone, timeouts=DEMO, chance=Chance(1), log=log(3), stored=stored, now_ms=0.0)
    for _ in range(10):
        if node.role.name == "Leader":
            break
        now_ms = node.deadline_ms
        node.step(m.Tick(), now_ms)
        assert node.role.name == "Leader" or node.deadline_ms > now_ms, f"{node} wants to be asked again at once"
