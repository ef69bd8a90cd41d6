"""Django's side of the door: asks the host over the channel layer and waits for its answer.

Rule: one reply channel for each loop of this process, not one a question; a channel is a subscription in Redis.
"""

import asyncio
import json
import uuid
import weakref
from typing import Any

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from playground import names
from playground.host.limits import ANSWER_SECONDS_MAX, ASK_AGAIN_SECONDS, HOST_SECONDS_MAX


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
        await self._open()
        if what == "command":  # given once and only once, so the host must be there
            await self._ask(sandbox, "ping", HOST_SECONDS_MAX, {})
        return await self._ask(sandbox, what, seconds, fields)

    async def _ask(self, sandbox: str, what: str, seconds: float, fields: dict[str, Any]) -> str:
        question = {"type": "question", "what": what, "id": uuid.uuid4().hex, "reply": self._channel, **fields}
        waiting = self._waiting[question["id"]] = asyncio.get_running_loop().create_future()
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            while True:
                await self._layer.send(names.host_channel(sandbox), question)
                left = deadline - asyncio.get_running_loop().time()
                # A host that is just starting has not heard the question; a second answer would be ignored.
                patience = left if what == "command" else min(left, ASK_AGAIN_SECONDS)
                await asyncio.wait([waiting], timeout=max(patience, 0.01))
                if waiting.done():
                    return waiting.result()
                if asyncio.get_running_loop().time() >= deadline:
                    raise HostGone(f"the host does not answer after {seconds:g} s; it may be starting or gone")
        except (RedisError, OSError) as error:
            raise HostGone(f"Redis cannot be reached: {error}") from None
        finally:
            del self._waiting[question["id"]]

    async def _open(self) -> None:
        async with self._opening:
            if self._channel is None:
                try:
                    self._channel = await self._layer.new_channel()
                except (RedisError, OSError) as error:
                    raise HostGone(f"Redis cannot be reached: {error}") from None
                self._reader = asyncio.create_task(self._read(self._channel), name="door")

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
