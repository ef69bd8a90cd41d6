"""Requests that wait: for replicas, for records, or until their time is over.

Rule: whoever waits is woken in the loop's next turn, never inside the append that it waits for.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from engine.world.clock import Clock


EARLY_SHARE = 0.02  # whoever's time is so nearly over is answered too: followers that ask a leader together wake it once


class Waiter(Protocol):
    """A request that is not answered yet."""

    done: bool

    def woken(self) -> None:
        """Something has changed; it may be enough."""

    def expire(self) -> None:
        """Answer with what there is."""


class _Queue:
    """Limits of one length end in the order in which they began: a timer for each request would cost as much as serving it."""

    def __init__(self) -> None:
        self.entries: deque[tuple[float, Waiter]] = deque()
        self.armed = False

    def drop_done(self) -> None:
        entries = self.entries
        while entries and entries[0][1].done:
            entries.popleft()


class Waiting:
    """A node's waiting requests."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queues: dict[int, _Queue] = {}
        self._awake: list[Waiter] = []

    def until(self, ms: int, waiter: Waiter) -> None:
        """Expires `waiter` in `ms`, unless it is done by then."""
        queue = self._queues.get(ms)
        if queue is None:
            queue = self._queues[ms] = _Queue()
        queue.drop_done()
        queue.entries.append((self._clock.monotonic_ms() + ms, waiter))
        if not queue.armed:
            self._arm(queue, ms)

    def _arm(self, queue: _Queue, ms: int) -> None:
        queue.armed = True
        self._clock.call_later(queue.entries[0][0] - self._clock.monotonic_ms(), lambda: self._ring(queue, ms))

    def _ring(self, queue: _Queue, ms: int) -> None:
        queue.armed = False
        now = self._clock.monotonic_ms() + max(1, ms * EARLY_SHARE)
        queue.drop_done()
        while queue.entries and queue.entries[0][0] <= now:
            queue.entries.popleft()[1].expire()
            queue.drop_done()
        if queue.armed:
            return
        if queue.entries:
            self._arm(queue, ms)
        else:
            self._queues.pop(ms, None)

    def wake(self, waiter: Waiter) -> None:
        """In the loop's next turn; whoever is woken meanwhile comes along."""
        self._awake.append(waiter)
        if len(self._awake) == 1:
            self._clock.call_soon(self._wake_all)

    def _wake_all(self) -> None:
        awake, self._awake = self._awake, []
        for waiter in awake:
            if not waiter.done:
                waiter.woken()

    def __repr__(self) -> str:
        waiting = {ms: sum(not waiter.done for _, waiter in queue.entries) for ms, queue in sorted(self._queues.items())}
        return f"<Waiting {waiting}>"
