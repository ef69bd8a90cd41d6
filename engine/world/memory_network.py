"""A network in memory: connections between named nodes over links that delay and cut.

A connection is TCP: what it carries is never reordered or lost while it lives; over a cut link it stalls, and goes on after
the heal or breaks when either end gives up.
"""

import asyncio
import errno
from collections.abc import Callable

from engine.world.disk import FileSlice
from engine.world.links import CLIENTS, Links
from engine.world.network import FRAME_BYTES_MAX, Part

RETRY_MS = 200  # how soon a stalled connection tries again: TCP's first retransmission
DIAL_MS_MAX = 3_000  # a dial over a cut link gives up then


class Hub:
    """What all simulated nodes share: the links, and who listens where."""

    def __init__(self, links: Links) -> None:
        self.links = links
        self.listening: dict[tuple[str, int], MemoryListener] = {}
        self._ports = iter(range(40_000, 1_000_000))
        self._addresses: dict[str, str] = {}

    def address(self, name: str) -> str:
        """A node's IP address, as the other end of its connections sees it."""
        number = len(self._addresses) + 1
        return self._addresses.setdefault(name, f"10.0.{number >> 8}.{number & 255}")

    def free_port(self) -> int:
        """A number that no listener or dialler had before."""
        return next(self._ports)


class MemoryListener:
    """A port of a node."""

    def __init__(self, network: "MemoryNetwork", host: str, port: int, on_connection: Callable) -> None:
        self.host, self.port = host, port
        self.network = network
        self.on_connection = on_connection

    def close(self) -> None:
        self.network.hub.listening.pop((self.host, self.port), None)


class MemoryConnection:
    """One end of a connection."""

    def __init__(self, network: "MemoryNetwork", local: tuple[str, int], remote: tuple[str, int], far: str) -> None:
        self.local, self.remote = local, remote
        self.far_end: MemoryConnection | None = None
        self.on_frame: Callable[[memoryview], None] = lambda frame: None
        self.on_closed: Callable[[str], None] = lambda reason: None
        self.far: str | None = far
        self._network, self._near, self._far = network, network.name, far
        self._out: list[bytes] = []
        self._in = bytearray()
        self._holders: set[str] = set()
        self._flying = self._held = self.closed = False

    @property
    def queued_bytes(self) -> int:
        return sum(map(len, self._out))

    def send(self, *parts: Part) -> None:
        if not self.closed:
            self._out.append(b"".join(part.read() if isinstance(part, FileSlice) else part for part in parts))
            self._fly()

    def _fly(self) -> None:
        if self._out and not self._flying:
            self._flying = True
            self._network.later(self._network.hub.links.delay_ms(self._near, self._far), self._land)

    def _land(self) -> None:
        self._flying = False
        if self.closed or self.far_end is None:
            return
        if not self._network.hub.links.passes(self._near, self._far):
            self._flying = True
            self._network.later(RETRY_MS, self._land)
            return
        data, self._out = b"".join(self._out), []
        self.far_end.arrive(data)

    def arrive(self, data: bytes) -> None:
        """Bytes from the far end."""
        if not self.closed:
            self._in += data
            self._deliver()

    def _deliver(self) -> None:
        while not self._held and not self.closed and len(self._in) >= 4:
            length = int.from_bytes(self._in[:4], "big", signed=True)
            if not 0 <= length <= FRAME_BYTES_MAX:
                return self._lost(f"a frame of {length} bytes; 0 to {FRAME_BYTES_MAX} are taken")
            if len(self._in) < 4 + length:
                return None
            frame = self._in[4 : 4 + length]
            del self._in[: 4 + length]
            self.on_frame(memoryview(frame))
        return None

    def hold_reading(self, hold: bool, *, by: str = "owner") -> None:
        (self._holders.add if hold else self._holders.discard)(by)
        self._held = bool(self._holders)
        if not self._held:
            self._network.later(0, self._deliver)

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self._network.forget(self)
        far = self.far_end
        if far is not None:
            self._network.later(self._network.hub.links.delay_ms(self._near, self._far), lambda: self._tell(far))

    def _tell(self, far: "MemoryConnection") -> None:
        if not self._network.hub.links.passes(self._near, self._far):
            self._network.later(RETRY_MS, lambda: self._tell(far))
            return
        far._lost("closed by the other side")

    def _lost(self, reason: str) -> None:
        if not self.closed:
            self.close()
            self.on_closed(reason)


class MemoryNetwork:
    """One node's network."""

    def __init__(self, name: str, hub: Hub) -> None:
        self.name = name
        self.hub = hub
        self._loop = asyncio.get_running_loop()
        self._connections: list[MemoryConnection] = []
        self._alive = True

    def later(self, ms: float, callback: Callable[[], None]) -> None:
        """The wire's time is the loop's own: it goes on when a node's clock stands."""
        self._loop.call_later(ms / 1000, callback)

    def forget(self, connection: MemoryConnection) -> None:
        """A connection of ours has ended."""
        if connection in self._connections:
            self._connections.remove(connection)

    async def listen(self, host: str, port: int, on_connection: Callable[[MemoryConnection], None]) -> MemoryListener:
        port = port or self.hub.free_port()
        if (host, port) in self.hub.listening:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        listener = MemoryListener(self, host, port, on_connection)
        self.hub.listening[host, port] = listener
        return listener

    async def dial(self, host: str, port: int, *, to: str = CLIENTS) -> MemoryConnection:
        waited = 0.0
        while True:
            listener = self.hub.listening.get((host, port))
            far = listener.network.name if listener else host
            if self.hub.links.passes(self.name, far) and self.hub.links.passes(far, self.name):
                await asyncio.sleep(self.hub.links.delay_ms(self.name, far) / 1000)
                break
            waited += RETRY_MS
            if waited > DIAL_MS_MAX:
                raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")
            await asyncio.sleep(RETRY_MS / 1000)
        listener = self.hub.listening.get((host, port))
        if listener is None or not self._alive:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        return self._connect(listener)

    def _connect(self, listener: MemoryListener) -> MemoryConnection:
        near = (self.hub.address(self.name), self.hub.free_port())
        there = (self.hub.address(listener.network.name), listener.port)
        ours = MemoryConnection(self, near, there, listener.network.name)
        theirs = MemoryConnection(listener.network, there, near, self.name)
        ours.far_end, theirs.far_end = theirs, ours
        self._connections.append(ours)
        listener.network._connections.append(theirs)
        listener.on_connection(theirs)
        return ours

    def crash(self) -> None:
        """The node is gone: its ports close, its connections end without a word to it."""
        self._alive = False
        for address in sorted(address for address, listener in self.hub.listening.items() if listener.network is self):
            del self.hub.listening[address]
        for connection in list(self._connections):
            connection.on_closed = connection.on_frame = lambda _: None
            connection.close()
