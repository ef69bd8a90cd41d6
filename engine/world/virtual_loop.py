"""An event loop on virtual time: nothing waits, the clock jumps to the next thing that is due.

Rule: no real I/O; a run is decided by its seed alone. What belongs to a process that stands (memory_process) waits until it goes on.
"""

import asyncio
import heapq
import selectors
from collections.abc import Callable, Coroutine, Iterable
from contextvars import Context
from typing import Any, TypeVar

from engine.world.memory_process import PROCESS, MemoryProcess

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


class _Soon(asyncio.Handle):
    """Runs unless its process stands."""

    __slots__ = ()

    def _run(self) -> None:
        process = self._context.get(PROCESS)
        if process is not None and process.stands:
            process.keep(self)
        else:
            super()._run()


class _Later(_Soon, asyncio.TimerHandle):
    """The same at its time."""

    __slots__ = ()


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's loop whose `time()` is virtual seconds from 0.

    `on_crash` is asked about whatever a process did not catch: True says that the process ended of it, and the run goes on.
    """

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)
        self.crashes: list[dict[str, Any]] = []
        self.on_crash: Callable[[MemoryProcess, BaseException], bool] = lambda process, error: False
        self.set_exception_handler(lambda _, context: self._crashed(context))
        self.set_task_factory(_own_task)

    def time(self) -> float:
        return self._jump.now

    def take_up(self, handles: Iterable[asyncio.Handle]) -> None:
        """What waited for its process runs in this turn, in its order."""
        self._ready.extend(handle for handle in handles if not handle.cancelled())

    def _call_soon(self, callback: Callable, args: Any, context: Context | None) -> asyncio.Handle:
        handle = _Soon(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(self, when: float, callback: Callable, *args: Any, context: Context | None = None) -> asyncio.TimerHandle:
        timer = _Later(when, callback, args, self, context)
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True
        return timer

    def _crashed(self, context: dict[str, Any]) -> None:
        handle, error = context.get("handle"), context.get("exception")
        process = context.get("process") or (handle._context.get(PROCESS) if handle is not None else PROCESS.get())
        if process is None or error is None or not self.on_crash(process, error):
            self.crashes.append(context)


def _own_task(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T], context: Context | None = None) -> "asyncio.Task[T]":
    task = asyncio.Task(coroutine, loop=loop, context=context)
    process = PROCESS.get() if context is None else context.get(PROCESS)
    if process is not None:
        process.began(task)
    return task


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
