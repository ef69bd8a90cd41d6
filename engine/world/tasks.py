"""Doing several things at once: tasks, signals, promises and time limits over asyncio.

Rule: a task's crash is never silent; it reaches the loop's exception handler, which ends a broker and fails a test.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar

from engine.world.clock import Clock

T = TypeVar("T")
Task = asyncio.Task
Cancelled = asyncio.CancelledError

_running: set[asyncio.Task[Any]] = set()  # the loop holds tasks weakly; somebody must hold them


class Expired(TimeoutError):
    """The time that was allowed is over."""


def spawn(coroutine: Coroutine[Any, Any, T], *, name: str) -> "asyncio.Task[T]":
    """Starts `coroutine` beside us under a name that logs and tracebacks show."""
    task = asyncio.get_running_loop().create_task(coroutine, name=name)
    _running.add(task)
    task.add_done_callback(_ended)
    return task


def _ended(task: "asyncio.Task[Any]") -> None:
    _running.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        context = {"message": f"task {task.get_name()} crashed: {error!r}", "exception": error, "task": task}
        task.get_loop().call_exception_handler(context)


async def gather(*awaitables: Awaitable[Any]) -> list[Any]:
    """All results in order; the first failure is raised."""
    return list(await asyncio.gather(*awaitables))


async def turn() -> None:
    """Lets everybody else that is ready run first."""
    await asyncio.sleep(0)


async def within(clock: Clock, ms: float, awaitable: Awaitable[T]) -> T:
    """The result of `awaitable`, or Expired after `ms` of the engine's time; the awaitable is cancelled then."""
    work = asyncio.ensure_future(awaitable)
    expired = False

    def expire() -> None:
        nonlocal expired
        expired = not work.done()
        work.cancel()

    timer = clock.call_later(ms, expire)
    try:
        return await work
    except asyncio.CancelledError:
        if expired:
            raise Expired(f"not within {ms:.0f} ms") from None
        work.cancel()
        raise
    finally:
        timer.cancel()


class Signal:
    """Something that is so or not so, and can be waited for."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def is_set(self) -> bool:
        """Is it so now?"""
        return self._event.is_set()

    def set(self) -> None:
        """Wakes all who wait."""
        self._event.set()

    def clear(self) -> None:
        """From now on those who ask wait."""
        self._event.clear()

    async def wait(self) -> None:
        """Returns at once if it is so."""
        await self._event.wait()

    def __repr__(self) -> str:
        return f"<Signal {'set' if self.is_set else 'clear'}>"


class Promise(Generic[T]):
    """A value or an error that comes once; plain callbacks and any number of tasks may wait for it."""

    __slots__ = ("_callbacks", "_error", "_value", "done")

    def __init__(self) -> None:
        self.done = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[Promise[T]], None]] = []

    def resolve(self, value: T) -> None:
        """Keeps it. A second resolve or refuse is ignored: the first one counts."""
        self._settle(value, None)

    def refuse(self, error: BaseException) -> None:
        """Breaks it with an error."""
        self._settle(None, error)

    def _settle(self, value: Any, error: BaseException | None) -> None:
        if self.done:
            return
        self.done, self._value, self._error = True, value, error
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)

    @property
    def error(self) -> BaseException | None:
        """What it was refused with, if it was."""
        return self._error

    def result(self) -> T:
        """The value; raises what it was refused with."""
        assert self.done, "a promise that is not settled has no result"
        if self._error is not None:
            raise self._error
        return self._value

    def then(self, callback: "Callable[[Promise[T]], None]") -> None:
        """Calls back once it is settled; at once if it is."""
        if self.done:
            callback(self)
        else:
            self._callbacks.append(callback)

    async def wait(self) -> T:
        """The value; raises what it was refused with."""
        if not self.done:
            waiting = asyncio.get_running_loop().create_future()
            self.then(lambda _: waiting.done() or waiting.set_result(None))
            await waiting
        return self.result()

    def __repr__(self) -> str:
        state = "open" if not self.done else "refused" if self._error else "resolved"
        return f"<Promise {state}>"
