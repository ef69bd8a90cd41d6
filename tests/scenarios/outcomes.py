"""The same faults on either side, and what they did: a row each of lost, duplicated, reordered, and seconds without an acknowledgement."""

import time
import uuid
from dataclasses import dataclass

from tests.clients.traffic import Traffic, create
from tests.scenarios.stage import PATIENCE

RATE = 200


@dataclass(frozen=True, slots=True)
class Row:
    """`down_s`: the longest silence of any partition from the fault until its end was ordered; `back_s`: from then until all is whole.

    `epoch`: the producer's at the end; above 0 it has excused itself from the order (`Traffic.excused`).
    """

    scenario: str
    side: str
    acked: int
    lost: int
    duplicated: int
    reordered: int
    epoch: int
    down_s: float
    back_s: float
    whole_s: float

    def __str__(self):
        kept = f"{self.acked:>7} {self.lost:>5} {self.duplicated:>5} {self.reordered:>5} {self.epoch:>5}"
        return f"{self.scenario:<12} {self.side:<13} {kept} {self.down_s:>7.2f} {self.back_s:>7.2f} {self.whole_s:>8.2f}"


HEAD = f"{'scenario':<12} {'side':<13} {'acked':>7} {'lost':>5} {'twice':>5} {'order':>5} {'epoch':>5} {'down s':>7} {'back s':>7} {'whole s':>8}"


def hard_bounce(side, topic, traffic):
    """SIGKILL of the broker that leads the most; then it comes back."""
    victim = side.leader_of_most(topic)
    side.kill(victim)
    traffic.flows(within_s=30)
    yield
    side.start(victim)


def freeze(side, topic, traffic):
    """SIGSTOP for longer than its session; then it goes on."""
    victim = side.leader_of_most(topic)
    side.freeze(victim)
    traffic.flows(within_s=30)
    yield
    side.thaw(victim)


def power_cut(side, topic, traffic):
    """SIGKILL of all three at once."""
    for broker in (1, 2, 3):
        side.kill(broker)
    yield
    for broker in (1, 2, 3):
        side.start(broker)
    traffic.flows(within_s=60)


FAULTS = {"hard bounce": hard_bounce, "freeze": freeze, "power cut": power_cut}


def silence(traffic, begin, end):
    """The longest time between `begin` and `end` in which a partition acknowledged nothing."""
    worst = 0.0
    for times in traffic.times.values():
        inside = [begin, *(one for one in list(times) if begin < one < end), end]
        worst = max(worst, *(later - earlier for earlier, later in zip(inside, inside[1:], strict=False)))
    return worst


def outcome(side, scenario):
    """Runs one scenario on one side; its row."""
    topic = f"s-{uuid.uuid4().hex[:8]}"
    create(side.bootstrap, topic)
    with Traffic(side.bootstrap, topic, rate=RATE, settings=PATIENCE) as traffic:
        story = FAULTS[scenario](side, topic, traffic)
        fell = time.monotonic()
        next(story)
        mended = time.monotonic()
        for _ in story:
            raise AssertionError("a story has two halves")
        traffic.flows(within_s=60)
        whole_s = side.whole(topic)
        ended = time.monotonic()
    differences = traffic.differences()
    return Row(scenario, side.name, traffic.count, *differences, traffic.epoch, silence(traffic, fell, mended), silence(traffic, mended, ended), whole_s)
