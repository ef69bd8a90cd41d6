"""One node of the quorum as a pure machine: `step(event, now_ms)` gives effects. No await, no clock, no bytes.

What other nodes ask is answered in raft_answers, what they answer is taken in raft_replies; here stand the changes from one
role to another, and what time alone brings about. Sources: KIP-595, KIP-996 (pre-vote), KIP-1166; Kafka's raft module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.protocol.errors import ErrorCode
from engine.quorum import messages as m
from engine.quorum import raft_answers, raft_replies
from engine.quorum.commit import Progress
from engine.quorum.election import NEVER, Ballots, Timeouts
from engine.quorum.log_match import LogEnds
from engine.quorum.roles import TRANSITIONS, Candidate, Follower, Leader, Prospective, Resigned, Role, Unattached
from engine.quorum.voters import Voters
from engine.world.chance import Chance


class RaftNode:
    """The state: a role, what is durable of it, the high watermark, what is under way to whom."""

    def __init__(
        self, *, node_id: int, voters: Voters, timeouts: Timeouts, chance: Chance, log: LogEnds, stored: m.SaveElection | None, now_ms: float
    ) -> None:
        self.node_id, self.voters, self.timeouts, self.log = node_id, voters, timeouts, log
        self.chance = chance
        self.now_ms = now_ms
        self.high_watermark: int | None = None
        self.leaving = False
        self.out: list[Any] = []
        self.waiting: list[raft_answers.WaitingFetch] = []
        self.next_ask: dict[int, float] = {}  # when to ask whom (again) for a vote or to tell of an epoch; NEVER while asked
        self.fetching: m.Fetch | None = None  # the one under way
        self.fetch_at = now_ms
        self.failed_fetches = 0
        self.changing_log = False  # an effect that changes the log is out; its LogChanged has not come
        self.leader_high_watermark: int | None = None
        self.role: Role = self._first_role(stored or m.SaveElection(epoch=0, leader=None, voted=None))
        self.saved = stored

    def _first_role(self, stored: m.SaveElection) -> Role:
        """As Kafka starts: a leader of before has resigned, a follower goes on following, a vote stays given."""
        epoch = max(stored.epoch, self.log.last_epoch)
        if stored.leader == self.node_id and self.is_voter:
            return Resigned(epoch=epoch, voted=stored.voted, node_id=self.node_id, deadline_ms=self.election_deadline())
        if stored.leader is not None and stored.epoch == epoch and stored.leader != self.node_id:
            return Follower(epoch=epoch, voted=stored.voted, leader_id=stored.leader, deadline_ms=self.fetch_deadline())
        voted = stored.voted if stored.epoch == epoch else None
        alone = self.voters.ids == (self.node_id,)
        return Unattached(epoch=epoch, voted=voted, deadline_ms=self.now_ms if alone else self.election_deadline())

    # ---- what it is

    @property
    def is_voter(self) -> bool:
        return self.node_id in self.voters

    @property
    def epoch(self) -> int:
        return self.role.epoch

    @property
    def leader(self) -> int | None:
        """Whom we are or follow; a prospective no longer counts on the one it had."""
        return self.role.leader if isinstance(self.role, (Leader, Follower)) else None

    @property
    def own_end(self) -> tuple[int, int]:
        return self.log.last_epoch, self.log.end_offset

    @property
    def deadline_ms(self) -> float:
        """When it wants a Tick at the latest."""
        times = [self.role.deadline_ms, *self.next_ask.values(), *(fetch.deadline_ms for fetch in self.waiting)]
        somebody = self.voters.others(self.node_id)  # a voter that is alone has nobody to fetch from, and would tick without end
        if somebody and isinstance(self.role, (Unattached, Follower)) and self.fetching is None and not self.changing_log:
            times.append(self.fetch_at)
        return min(times)

    def __repr__(self) -> str:
        epoch, end = self.own_end
        return f"<Raft {self.node_id} {self.role.name.lower()} epoch={self.epoch} leader={self.leader} end={end}@{epoch} hw={self.high_watermark}>"

    # ---- the step

    def step(self, event: Any, now_ms: float) -> list[Any]:
        """What to do about `event`, in order."""
        assert now_ms >= self.now_ms, f"time went back from {self.now_ms} to {now_ms}"
        self.now_ms = now_ms
        STEPS[type(event)](self, event)
        ROLE_DUTIES[type(self.role)](self)
        # What is due and was not asked again need not be: a late failure came after the answer.
        self.next_ask = {voter: NEVER if at <= self.now_ms else at for voter, at in self.next_ask.items()}
        effects, self.out = self.out, []
        return effects

    def emit(self, effect: Any) -> None:
        self.out.append(effect)

    def _tick(self, _: m.Tick) -> None:
        due = [fetch for fetch in self.waiting if fetch.deadline_ms <= self.now_ms]
        self.waiting = [fetch for fetch in self.waiting if fetch.deadline_ms > self.now_ms]
        for fetch in due:
            self.answer_fetch(fetch.ref, fetch.request)

    def _log_changed(self, _: m.LogChanged) -> None:
        self.changing_log = False
        if isinstance(self.role, Leader):
            if self.role.progress.own_log_ends_at(self.log.end_offset):
                self.raise_high_watermark(self.role.progress.high_watermark)
            self.wake_fetches()
        elif isinstance(self.role, Follower):
            self.raise_high_watermark(self.leader_high_watermark)

    def _resign(self, _: m.Resign) -> None:
        self.leaving = True
        if isinstance(self.role, Leader):
            self.become_resigned("controlled shutdown")

    # ---- from role to role

    def become(self, role: Role, reason: str) -> None:
        before, before_epoch, was = self.leader, self.epoch, self.role.name
        assert role.name in TRANSITIONS[was], f"{was} cannot become {role.name}"
        assert role.epoch >= before_epoch, f"from epoch {before_epoch} back to {role.epoch}"
        self.role = role
        self.next_ask = {}
        self.fetching, self.fetch_at, self.failed_fetches = None, self.now_ms, 0
        self.leader_high_watermark = None
        self._save()
        if was == "Leader":
            for fetch in self.waiting:
                self.emit(m.Answer(ref=fetch.ref, reply=self.fetch_error(ErrorCode.not_leader_or_follower)))
            self.waiting = []
        nobody_then_as_now = before is None and self.leader is None
        if (self.leader, self.epoch) != (before, before_epoch) and not nobody_then_as_now:
            self.emit(m.LeaderIs(leader=self.leader, epoch=self.epoch, before=before, before_epoch=before_epoch, reason=reason))

    def _save(self) -> None:
        state = m.SaveElection(epoch=self.epoch, leader=self.role.leader, voted=self.role.voted)
        if state != self.saved:
            self.saved = state
            self.emit(state)

    def become_unattached(self, epoch: int, reason: str, *, voted: int | None = None) -> None:
        """With a vote given, a whole election timeout of patience; else what was left of the patience we had, so that a node
        that stands in vain again and again does not keep the others from standing."""
        keeps = voted is None and isinstance(self.role, (Unattached, Prospective, Candidate, Follower))
        deadline = min(self.role.deadline_ms, self.election_deadline()) if keeps else self.election_deadline()
        voted = self.role.voted if voted is None and epoch == self.epoch else voted
        self.become(Unattached(epoch=epoch, voted=voted, deadline_ms=deadline), reason)

    def become_follower(self, epoch: int, leader: int, reason: str) -> None:
        assert leader != self.node_id, "a node does not follow itself"
        voted = self.role.voted if epoch == self.epoch else None
        self.become(Follower(epoch=epoch, voted=voted, leader_id=leader, deadline_ms=self.fetch_deadline()), reason)

    def become_prospective(self, reason: str) -> None:
        ballots = Ballots(self.voters)
        ballots.count(self.node_id, granted=True)
        known, voted = self.role.leader, self.role.voted
        role = Prospective(epoch=self.epoch, voted=voted, known_leader=known, ballots=ballots, deadline_ms=self.election_deadline())
        self.become(role, reason)
        self.emit(m.Standing(epoch=self.epoch, pre_vote=True, reason=reason))

    def become_candidate(self) -> None:
        ballots = Ballots(self.voters)
        ballots.count(self.node_id, granted=True)
        role = Candidate(epoch=self.epoch + 1, voted=self.node_id, ballots=ballots, deadline_ms=self.election_deadline())
        self.become(role, "a majority would vote for us")
        self.emit(m.Standing(epoch=self.epoch, pre_vote=False, reason="a majority would vote for us"))

    def become_leader(self, ballots: Ballots) -> None:
        start = self.log.end_offset
        progress = Progress(node_id=self.node_id, voters=self.voters, start_offset=start, high_watermark=self.high_watermark, now_ms=self.now_ms)
        role = Leader(epoch=self.epoch, voted=self.role.voted, node_id=self.node_id, start_offset=start, progress=progress)
        self.become(role, "elected")
        self.changing_log = True
        self.emit(m.AppendLeaderChange(epoch=self.epoch, granting=tuple(sorted(ballots.granted))))

    def become_resigned(self, reason: str) -> None:
        assert isinstance(self.role, Leader)
        preferred = self.role.progress.successors()
        voted, deadline = self.role.voted, self.election_deadline()
        self.become(Resigned(epoch=self.epoch, voted=voted, node_id=self.node_id, preferred=preferred, deadline_ms=deadline), reason)

    # ---- what time brings about in each role

    def _as_unattached(self) -> None:
        if self.role.deadline_ms <= self.now_ms and self._may_stand():
            told = self.voters.is_majority(self.role.leaderless | {self.node_id})
            self.become_prospective("a majority knows no leader" if told else "controller.quorum.election.timeout.ms expired")
            self._as_prospective()
        else:
            if self.role.deadline_ms <= self.now_ms:
                self.role.deadline_ms = NEVER
            self.fetch_from(self._any_other_voter())

    def _as_prospective(self) -> None:
        role = self.role
        if role.ballots.won:
            self.become_candidate()
            self._as_candidate()
        elif role.deadline_ms <= self.now_ms:
            if role.known_leader is not None:
                self.become_follower(role.epoch, role.known_leader, "a majority would not vote for us: perhaps the leader lives")
            else:
                self.become_unattached(role.epoch, "a majority would not vote for us")
                self.role.deadline_ms = self.election_deadline()
            ROLE_DUTIES[type(self.role)](self)
        else:
            # A refused pre-vote is asked for again: whoever refused because its leader lived may lose it a moment later.
            self._ask_for_votes(role.ballots.open + tuple(sorted(role.ballots.refused)), pre_vote=True)

    def _as_candidate(self) -> None:
        role = self.role
        if role.ballots.won:
            self.become_leader(role.ballots)
            self._as_leader()
        elif role.deadline_ms <= self.now_ms:
            self.become_prospective(f"the election of epoch {role.epoch} brought no leader")
            self._as_prospective()
        else:
            self._ask_for_votes(role.ballots.open, pre_vote=False)

    def _as_follower(self) -> None:
        role = self.role
        if role.deadline_ms > self.now_ms:
            # Kafka asks others when the leader cannot be reached: perhaps it has a successor already.
            astray = self.failed_fetches % 2 == 1
            self.fetch_from(self._any_other_voter() if astray else role.leader_id)
        elif self._may_stand():
            self.become_prospective("the leader resigned" if role.leader_resigned else "controller.quorum.fetch.timeout.ms expired")
            self._as_prospective()
        else:
            self.become_unattached(role.epoch, "controller.quorum.fetch.timeout.ms expired")
            self._as_unattached()

    def _as_leader(self) -> None:
        role = self.role
        quorum_until = role.progress.quorum_seen_ms + self.timeouts.check_quorum_ms
        if len(self.voters.ids) > 1 and quorum_until <= self.now_ms:
            self.become_resigned("no majority fetched within 1.5 × controller.quorum.fetch.timeout.ms")
            return self._as_resigned()
        role.deadline_ms = quorum_until if len(self.voters.ids) > 1 else NEVER
        for voter in self.voters.others(self.node_id):
            if self.next_ask.get(voter, 0.0) <= self.now_ms:
                fetched = role.progress.replicas[voter].last_fetch_ms
                if fetched is None or self.now_ms - fetched > self.timeouts.fetch_ms / 2:
                    self.ask(voter, m.BeginEpoch(leader=self.node_id, epoch=self.epoch))
                else:
                    self.next_ask[voter] = fetched + self.timeouts.fetch_ms / 2 + 1

    def _as_resigned(self) -> None:
        role = self.role
        if role.deadline_ms <= self.now_ms and not self.leaving:
            self.become_unattached(role.epoch + 1, "the election timeout after resigning expired")
            return self._as_unattached()
        if role.deadline_ms <= self.now_ms:
            role.deadline_ms = NEVER
        for voter in self.voters.others(self.node_id):
            if voter not in role.told and self.next_ask.get(voter, 0.0) <= self.now_ms:
                self.ask(voter, m.EndEpoch(leader=self.node_id, epoch=self.epoch, preferred=role.preferred))

    def _may_stand(self) -> bool:
        return self.is_voter and not self.leaving

    def _ask_for_votes(self, of: tuple[int, ...], *, pre_vote: bool) -> None:
        last_epoch, end = self.own_end
        for voter in of:
            if self.next_ask.get(voter, 0.0) <= self.now_ms:
                vote = m.Vote(candidate=self.node_id, epoch=self.epoch, last_epoch=last_epoch, last_offset=end, pre_vote=pre_vote)
                self.ask(voter, vote)

    def ask(self, voter: int, request: m.Vote | m.BeginEpoch | m.EndEpoch) -> None:
        self.next_ask[voter] = NEVER
        self.emit(m.Ask(to=voter, request=request))

    def fetch_from(self, target: int | None) -> None:
        if target is None or self.fetching is not None or self.changing_log or self.fetch_at > self.now_ms:
            return
        last_epoch, end = self.own_end
        known = self.high_watermark if self.high_watermark is not None else -1
        self.fetching = m.Fetch(replica=self.node_id, epoch=self.epoch, offset=end, last_epoch=last_epoch, known_high_watermark=known)
        self.emit(m.Ask(to=target, request=self.fetching))

    def _any_other_voter(self) -> int | None:
        others = self.voters.others(self.node_id)
        return self.chance.choice(others) if others and self.fetching is None else None

    # ---- the leader's log and its readers

    def raise_high_watermark(self, offset: int | None) -> None:
        if offset is None:
            return
        offset = min(offset, self.log.end_offset)
        if self.high_watermark is None or offset > self.high_watermark:
            self.high_watermark = offset
            self.emit(m.HighWatermarkMoved(offset=offset))
            self.wake_fetches()

    def wake_fetches(self) -> None:
        """Answer the waiting fetches for which there is news: records, or a high watermark they do not know."""
        known = -1 if self.high_watermark is None else self.high_watermark
        news = [f for f in self.waiting if f.request.offset < self.log.end_offset or f.known_high_watermark < known]
        if news:
            self.waiting = [fetch for fetch in self.waiting if fetch not in news]
            for fetch in news:
                self.answer_fetch(fetch.ref, fetch.request)

    def answer_fetch(self, ref: Any, request: m.Fetch) -> None:
        read_from = request.offset if request.offset < self.log.end_offset else None
        reply = m.FetchReply(epoch=self.epoch, leader=self.leader, high_watermark=self.high_watermark, read_from=read_from)
        self.emit(m.Answer(ref=ref, reply=reply))

    def fetch_error(self, error: ErrorCode) -> m.FetchReply:
        return m.FetchReply(error=error, epoch=self.epoch, leader=self.leader)

    def election_deadline(self) -> float:
        return self.now_ms + self.timeouts.election_in(self.chance) if self.is_voter else NEVER

    def fetch_deadline(self) -> float:
        return self.now_ms + self.timeouts.fetch_in(self.chance)


ROLE_DUTIES: dict[type, Callable[[RaftNode], None]] = {
    Unattached: RaftNode._as_unattached,
    Prospective: RaftNode._as_prospective,
    Candidate: RaftNode._as_candidate,
    Follower: RaftNode._as_follower,
    Leader: RaftNode._as_leader,
    Resigned: RaftNode._as_resigned,
}
STEPS: dict[type, Callable[[RaftNode, Any], None]] = {
    m.Tick: RaftNode._tick,
    m.LogChanged: RaftNode._log_changed,
    m.Resign: RaftNode._resign,
    m.Asked: raft_answers.asked,
    m.Answered: raft_replies.answered,
    m.Unanswered: raft_replies.unanswered,
}
