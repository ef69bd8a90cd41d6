"""Which frames a viewer gets, and when it needs a fresh snapshot instead. Decides only; never sends.

A viewer confirms what it has seen. One that is too far behind gets nothing until it has caught up, and then one snapshot: its
browser is never given more than it can draw, and nothing piles up for it here.
"""

from playground.host.limits import FRAMES_AHEAD_MAX

SEND, DROP, RESYNC = "send", "drop", "resync"


class Pace:
    """One viewer's place in the feed."""

    def __init__(self) -> None:
        self.run = ""
        self.sequence = 0  # of the last frame or snapshot that was sent
        self.seen = 0  # of the last one that the viewer confirmed
        self.waiting = False  # for a snapshot
        self.held = False  # too far behind

    def asked(self) -> None:
        """A snapshot was asked for; frames until then are in it."""
        self.waiting = True

    def snapshot(self, run: str, sequence: int) -> None:
        """It is on its way to the viewer."""
        self.run, self.sequence, self.seen = run, sequence, sequence
        self.waiting = self.held = False

    def frame(self, run: str, sequence: int) -> str:
        """What to do with this frame."""
        if self.waiting or self.held:
            return DROP
        if run != self.run or sequence != self.sequence + 1:
            return RESYNC
        if sequence - self.seen > FRAMES_AHEAD_MAX:
            self.held = True
            return DROP
        self.sequence = sequence
        return SEND

    def beat(self, run: str, sequence: int) -> str:
        """The host rests at this sequence: is the viewer there?"""
        if self.waiting or self.held or (run, sequence) == (self.run, self.sequence):
            return DROP
        return RESYNC

    def confirmed(self, sequence: int) -> str:
        """The viewer has drawn this one."""
        self.seen = max(self.seen, min(sequence, self.sequence))
        return RESYNC if self.held and not self.waiting and self.seen >= self.sequence else DROP

    def __repr__(self) -> str:
        state = "waiting" if self.waiting else "held" if self.held else "live"
        return f"<Pace {state} sequence={self.sequence} seen={self.seen}>"
