"""A deterministic network of raft nodes in memory: delays, losses, cuts, crashes and restarts, all from one seed."""

import heapq
import itertools
from dataclasses import dataclass, field

from engine.quorum import messages as m
from engine.quorum.election import Timeouts
from engine.quorum.raft_node import RaftNode
from engine.quorum.roles import Leader
from engine.quorum.voters import Voters
from engine.world.chance import Chance

DEMO = Timeouts(election_ms=300, fetch_ms=600, election_backoff_max_ms=300, request_ms=600)


@dataclass
class Log:
    """Records are (epoch, value). What is here is durable: it survives a crash."""

    records: list = field(default_factory=list)

    @property
    def end_offset(self):
        return len(self.records)

    @property
    def last_epoch(self):
        return self.records[-1][0] if self.records else 0

    def end_of_epoch(self, epoch):
        kept = [(at, record[0]) for at, record in enumerate(self.records) if record[0] <= epoch]
        return (kept[-1][1], kept[-1][0] + 1) if kept else (epoch, 0)


@dataclass
class Host:
    """One machine: its durable log and election state, and the node while it is up."""

    log: Log = field(default_factory=Log)
    saved: m.SaveElection | None = None
    node: RaftNode | None = None
    life: int = 0
    refs: dict = field(default_factory=dict)
    frozen_until: float = 0


