"""The clock: it tells, it waits, and it can be paused and slowed.

Rule: everything that waits in the engine waits here, so that a paused node stands still as a whole.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from contextvars import Context


MOMENT_S = 1e-6  # time that did not move at all would have whoever sleeps for the rest of a moment sleep for ever, on a virtual loop


class Timer:
    """A callback that will run once unless it is cancelled."""

    __slots__ = ("callback", "due_ms")

    def __init__(self, due_ms: float, callback: Callable[[], None] | None) -> None:
        self.due_ms = due_ms
        self.callback = callback

    def cancel(self) -> None:
        """Never run it; harmless after it ran."""
        self.callback = None

    def run(self) -> None:
        """Once, and not when it was cancelled meanwhile: also by another timer of the same moment."""
        callback, self.callback = self.callback, None
        if callback:
            callback()

    def __repr__(self) -> str:
        return f"<Timer due={self.due_ms:.0f} {'waits' if self.callback else 'over'}>"


class Clock:
    """The engine's time, from the loop's: stands still while paused, runs `factor` times slower when slowed.

    On the virtual loop of the simulation the same clock runs on virtual time.
    """

    _context: Context | None = None  # timers and what runs soon belong to whoever asks, unless a simulation says whose they are

    def __init__(self, *, start_ms: int | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._origin = self._loop_time()  # loop time at which `_elapsed` was true
        self._elapsed = 0.0  # ms of engine time until then
        self._start_ms = int(time.time() * 1000) if start_ms is None else start_ms
        self._factor = 1.0
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._armed: asyncio.TimerHandle | None = None
        self._armed_for = float("inf")
        self._watchers: list[Callable[[], None]] = []
        self.paused = False

    def now_ms(self) -> int:
        """Wall clock of the cluster, ms since 1970."""
        return self._start_ms + int(self.monotonic_ms())

    def monotonic_ms(self) -> float:
        """Ms since the clock began; never goes back."""
        if self.paused:
            return self._elapsed
        return self._elapsed + (self._loop_time() - self._origin) * 1000 / self._factor

    async def sleep(self, ms: float) -> None:
        """Waits on the engine's time."""
        waiting = self._loop.create_future()
        timer = self.call_later(ms, lambda: waiting.done() or waiting.set_result(None))
        try:
            await waiting
        finally:
            timer.cancel()

    def call_later(self, ms: float, callback: Callable[[], None]) -> Timer:
        """Runs `callback` in `ms` of the engine's time."""
        timer = Timer(self.monotonic_ms() + max(ms, 0), callback)
        heapq.heappush(self._timers, (timer.due_ms, next(self._numbers), timer))
        if timer.due_ms < self._armed_for:
            self._arm()
        return timer

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Runs `callback` in the loop's next turn, paused or not."""
        self._loop.call_soon(callback, context=self._context)

    def pause(self) -> None:
        """Time stands still until `resume`."""
        if not self.paused:
            self._elapsed = self.monotonic_ms()
            self.paused = True
            self._changed()

    def resume(self) -> None:
        """Time goes on from where it stood."""
        if self.paused:
            self.paused = False
            self._origin = self._loop_time()
            self._changed()

    def slow(self, factor: float) -> None:
        """From now on time runs `factor` times slower than the loop's (1: as fast)."""
        assert factor > 0, f"a clock cannot run {factor} times slower"
        self._elapsed, self._origin = self.monotonic_ms(), self._loop_time()
        self._factor = factor
        self._changed()

    @property
    def factor(self) -> float:
        """How many times slower than the loop's time."""
        return self._factor

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls back after each pause, resume and change of speed."""
        self._watchers.append(callback)

    def _loop_time(self) -> float:
        """Seconds."""
        return self._loop.time()

    def _changed(self) -> None:
        self._arm()
        for watcher in self._watchers:
            watcher()

    def _arm(self) -> None:
        if self._armed:
            self._armed.cancel()
            self._armed, self._armed_for = None, float("inf")
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        if self._timers and not self.paused:
            self._armed_for = self._timers[0][0]
            delay = max(MOMENT_S, (self._armed_for - self.monotonic_ms()) * self._factor / 1000)
            self._armed = self._loop.call_at(self._loop_time() + delay, self._ring, context=self._context)

    def _ring(self) -> None:
        self._armed, self._armed_for = None, float("inf")
        # Half a millisecond of grace: loops round their timers, and a timer rung early would only be armed again.
        now = self.monotonic_ms() + 0.5
        due = []
        while self._timers and self._timers[0][0] <= now:
            due.append(heapq.heappop(self._timers)[2])
        for timer in due:
            self._loop.call_soon(timer.run, context=self._context)
        self._arm()

    def __repr__(self) -> str:
        state = "paused" if self.paused else f"x1/{self._factor:g}"
        return f"<Clock {self.monotonic_ms():.0f} ms {state} timers={len(self._timers)}>"
