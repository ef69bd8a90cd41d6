"""Which frames a viewer gets: decided without a socket."""

from playground.consumers.pace import DROP, RESYNC, SEND, Pace
from playground.host.limits import FRAMES_AHEAD_MAX


def live(sequence=10):
    pace = Pace()
    pace.asked()
    pace.snapshot("r", sequence)
    return pace


def test_frames_follow_the_snapshot():
    pace = live()
    assert [pace.frame("r", 11), pace.frame("r", 12)] == [SEND, SEND]


def test_a_gap_or_another_host_needs_a_snapshot():
    assert live().frame("r", 12) == RESYNC
    assert live().frame("other", 11) == RESYNC
    assert live().beat("r", 10) == DROP
    assert live().beat("r", 12) == RESYNC


def test_frames_before_the_snapshot_are_in_it():
    pace = Pace()
    pace.asked()
    assert pace.frame("r", 5) == DROP


def test_who_confirms_nothing_gets_no_more():
    pace = live(0)
    decisions = [pace.frame("r", number) for number in range(1, 3 * FRAMES_AHEAD_MAX)]
    assert decisions.count(SEND) == FRAMES_AHEAD_MAX
    assert set(decisions[FRAMES_AHEAD_MAX:]) == {DROP}
    assert pace.confirmed(FRAMES_AHEAD_MAX - 1) == DROP
    assert pace.confirmed(FRAMES_AHEAD_MAX) == RESYNC, "it has drawn all that it was sent: one snapshot, then frames again"


def test_who_confirms_gets_all():
    pace = live(0)
    for number in range(1, 500):
        assert pace.frame("r", number) == SEND
        assert pace.confirmed(number) == DROP


def test_nobody_confirms_the_future():
    pace = live(5)
    pace.confirmed(1_000)
    assert pace.seen == 5
