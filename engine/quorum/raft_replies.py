"""How a node takes the answers to what it asked, or that none came. Decides only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.protocol.errors import ErrorCode
from engine.quorum import messages as m
from engine.quorum.election import NEVER
from engine.quorum.log_match import cut_at
from engine.quorum.roles import Candidate, Follower, Leader, Prospective, Resigned, Unattached

if TYPE_CHECKING:
    from engine.quorum.raft_node import RaftNode

EAGER_MS = 50.0  # nodes that all know no leader stand within so long of each other, not all at once


def answered(node: RaftNode, event: m.Answered) -> None:
    """Take an answer. One that came too late still tells of newer epochs and of leaders."""
    if _learns_of_a_leader(node, event):
        return
    request, reply = event.request, event.reply
    if isinstance(request, m.Fetch):
        if request is node.fetching:
            node.fetching = None
            _on_fetched(node, event.sender, reply)
    elif request.epoch != node.epoch:
        return
    elif isinstance(request, m.Vote):
        _on_voted(node, event.sender, request, reply)
    elif isinstance(request, m.BeginEpoch) and isinstance(node.role, Leader):
        node.next_ask[event.sender] = node.now_ms + node.timeouts.fetch_ms / 2
    elif isinstance(request, m.EndEpoch) and isinstance(node.role, Resigned):
        node.role.told.add(event.sender)
        node.next_ask[event.sender] = NEVER


def _learns_of_a_leader(node: RaftNode, event: m.Answered) -> bool:
    """A newer epoch, or the leader of ours that we did not know."""
    epoch, leader = event.reply.epoch, event.reply.leader
    known = leader is not None and leader != node.node_id and leader in node.voters
    if epoch > node.epoch:
        if known:
            node.become_follower(epoch, leader, f"node {event.sender} says that node {leader} leads epoch {epoch}")
        else:
            node.become_unattached(epoch, f"node {event.sender} is in epoch {epoch}")
        return True
    if epoch == node.epoch and known and isinstance(node.role, (Unattached, Candidate)):
        node.become_follower(epoch, leader, f"node {event.sender} says that node {leader} leads epoch {epoch}")
        return True
    return False


def _on_voted(node: RaftNode, voter: int, vote: m.Vote, reply: m.VoteReply) -> None:
    role = node.role
    if not isinstance(role, Prospective if vote.pre_vote else Candidate):
        return
    if reply.error != ErrorCode.none:
        node.next_ask[voter] = node.now_ms + node.timeouts.retry_backoff_ms
        return
    role.ballots.refused.discard(voter)
    role.ballots.count(voter, granted=reply.granted)
    node.next_ask[voter] = NEVER
    if vote.pre_vote and not reply.granted and voter == role.known_leader == reply.leader:
        node.become_follower(node.epoch, voter, f"node {voter} still leads epoch {node.epoch}")
    elif vote.pre_vote and not reply.granted:
        node.next_ask[voter] = node.now_ms + node.timeouts.election_ms / 8
    elif not reply.granted:
        # Mostly two stand at once, and the voter that could decide is the leader that died: one of them must give way soon.
        backoff = min(node.timeouts.election_backoff_max_ms, node.timeouts.election_ms) / 2
        role.deadline_ms = min(role.deadline_ms, node.now_ms + node.chance.real() * backoff)


def _on_fetched(node: RaftNode, sender: int, reply: m.FetchReply) -> None:
    role = node.role
    if reply.error != ErrorCode.none:
        return _on_fetch_refused(node, sender)
    if not isinstance(role, Follower) or sender != role.leader_id or reply.epoch != role.epoch:
        node.fetch_at = node.now_ms + node.timeouts.retry_backoff_ms
        return
    node.failed_fetches = 0
    node.fetch_at = node.now_ms
    if not role.leader_resigned:
        role.heard, role.deadline_ms = True, node.fetch_deadline()
    if reply.diverging is not None:
        node.changing_log = True
        cut = cut_at(node.log, reply.diverging)
        assert node.high_watermark is None or cut >= node.high_watermark, f"{node} would cut committed records at {cut}"
        return node.emit(m.Truncate(offset=cut))
    node.leader_high_watermark = reply.high_watermark
    if reply.records:
        node.changing_log = True
        node.emit(m.AppendFetched(records=reply.records))
    else:
        node.raise_high_watermark(reply.high_watermark)


def _on_fetch_refused(node: RaftNode, sender: int) -> None:
    role = node.role
    node.failed_fetches += 1
    node.fetch_at = node.now_ms + node.timeouts.retry_backoff_ms
    if isinstance(role, Unattached) and node.is_voter:
        # Nobody here knows a leader: with pre-vote it is safe to ask for one before the election timeout is over.
        role.leaderless.add(sender)
        if node.voters.is_majority(role.leaderless | {node.node_id}):
            role.deadline_ms = min(role.deadline_ms, node.now_ms + node.chance.real() * EAGER_MS)


def unanswered(node: RaftNode, event: m.Unanswered) -> None:
    """Ask again after a short while."""
    if isinstance(event.request, m.Fetch):
        if event.request is node.fetching:
            node.fetching = None
            node.failed_fetches += 1
            node.fetch_at = node.now_ms + node.timeouts.retry_backoff_ms
    elif event.request.epoch == node.epoch and event.sender in node.next_ask:
        node.next_ask[event.sender] = node.now_ms + node.timeouts.retry_backoff_ms
