"""Sends messages through the channel layer in the order in which they were given, without keeping the host waiting."""

import asyncio
import logging
from collections import deque
from typing import Any

from redis.exceptions import RedisError

from playground.host.limits import OUTBOX_MAX

log = logging.getLogger("playground.host")
RETRY_SECONDS = 0.5


class Outbox:
    """A bounded queue: when Redis is away for long, the oldest messages go; whoever misses a frame asks for a snapshot."""

    def __init__(self, layer: Any, group: str) -> None:
        self._layer = layer
        self._group = group
        self._waiting: deque[tuple[str | None, dict[str, Any]]] = deque(maxlen=OUTBOX_MAX)
        self._filled = asyncio.Event()

    def to_viewers(self, message: dict[str, Any]) -> None:
        """To all who watch."""
        self._waiting.append((None, message))
        self._filled.set()

    def to(self, channel: str, message: dict[str, Any]) -> None:
        """To one who asked."""
        self._waiting.append((channel, message))
        self._filled.set()

    async def run(self) -> None:
        """Sends for ever."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._waiting:
                await self._send(*self._waiting.popleft())

    async def drained(self, seconds: float) -> None:
        """Returns when all is sent, or time is up."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self._waiting and loop.time() < deadline:
            await asyncio.sleep(0.01)

    async def _send(self, channel: str | None, message: dict[str, Any]) -> None:
        try:
            if channel is None:
                await self._layer.group_send(self._group, message)
            else:
                await self._layer.send(channel, message)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("a message was lost, because Redis cannot be reached: %s", error)
            await asyncio.sleep(RETRY_SECONDS)
