"""A process in memory: whatever runs for a node runs in its name, so that the node can be stopped, held up and ended as a whole.

What the loop is given to run carries the context of whoever gave it; a node's context names its process. A frozen process (SIGSTOP)
runs nothing: callbacks, timers and tasks that come due wait in order, bytes wait in its sockets, and its clock goes on all the same, as
CLOCK_MONOTONIC does. A process that waits for its disk is ahead of everybody else: for the rest of the callback its own time is the time at which
the disk answers, and nothing more of it runs until the universe has come there. That is what a synchronous call does to a process of one thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.world.virtual_loop import VirtualLoop

PROCESS: ContextVar[MemoryProcess | None] = ContextVar("process", default=None)
TASKS_SWEPT_MIN = 256  # tasks that ended are forgotten when there are this many more


class MemoryProcess:
    """One incarnation of a node, or a client. `name` is its network's."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.frozen = self.dead = False
        self.context: Context = copy_context()
        self.context.run(PROCESS.set, self)
        self._loop: VirtualLoop = asyncio.get_running_loop()  # type: ignore[assignment]
        self._free_at = 0.0  # the loop's time at which the disk answers
        self._waiting: list[asyncio.Handle] = []
        self._tasks: dict[asyncio.Task[Any], None] = {}  # in order: a simulation ends them in order
        self._sweep_at = TASKS_SWEPT_MIN

    # ---- time

    def time(self) -> float:
        """The loop's time as this process sees it, in seconds."""
        return max(self._loop.time(), self._free_at)

    @property
    def ahead_ms(self) -> float:
        """How long it still waits for its disk: what it sends meanwhile is sent then."""
        return max(0.0, self._free_at - self._loop.time()) * 1000

    def hold_up(self, ms: float) -> None:
        """A synchronous call took that long."""
        if ms > 0 and not self.dead:
            self._free_at = self.time() + ms / 1000
            self._loop.call_at(self._free_at, self._go_on, context=Context())

    # ---- running and standing

    @property
    def stands(self) -> bool:
        """Does nothing of it run now?"""
        return not self.dead and (self.frozen or self._free_at > self._loop.time())

    def keep(self, handle: asyncio.Handle) -> None:
        """It came due while the process stands."""
        self._waiting.append(handle)

    def run(self, callback: Callable[[], None]) -> None:
        """Runs it as the process' own: at once, or when it goes on."""
        if self.stands:
            self._loop.call_soon(callback, context=self.context)
            return
        try:
            self.context.run(callback)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self._loop.call_exception_handler({"message": f"{self.name}: {error!r}", "exception": error, "process": self})

    def freeze(self) -> None:
        """SIGSTOP."""
        self.frozen = True

    def thaw(self) -> None:
        """SIGCONT: sockets first, then timers that came due, as a loop that comes back from its select finds them."""
        self.frozen = False
        self._waiting.sort(key=lambda handle: isinstance(handle, asyncio.TimerHandle))
        self._go_on()

    def _go_on(self) -> None:
        if not self.stands:
            waiting, self._waiting = self._waiting, []
            self._loop.take_up(waiting)

    # ---- the end

    def began(self, task: asyncio.Task[Any]) -> None:
        """A task of this process; it ends with it."""
        self._tasks[task] = None
        if self.dead:
            task.cancel()
        if len(self._tasks) > self._sweep_at:
            self._tasks = {one: None for one in self._tasks if not one.done()}
            self._sweep_at = len(self._tasks) + TASKS_SWEPT_MIN

    def die(self) -> None:
        """SIGKILL: its tasks are over. What was on its way to them finds a clock and a network that are dead as well."""
        self.dead, self.frozen = True, False
        for task in list(self._tasks):
            task.cancel()
        self._go_on()

    def __repr__(self) -> str:
        state = "dead" if self.dead else "frozen" if self.frozen else f"held up {self.ahead_ms:.0f} ms" if self.stands else "runs"
        return f"<MemoryProcess {self.name} {state} tasks={len(self._tasks)}>"
