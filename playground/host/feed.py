"""Turns what happens into numbered frames: at once when the last one is old enough, else as soon as it is.

Rule: facts and traffic wait at most FRAME_GAP_MS here; a fault must be seen within a quarter of a second.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from playground.host.limits import BEAT_MS, FRAME_GAP_MS


class Feed:
    """`take` gives the next frame; `publish(kind, fields)` sends it to all viewers. `run` names this start of the host."""

    def __init__(
        self, *, run: str, take: Callable[[], dict[str, Any]], publish: Callable[[dict[str, Any]], None], keep: Callable[[list[Any]], None]
    ) -> None:
        self.run = run
        self.sequence = 0
        self._take = take
        self._publish = publish
        self._keep = keep
        self._loop = asyncio.get_running_loop()
        self._last = 0.0
        self._due: asyncio.Handle | None = None
        self._settling: list[asyncio.Future[None]] = []
        self._beat: asyncio.TimerHandle | None = None
        self._rest()

    def stir(self, *_: Any) -> None:
        """Something has happened; a frame will carry it."""
        if self._due is not None:
            return
        wait = self._last + FRAME_GAP_MS / 1000 - self._loop.time()
        # Next turn of the loop, not now: facts of one moment belong into one frame.
        self._due = self._loop.call_later(wait, self._frame) if wait > 0 else self._loop.call_soon(self._frame)

    async def settled(self) -> None:
        """Returns when everything that has happened until now is in a frame."""
        if self._due is not None:
            waiting = self._loop.create_future()
            self._settling.append(waiting)
            await waiting

    def close(self) -> None:
        """The last frame goes out; none follows."""
        if self._due is not None:
            self._due.cancel()
        self._frame()
        if self._beat is not None:
            self._beat.cancel()

    def _frame(self) -> None:
        self._due, self._last = None, self._loop.time()
        frame = self._take()
        self._keep(frame["facts"])
        self.sequence += 1
        text = json.dumps({"type": "frame", "run": self.run, "sequence": self.sequence} | frame, separators=(",", ":"))
        self._publish({"type": "host.frame", "run": self.run, "sequence": self.sequence, "text": text})
        settling, self._settling = self._settling, []
        for waiting in settling:
            if not waiting.done():
                waiting.set_result(None)
        self._rest()

    def _rest(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
        self._beat = self._loop.call_later(BEAT_MS / 1000, self._say_alive)

    def _say_alive(self) -> None:
        self._publish({"type": "host.beat", "run": self.run, "sequence": self.sequence})
        self._rest()
