"""Ids for producers: blocks of 1,000 from the controller, the next asked for before the last is used up.

Source: Kafka's RPCProducerIdManager.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from engine.metadata.image import MetadataImage
from engine.protocol.codec import Message, build
from engine.protocol.errors import CoordinatorLoadInProgress, ErrorCode, error_for
from engine.world import tasks

PREFETCH_AT = 100  # ids left in a block when the next is asked for: a tenth, as in Kafka


class ProducerIds:
    """This node's ids; they are never given twice, for a block that is lost in a crash stays lost."""

    def __init__(self, *, node_id: int, image: MetadataImage, ask: Callable[[Message], Awaitable[Message]]) -> None:
        self._node_id = node_id
        self._image = image
        self._ask = ask
        self._next = self._end = 0
        self._following: tuple[int, int] | None = None
        self._asking: tasks.Task | None = None

    async def take(self) -> int:
        """The next id. Raises CoordinatorLoadInProgress when the controller gives none: the client asks again."""
        while self._next >= self._end:
            if self._following is not None:
                (self._next, self._end), self._following = self._following, None
                break
            await self._prefetch()
        taken, self._next = self._next, self._next + 1
        if self._end - self._next <= PREFETCH_AT and self._following is None and self._asking is None:
            tasks.spawn(self._prefetch_quietly(), name=f"producer ids of node {self._node_id}")
        return taken

    async def _prefetch_quietly(self) -> None:
        try:
            await self._prefetch()
        except CoordinatorLoadInProgress:
            pass  # there are ids left; the next take asks again

    async def _prefetch(self) -> None:
        """Asks once for all that wait."""
        if self._asking is None:
            self._asking = tasks.spawn(self._fetch(), name=f"producer id block of node {self._node_id}")
        reason = await self._asking
        if reason is not None and self._following is None:
            raise CoordinatorLoadInProgress(f"no producer ids: {reason}")

    async def _fetch(self) -> str | None:
        """Why there is no block, None when there is."""
        own = self._image.brokers.get(self._node_id)
        request = build("AllocateProducerIds", "request", 0, broker_id=self._node_id, broker_epoch=own.epoch if own else -1)
        try:
            answer = await self._ask(request)
            if answer.error_code != ErrorCode.none:
                raise error_for(answer.error_code)
        except Exception as error:
            return str(error)
        else:
            self._following = (answer.producer_id_start, answer.producer_id_start + answer.producer_id_len)
            return None
        finally:
            self._asking = None

    def __repr__(self) -> str:
        return f"<ProducerIds next={self._next} left={self._end - self._next} following={self._following}>"
