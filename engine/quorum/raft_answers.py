"""How a node answers what the others ask: Vote, BeginQuorumEpoch, EndQuorumEpoch, Fetch. Decides only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.protocol.errors import ErrorCode
from engine.quorum import messages as m
from engine.quorum.election import can_grant, is_log_up_to_date, patience_after_end_epoch
from engine.quorum.log_match import divergence
from engine.quorum.roles import Follower, Leader

if TYPE_CHECKING:
    from engine.quorum.raft_node import RaftNode


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingFetch:
    """A follower's fetch that found nothing new."""

    ref: Any
    request: m.Fetch
    known_high_watermark: int
    deadline_ms: float


def asked(node: RaftNode, event: m.Asked) -> None:
    """Answer what another node asks; a fetch perhaps later."""
    ANSWERS[type(event.request)](node, event)


def _reply(node: RaftNode, event: m.Asked, kind: type[m.Reply], error: ErrorCode = ErrorCode.none, **fields: Any) -> None:
    node.emit(m.Answer(ref=event.ref, reply=kind(error=error, epoch=node.epoch, leader=node.leader, **fields)))


def _on_vote(node: RaftNode, event: m.Asked) -> None:
    vote: m.Vote = event.request
    if vote.epoch < node.epoch:
        return _reply(node, event, m.VoteReply, ErrorCode.fenced_leader_epoch)
    if vote.candidate not in node.voters or vote.candidate == node.node_id or not node.is_voter:
        return _reply(node, event, m.VoteReply, ErrorCode.inconsistent_voter_set)
    if vote.epoch > node.epoch:
        node.become_unattached(vote.epoch, f"node {vote.candidate} stands in epoch {vote.epoch}")
    up_to_date = is_log_up_to_date(candidate=(vote.last_epoch, vote.last_offset), own=node.own_end)
    known = isinstance(node.role, Leader) and node.role.progress.epoch_is_committed
    granted = can_grant(node.role, vote.candidate, up_to_date=up_to_date, pre_vote=vote.pre_vote, high_watermark_known=known)
    if granted and not vote.pre_vote and node.role.voted is None:
        node.become_unattached(vote.epoch, f"voted for node {vote.candidate}", voted=vote.candidate)
    _reply(node, event, m.VoteReply, granted=granted)


def _on_begin(node: RaftNode, event: m.Asked) -> None:
    begin: m.BeginEpoch = event.request
    if begin.epoch < node.epoch:
        return _reply(node, event, m.BeginReply, ErrorCode.fenced_leader_epoch)
    if not _follow(node, begin.leader, begin.epoch):
        return _reply(node, event, m.BeginReply, ErrorCode.invalid_request)
    node.role.deadline_ms = node.fetch_deadline()
    _reply(node, event, m.BeginReply)


def _on_end(node: RaftNode, event: m.Asked) -> None:
    end: m.EndEpoch = event.request
    if end.epoch < node.epoch:
        return _reply(node, event, m.EndReply, ErrorCode.fenced_leader_epoch)
    if not _follow(node, end.leader, end.epoch):
        return _reply(node, event, m.EndReply, ErrorCode.invalid_request)
    # A leader that says goodbye is none that could be disturbed: pre-votes are granted from now on.
    node.role.heard = False
    if node.is_voter:
        patience = patience_after_end_epoch(node.node_id, end.preferred, node.timeouts, node.chance)
        node.role.deadline_ms = min(node.role.deadline_ms, node.now_ms + patience)
        node.role.leader_resigned = True
    _reply(node, event, m.EndReply)


def _follow(node: RaftNode, leader: int, epoch: int) -> bool:
    """Be a follower of that leader. False when that cannot be: it is no voter, or the epoch has another leader."""
    role = node.role
    if leader not in node.voters or leader == node.node_id:
        return False
    if epoch > role.epoch or role.leader is None or (role.leader == leader and not isinstance(role, Follower)):
        node.become_follower(epoch, leader, f"node {leader} leads epoch {epoch}")
    return node.role.leader == leader


def _on_fetch(node: RaftNode, event: m.Asked) -> None:
    fetch: m.Fetch = event.request
    role = node.role
    error = _fetch_refused(node, fetch)
    if error is not None:
        return node.emit(m.Answer(ref=event.ref, reply=node.fetch_error(error)))
    assert isinstance(role, Leader)
    parted = divergence(node.log, offset=fetch.offset, last_epoch=fetch.last_epoch)
    if parted is not None:
        reply = m.FetchReply(epoch=node.epoch, leader=node.leader, high_watermark=node.high_watermark, diverging=parted)
        return node.emit(m.Answer(ref=event.ref, reply=reply))
    tracked = fetch.replica >= 0  # a client may read the log as well
    if tracked and role.progress.fetched(fetch.replica, fetch.offset, leader_end=node.log.end_offset, now_ms=node.now_ms):
        node.raise_high_watermark(role.progress.high_watermark)
    now_known = -1 if node.high_watermark is None else node.high_watermark
    known = now_known if fetch.known_high_watermark is None else fetch.known_high_watermark
    if fetch.offset < node.log.end_offset or known < now_known or event.wait_ms <= 0:
        return node.answer_fetch(event.ref, fetch)
    deadline = node.now_ms + event.wait_ms
    node.waiting.append(WaitingFetch(ref=event.ref, request=fetch, known_high_watermark=known, deadline_ms=deadline))


def _fetch_refused(node: RaftNode, fetch: m.Fetch) -> ErrorCode | None:
    if fetch.epoch < node.epoch and fetch.epoch >= 0:
        return ErrorCode.fenced_leader_epoch
    if fetch.epoch > node.epoch:
        return ErrorCode.unknown_leader_epoch
    if not isinstance(node.role, Leader) or fetch.replica == node.node_id:
        return ErrorCode.not_leader_or_follower
    return None


ANSWERS: dict[type, Callable[[RaftNode, m.Asked], None]] = {
    m.Vote: _on_vote,
    m.BeginEpoch: _on_begin,
    m.EndEpoch: _on_end,
    m.Fetch: _on_fetch,
}
