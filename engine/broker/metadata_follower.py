"""Committed records of the metadata log become the image, and whoever lives by it is told, in one order.

Rule: nothing here awaits; between two records nobody sees a half-changed node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from engine.metadata.delta import Delta, replay_all
from engine.world.tasks import Promise

if TYPE_CHECKING:
    from engine.metadata.image import MetadataImage

Follower = Callable[[Delta], None]


class MetadataFollower:
    """The one place where the node's image changes."""

    def __init__(self, image: MetadataImage) -> None:
        self.image = image
        self._followers: list[Follower] = []
        self._waiting: list[tuple[Callable[[], bool], Promise[None]]] = []

    def tell(self, follower: Follower) -> None:
        """Calls `follower` with every delta, after those that were told of before it."""
        self._followers.append(follower)

    def on_committed(self, records: Sequence[tuple[int, Any]], epoch: int) -> None:
        """Raft's committed records, in order, each once."""
        delta = replay_all(self.image, records, epoch=epoch)
        for follower in self._followers:
            follower(delta)
        self._answer_waiting()

    def when(self, condition: Callable[[], bool]) -> Promise[None]:
        """Resolved as soon as the condition is true of the image; it is asked after each replay."""
        promise: Promise[None] = Promise()
        if condition():
            promise.resolve(None)
        else:
            self._waiting.append((condition, promise))
        return promise

    def _answer_waiting(self) -> None:
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        for condition, promise in waiting:
            if condition():
                promise.resolve(None)
            else:
                self._waiting.append((condition, promise))

    def __repr__(self) -> str:
        return f"<MetadataFollower {self.image!r} waiting={len(self._waiting)}>"
