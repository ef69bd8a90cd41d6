"""The network: framed connections, dialled or accepted. A frame is a 32-bit length and that many bytes."""

from collections.abc import Callable
from typing import Protocol

from engine.world.disk import FileSlice
from engine.world.links import CLIENTS

FRAME_BYTES_MAX = 104_857_600  # socket.request.max.bytes: one request never takes more memory than this

Part = bytes | bytearray | memoryview | FileSlice


class Connection(Protocol):
    """One connection, seen from either side. Set `on_frame` and `on_closed` when you get it, before the loop's next turn."""

    remote: tuple[str, int]
    local: tuple[str, int]
    far: str | None
    """Whose the other end is, as the links call it; None until somebody knows."""
    on_frame: Callable[[memoryview], None]
    """The frame without its length; writable; valid only during the call."""
    on_closed: Callable[[str], None]
    """Called once, with the reason in words; not when we close it ourselves."""

    @property
    def queued_bytes(self) -> int:
        """What was sent but not yet taken by the system."""

    def send(self, *parts: Part) -> None:
        """Sends in order, length prefix included by the caller. The parts are ours from now on. Nothing happens when closed."""

    def hold_reading(self, hold: bool, *, by: str = "owner") -> None:
        """While anybody holds no frame is delivered and the sender's window fills."""

    def close(self) -> None:
        """At once; what is queued is dropped."""


class Listener(Protocol):
    """An open port."""

    host: str
    port: int

    def close(self) -> None:
        """No further connections; those that are there stay."""


class Network(Protocol):
    """Where connections come from."""

    async def listen(self, host: str, port: int, on_connection: Callable[[Connection], None]) -> Listener:
        """Port 0: any free one. Raises OSError when the port is taken."""

    async def dial(self, host: str, port: int, *, to: str = CLIENTS) -> Connection:
        """`to`: whose address that is, as the links call it. Raises OSError when nobody answers."""
