"""Django's side of the door: asks the host over the channel layer and waits for its answer.

Rule: one reply channel for each loop of this process, not one a question; a channel is a subscription in Redis.
"""

import asyncio
import json
import uuid
import weakref
from typing import Any

from channels.layers import get_channel_layer

from playground import names
from playground.host.limits import ANSWER_SECONDS_MAX


class HostGone(Exception):
    """The host does not answer."""


class Door:
    """Questions under way, in one loop."""

    def __init__(self) -> None:
        self._layer = get_channel_layer()
        self._waiting: dict[str, asyncio.Future[str]] = {}
        self._channel: str | None = None
        self._opening = asyncio.Lock()
        self._reader: asyncio.Task[None] | None = None

    async def ask(self, sandbox: str, what: str, *, seconds: float = ANSWER_SECONDS_MAX, **fields: Any) -> str:
        """The host's answer as JSON text. Raises HostGone."""
        async with self._opening:
            if self._channel is None:
                self._channel = await self._layer.new_channel()
                self._reader = asyncio.create_task(self._read(self._channel), name="door")
        question = uuid.uuid4().hex
        waiting = self._waiting[question] = asyncio.get_running_loop().create_future()
        try:
            await self._layer.send(
                names.host_channel(sandbox), {"type": "question", "what": what, "id": question, "reply": self._channel, **fields}
            )
            return await asyncio.wait_for(waiting, seconds)
        except TimeoutError:
            raise HostGone(f"the host does not answer after {seconds:g} s; it may be starting or gone") from None
        finally:
            del self._waiting[question]

    async def _read(self, channel: str) -> None:
        while True:
            message = await self._layer.receive(channel)
            waiting = self._waiting.get(message["id"])
            if waiting is not None and not waiting.done():
                waiting.set_result(message["text"])


_doors: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Door]" = weakref.WeakKeyDictionary()


async def ask(sandbox: str, what: str, **fields: Any) -> Any:
    """The host's answer, read. Raises HostGone."""
    return json.loads(await ask_text(sandbox, what, **fields))


async def ask_text(sandbox: str, what: str, **fields: Any) -> str:
    """The host's answer as it came: large ones need no reading here. Raises HostGone."""
    loop = asyncio.get_running_loop()
    if loop not in _doors:
        _doors[loop] = Door()
    return await _doors[loop].ask(sandbox, what, **fields)
