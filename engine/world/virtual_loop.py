"""An event loop on virtual time: nothing waits, the clock jumps to the next thing that is due.

Rule: no real I/O; a run is decided by its seed alone.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from engine.world.disk import DiskGone

T = TypeVar("T")


class Stuck(RuntimeError):
    """Nothing is ready and no timer is set: the run would wait for ever."""


class _Jump(selectors.SelectSelector):
    """Selects nothing; the time that it would have waited has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list:
        if timeout is None:
            raise Stuck("every task waits and no timer is set")
        self.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's loop whose `time()` is virtual seconds from 0."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)
        self.crashes: list[dict[str, Any]] = []
        self.set_exception_handler(self._crashed)

    def _crashed(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, DiskGone) and not isinstance(getattr(error, "__cause__", None), DiskGone):
            self.crashes.append(context)  # a node without a disk has ended: a real process would be gone in the middle

    def time(self) -> float:
        return self._jump.now


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` to its end in virtual time; a task that crashed beside it fails the run."""
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    try:
        result = loop.run_until_complete(main)
        if loop.crashes:
            context = loop.crashes[0]
            raise RuntimeError(context["message"]) from context.get("exception")
        return result
    finally:
        loop.crashes.append({})  # what tasks say while they are torn down is not of interest
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        asyncio.set_event_loop(None)
        loop.close()
