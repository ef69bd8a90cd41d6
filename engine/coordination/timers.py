"""Timers with names, so that setting one again replaces it."""

from collections.abc import Callable, Hashable

from engine.world.clock import Clock, Timer


class Timers:
    """All timers of one shard; they stand still when the node's clock does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._running: dict[Hashable, Timer] = {}

    def set(self, name: Hashable, ms: float, callback: Callable[[], None]) -> None:
        """Calls back in `ms`, once; a timer of the same name is replaced."""
        self.cancel(name)

        def ring() -> None:
            if self._running.get(name) is timer:
                del self._running[name]
                callback()

        timer = self._running[name] = self._clock.call_later(ms, ring)

    def cancel(self, name: Hashable) -> None:
        """Harmless when there is none."""
        timer = self._running.pop(name, None)
        if timer is not None:
            timer.cancel()

    def cancel_all(self) -> None:
        """None rings any more."""
        for timer in self._running.values():
            timer.cancel()
        self._running.clear()

    def names(self) -> list[Hashable]:
        """Those that run, in the order in which they were set."""
        return list(self._running)

    def __repr__(self) -> str:
        return f"<Timers running={len(self._running)}>"
