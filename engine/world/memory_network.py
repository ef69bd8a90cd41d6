"""A network in memory: connections between named nodes over links that delay, cut and break.

A connection is TCP: what it carries is never reordered while it lives; over a cut link it stalls, and goes on after the heal or
ends when either end gives up. What was sent before an end closes still arrives, and before the news of the end. A machine without power
says nothing: its connections stay half open until it is back and answers that it knows nothing of them. A connection that breaks takes its last
bytes with it, or they arrive late, when their sender has long gone on over another one; the other end may not hear of it before it speaks.
"""

import asyncio
import errno
from collections.abc import Callable
from contextvars import Context

from engine.world.disk import FileSlice
from engine.world.links import CLIENTS, Links
from engine.world.memory_process import MemoryProcess
from engine.world.network import FRAME_BYTES_MAX, Part

RETRY_MS = 200  # how soon a stalled connection tries again: TCP's first retransmission
DIAL_MS_MAX = 3_000  # a dial over a cut link gives up then
LATE_MS = (20, 5_000)  # when the last bytes of a broken connection arrive, if they do
UNHEARD_MS = (100, 30_000)  # when an end that says nothing hears that its connection broke, if it does
RESET = "connection reset by the other side"


class Hub:
    """What all simulated nodes share: the links, who listens where, and whose machine has no power."""

    def __init__(self, links: Links) -> None:
        self.links = links
        self.listening: dict[tuple[str, int], MemoryListener] = {}
        self.dark: set[str] = set()
        self._ports = iter(range(40_000, 1_000_000))
        self._addresses: dict[str, str] = {}

    def address(self, name: str) -> str:
        """A node's IP address, as the other end of its connections sees it."""
        number = len(self._addresses) + 1
        return self._addresses.setdefault(name, f"10.0.{number >> 8}.{number & 255}")

    def free_port(self) -> int:
        """A number that no listener or dialler had before."""
        return next(self._ports)

    def passes(self, sender: str, receiver: str) -> bool:
        """Does what is sent arrive, and is there a machine that takes it?"""
        return receiver not in self.dark and self.links.passes(sender, receiver)


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
        self._says_goodbye = False  # the news of our end is on its way, behind what was sent
        self._ended = False  # the far end has said goodbye

    @property
    def queued_bytes(self) -> int:
        return sum(map(len, self._out))

    # ---- out

    def send(self, *parts: Part) -> None:
        if self.closed:
            return
        try:
            self._out.append(b"".join(part.read() if isinstance(part, FileSlice) else part for part in parts))
        except OSError as error:  # a range of a file on a disk that fails
            return self._lost(error.strerror or str(error))
        self._fly()

    def _fly(self) -> None:
        if not self._flying and (self._out or self._says_goodbye):
            self._flying = True
            self._network.later(self._network.hub.links.delay_ms(self._near, self._far) + self._network.process.ahead_ms, self._land)

    def _land(self) -> None:
        self._flying = False
        hub, far = self._network.hub, self.far_end
        if far is None or not (self._out or self._says_goodbye):
            return
        if not hub.passes(self._near, self._far):
            if not (self.closed and self._far in hub.dark):
                self._flying = True
                self._network.later(RETRY_MS, self._land)
            return
        data, self._out = b"".join(self._out), []
        if data and hub.links.breaks(self._near, self._far):
            self._break(data)
        elif data:
            far.arrive(data)
        if self._says_goodbye and not self._out:
            self._says_goodbye = False
            far.end()

    def _break(self, data: bytes) -> None:
        links, far = self._network.hub.links, self.far_end
        assert far is not None
        self._says_goodbye = False
        if links.between(0, 1) < 0.5:
            self._network.later(links.between(*LATE_MS), lambda: far.arrive(data))
        if links.between(0, 1) < 0.75:
            self._network.later(links.between(*UNHEARD_MS), far.reset)
        self.reset()

    # ---- in

    def arrive(self, data: bytes) -> None:
        """Bytes from the far end."""
        if not self.closed:
            self._in += data
            self._network.process.run(self._deliver)
        elif self.far_end is not None and not self.far_end.closed:
            self._network.later(self._network.hub.links.delay_ms(self._near, self._far), self.far_end.reset)

    def end(self) -> None:
        """The far end has said goodbye; whoever holds its reading hears it when it reads on."""
        self._ended = True
        self._network.process.run(self._deliver)

    def reset(self) -> None:
        """The connection is no more."""
        self._network.process.run(lambda: self._lost(RESET, silently=True))

    def _deliver(self) -> None:
        while not self._held and not self.closed and len(self._in) >= 4:
            length = int.from_bytes(self._in[:4], "big", signed=True)
            if not 0 <= length <= FRAME_BYTES_MAX:
                return self._lost(f"a frame of {length} bytes; 0 to {FRAME_BYTES_MAX} are taken")
            if len(self._in) < 4 + length:
                break
            frame = self._in[4 : 4 + length]
            del self._in[: 4 + length]
            self.on_frame(memoryview(frame))
        if self._ended and not self._held:
            self._lost("closed by the other side")
        return None

    def hold_reading(self, hold: bool, *, by: str = "owner") -> None:
        (self._holders.add if hold else self._holders.discard)(by)
        self._held = bool(self._holders)
        if not self._held:
            self._network.soon(self._deliver)

    # ---- the end

    def close(self) -> None:
        self._close(silently=False)

    def _close(self, *, silently: bool) -> None:
        if not self.closed:
            self.closed = True
            self._network.forget(self)
            self._says_goodbye = not silently
            self._fly()

    def _lost(self, reason: str, *, silently: bool = False) -> None:
        if not self.closed:
            self._close(silently=silently)
            self.on_closed(reason)

    def wither(self) -> None:
        """Somebody between the two forgot the connection: both ends hear it, and what was on its way is lost."""
        for end in (self, self.far_end):
            if end is not None:
                end._out.clear()
                end._says_goodbye = False
        for end in (self, self.far_end):
            if end is not None:
                end.reset()

    def vanish(self, *, silently: bool) -> None:
        """Its process is gone and hears nothing; `silently`: nobody tells the far end, and nothing that was sent leaves any more."""
        self.on_closed = self.on_frame = lambda _: None
        if silently:
            self._out.clear()
        self._close(silently=silently)


