"""What the sandbox asks of whoever runs its producers and consumers; the playground does, a bare cluster has none."""

from typing import Any, Protocol


class AppsRefused(Exception):
    """The client could not be started or reached; the message is for people."""


class Apps(Protocol):
    """Each call returns once the client did it. Raises AppsRefused."""

    async def start(self, client: str, *, app: str, topic: str, group: str | None, settings: dict[str, Any]) -> None:
        """Runs a producer or consumer of that name."""

    async def change(self, client: str, changes: dict[str, Any]) -> None:
        """New settings."""

    async def pause(self, client: str) -> None:
        """Stop sending or reading."""

    async def resume(self, client: str) -> None:
        """Go on."""

    async def close(self, client: str) -> None:
        """End in order."""

    async def crash(self, client: str) -> None:
        """Vanish without a goodbye."""


class NoApps:
    """A cluster without a playground: others bring their own clients."""

    async def start(self, client: str, *, app: str, topic: str, group: str | None, settings: dict[str, Any]) -> None:
        """Refuses."""
        raise AppsRefused("producers and consumers run in the playground; this is a bare cluster")

    async def change(self, client: str, changes: dict[str, Any]) -> None:
        """Refuses."""
        raise AppsRefused("there are no clients here")

    async def pause(self, client: str) -> None:
        """Refuses."""
        raise AppsRefused("there are no clients here")

    resume = close = crash = pause