class Network:
    """Runs nodes in virtual time and checks Raft's promises after every step."""

    def __init__(self, *, seed, voters=(1, 2, 3), observers=(), timeouts=DEMO, loss=0.0, delay=(1, 5)):
        self.chance = Chance(seed)
        self.voters = Voters(voters)
        self.timeouts, self.loss, self.delay = timeouts, loss, delay
        self.now = 0.0
        self.hosts = {number: Host() for number in (*voters, *observers)}
        self.cut = set()
        self.queue, self.order = [], itertools.count()
        self.leaders = {}  # epoch -> node
        self.committed = []  # the longest committed prefix that any node has seen
        self.told = []  # (now, node, LeaderIs | Standing)
        for number in self.hosts:
            self.start(number)

    # ---- people

    def start(self, number):
        host = self.hosts[number]
        host.life += 1
        host.refs = {}
        host.node = RaftNode(
            node_id=number,
            voters=self.voters,
            timeouts=self.timeouts,
            chance=self.chance.split(f"{number}.{host.life}"),
            log=host.log,
            stored=host.saved,
            now_ms=self.now,
        )
        self.step(number, m.Tick())

    def crash(self, number):
        self.hosts[number].node = None

    def resign(self, number):
        self.step(number, m.Resign())

    def append(self, number, value):
        node = self.hosts[number].node
        assert isinstance(node.role, Leader)
        self.hosts[number].log.records.append((node.epoch, value))
        self.step(number, m.LogChanged())
        return len(self.hosts[number].log.records) - 1

    def cut_off(self, *numbers):
        """These from all the others."""
        self.cut |= {frozenset((a, b)) for a in numbers for b in self.hosts if b not in numbers}

    def heal(self):
        self.cut = set()

    @property
    def leader(self):
        """Whom a majority of the voters follows (or is), in the newest epoch."""
        up = [self.hosts[voter].node for voter in self.voters.ids if self.hosts[voter].node]
        for node in sorted(up, key=lambda node: -node.epoch):
            if isinstance(node.role, Leader) and sum(other.leader == node.node_id for other in up) >= self.voters.majority:
                return node.node_id
        return None

    # ---- time

    def run(self, ms):
        end = self.now + ms
        while self.queue and self.queue[0][0] <= end:
            at, _, act = heapq.heappop(self.queue)
            self.now = max(self.now, at)
            act()
        self.now = end

    def run_until(self, holds, *, within):
        end = self.now + within
        while not holds():
            assert self.now < end, f"not within {within} ms: {self}"
            self.run(1)
        return self

    def later(self, ms, act):
        heapq.heappush(self.queue, (self.now + ms, next(self.order), act))

    # ---- machinery

    def step(self, number, event):
        host = self.hosts[number]
        if host.node is None:
            return
        for effect in host.node.step(event, self.now):
            self.do(number, effect)
        self.check(number)
        self.wake(number)

    def wake(self, number):
        host = self.hosts[number]
        if host.node is None or host.node.deadline_ms == float("inf"):
            return
        life, deadline = host.life, host.node.deadline_ms

        def tick():
            if host.life == life and host.node and host.node.deadline_ms <= self.now:
                self.step(number, m.Tick())

        self.later(max(0.0, deadline - self.now), tick)

    def do(self, number, effect):
        host = self.hosts[number]
        if isinstance(effect, m.SaveElection):
            host.saved = effect
        elif isinstance(effect, m.Ask):
            self.send(number, effect)
        elif isinstance(effect, m.Answer):
            host.refs.pop(effect.ref)(self.with_records(host, effect.reply))
        elif isinstance(effect, m.AppendLeaderChange):
            assert self.leaders.setdefault(effect.epoch, number) == number, f"two leaders in epoch {effect.epoch}"
            host.log.records.append((effect.epoch, f"leader {number}"))
            self.step(number, m.LogChanged())
        elif isinstance(effect, m.AppendFetched):
            host.log.records.extend(effect.records)
            self.step(number, m.LogChanged())
        elif isinstance(effect, m.Truncate):
            del host.log.records[effect.offset :]
            self.step(number, m.LogChanged())
        elif isinstance(effect, (m.LeaderIs, m.Standing)):
            self.told.append((self.now, number, effect))

    def with_records(self, host, reply):
        if isinstance(reply, m.FetchReply) and reply.read_from is not None:
            records = host.log.records[reply.read_from : reply.read_from + 3]
            return m.FetchReply(epoch=reply.epoch, leader=reply.leader, high_watermark=reply.high_watermark, records=tuple(records))
        return reply

    def travels(self, a, b):
        return frozenset((a, b)) not in self.cut and self.chance.real() >= self.loss

    def send(self, number, ask):
        life = self.hosts[number].life
        settled = False

        def settle(event):
            nonlocal settled
            if not settled and self.hosts[number].life == life and self.hosts[number].node:
                settled = True
                self.step(number, event)

        def fail():
            settle(m.Unanswered(sender=ask.to, request=ask.request))

        def answer(reply):
            if self.travels(number, ask.to):
                self.later(self.chance.integer(*self.delay), lambda: settle(m.Answered(sender=ask.to, request=ask.request, reply=reply)))

        def arrive():
            target = self.hosts[ask.to]
            if target.node is None:
                return self.later(1, fail)
            ref = next(self.order)
            target.refs[ref] = answer
            self.step(ask.to, m.Asked(ref=ref, request=ask.request, wait_ms=self.timeouts.fetch_wait_ms))

        if self.travels(number, ask.to):
            self.later(self.chance.integer(*self.delay), arrive)
        self.later(self.timeouts.request_ms, fail)

    # ---- promises

    def check(self, number):
        """Committed is committed: every node's log agrees with all that any node has seen committed, as far as it says so."""
        node, log = self.hosts[number].node, self.hosts[number].log
        high = node.high_watermark or 0
        assert high <= log.end_offset, f"{node}: the high watermark is beyond the log"
        shared = min(high, len(self.committed))
        assert log.records[:shared] == self.committed[:shared], f"{node}: committed records differ"
        if high > len(self.committed):
            self.committed = list(log.records[:high])

    def check_all_agree(self):
        for host in self.hosts.values():
            assert host.node.high_watermark == len(self.committed), f"{host.node}"
            assert host.log.records[: len(self.committed)] == self.committed

    def __repr__(self):
        return f"<Network {self.now:.0f} ms: " + " ".join(repr(host.node) for host in self.hosts.values()) + ">"