class MemoryNetwork:
    """One node's network."""

    def __init__(self, process: MemoryProcess, hub: Hub) -> None:
        self.name = process.name
        self.process = process
        self.hub = hub
        self._loop = asyncio.get_running_loop()
        self._wire = Context()
        self._connections: list[MemoryConnection] = []
        self._alive = True

    def later(self, ms: float, callback: Callable[[], None]) -> None:
        """The wire's time is the loop's own, and nobody's process: it goes on when a node stands."""
        self._loop.call_later(ms / 1000, callback, context=self._wire)

    def soon(self, callback: Callable[[], None]) -> None:
        """In the loop's next turn, as our process' own."""
        self._loop.call_soon(callback, context=self.process.context)

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
            if self.hub.passes(self.name, far) and self.hub.passes(far, self.name):
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
        # The system takes the call, the process when it runs: a frozen node is dialled without an error and does not answer.
        listener.network.soon(lambda: theirs.closed or listener.on_connection(theirs))
        return ours

    def wither(self, far: str) -> None:
        """All our connections with a node are forgotten by what lies between, as by a firewall after a long silence."""
        for connection in [one for one in self._connections if one.far == far]:
            connection.wither()

    def crash(self, *, power_lost: bool = False) -> None:
        """The process is gone: its ports close, its connections end without a word to it. Without power nobody else hears of it."""
        self._alive = False
        if power_lost:
            self.hub.dark.add(self.name)
        for address in sorted(address for address, listener in self.hub.listening.items() if listener.network is self):
            del self.hub.listening[address]
        for connection in list(self._connections):
            connection.vanish(silently=power_lost)
