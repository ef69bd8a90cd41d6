"""The network as the operating system has it: our own transport on non-blocking sockets.

asyncio's streams cost 60 % more (measured): here one buffer a process is read into again and again, frames are handed out as
views of it, and what is sent is bytes or ranges of files, in order, by sendfile where that pays.
"""

import asyncio
import errno
import os
import socket
import struct
from collections import deque
from collections.abc import Callable
from time import monotonic

from engine.world.disk import FileSlice
from engine.world.gates import Gates
from engine.world.links import CLIENTS
from engine.world.network import FRAME_BYTES_MAX, Part

READ_BYTES = 1 << 18  # 64 KiB is a third slower, more brings nothing
SENDFILE_BYTES_MIN = 1 << 16  # below it one pread and one send are cheaper
PARTS_AT_ONCE_MAX = 16  # what one call takes; an answer has few
TURN_S_MAX = 0.001  # of requests of one connection, then others get their turn: a read of small ones holds thousands
BACKLOG = 1024
OWNER = "owner"  # who holds reading, if nobody else is named

_LOOPBACK = {"localhost": ("127.0.0.1", "::1")}
_LENGTH = struct.Struct(">i")  # of the frame behind it
_CAN_SENDFILE = hasattr(os, "sendfile")
_MORE = getattr(socket, "MSG_MORE", 0)  # Linux: what follows at once goes into the same packet, and wakes the reader once


def addresses(host: str) -> tuple[str, ...]:
    """What to bind or dial for a host's name. `localhost` is both families: some clients try ::1 first."""
    if host in _LOOPBACK:
        return _LOOPBACK[host]
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def _socket_for(address: str) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    made.setblocking(False)
    return made


def _read(part: FileSlice) -> bytes:
    data = part.read()
    if len(data) < part.length:
        raise _too_short(part)
    return data


def _too_short(part: FileSlice) -> OSError:
    return OSError(errno.EIO, f"{part.file.path} ends before {part.position + part.length}")


class OsConnection:
    """One TCP connection. Reading starts in the loop's next turn, when its owner has set the callbacks."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, buffer: bytearray, gates: Gates, far: str | None) -> None:
        self.far = far  # whose the other end is, on the links; None until it has said so
        self._loop = loop
        self._gates = gates
        self._socket = sock
        self._descriptor = sock.fileno()
        self._buffer = buffer
        self._begun = bytearray()  # the start of a frame whose length we do not know yet
        self._enough = 0  # bytes of it that are worth a look
        self._large: bytearray | None = None  # a frame that did not come whole
        self._filled = 0
        self._unread: memoryview | None = None  # frames that came and were not handed out: reading was held, or the turn was over
        self._out: deque[Part] = deque()
        self._writing = self._held = self._closed = False
        self._holders: set[str] = set()  # who holds reading
        self._writing_held = False
        self._resting = False  # has had its turn, and more frames are here
        self._turn_ends_s = 0.0
        self.queued_bytes = 0
        self.on_frame: Callable[[memoryview], None] = lambda frame: None
        self.on_closed: Callable[[str], None] = lambda reason: None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.remote: tuple[str, int] = sock.getpeername()[:2]
        self.local: tuple[str, int] = sock.getsockname()[:2]
        loop.call_soon(self._start)
        gates.opened(self)

    def _start(self) -> None:
        if not self._closed and not self._held:
            self._loop.add_reader(self._descriptor, self._readable)

    # ---- reading

    def _readable(self) -> None:
        self._turn_ends_s = monotonic() + TURN_S_MAX
        try:
            while True:
                into = memoryview(self._large)[self._filled :] if self._large is not None else memoryview(self._buffer)
                count = self._socket.recv_into(into)
                if count == 0:
                    return self._lost("closed by the other side")
                full = count == len(into)
                self._take(count)
                if self._closed or self._held or self._resting or not full or monotonic() > self._turn_ends_s:
                    return
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lost(error.strerror or str(error))

    def _take(self, count: int) -> None:
        if self._large is not None:
            self._filled += count
            if self._filled == len(self._large):
                frame, self._large = self._large, None
                self.on_frame(memoryview(frame))
            return
        view = memoryview(self._buffer)[:count]
        if self._begun:
            self._begun += view
            if len(self._begun) < self._enough:
                return
            whole, self._begun, self._enough = self._begun, bytearray(), 0
            view = memoryview(whole)
        self._deliver(view)

    def _deliver(self, view: memoryview) -> None:
        at, end = 0, len(view)
        while end - at >= 4:
            (length,) = _LENGTH.unpack_from(view, at)
            if not 0 <= length <= FRAME_BYTES_MAX:
                return self._lost(f"a frame of {length} bytes; 0 to {FRAME_BYTES_MAX} are taken")
            if end - at - 4 < length:
                return self._begin_large(length, view[at + 4 :])
            at += 4
            self.on_frame(view[at : at + length])
            at += length
            if self._closed:
                return None
            if self._held:
                return self._keep(view[at:])
            if at < end and monotonic() > self._turn_ends_s:
                return self._rest(view[at:])
        self._begun = bytearray(view[at:])
        return None

    def _keep(self, unread: memoryview) -> None:
        # What stands in the buffer of all connections is copied, once.
        self._unread = memoryview(bytearray(unread)) if unread.obj is self._buffer else unread

    def _rest(self, unread: memoryview) -> None:
        self._keep(unread)
        self._resting = True
        self._loop.remove_reader(self._descriptor)
        self._loop.call_soon(self._resume_reading)

    def _begin_large(self, length: int, begin: memoryview) -> None:
        # Memory grows with what has come, not with what was announced: a lying length costs nothing.
        if length > READ_BYTES and len(begin) < length // 4 and length > 4 * READ_BYTES:
            self._begun = bytearray(length.to_bytes(4, "big")) + begin
            self._enough = 4 + length // 4  # looked at again then, not copied again for each byte that drips in
            return
        self._large = bytearray(length)
        self._large[: len(begin)] = begin
        self._filled = len(begin)

    def hold_reading(self, hold: bool, *, by: str = OWNER) -> None:
        (self._holders.add if hold else self._holders.discard)(by)
        held = bool(self._holders)
        if held == self._held or self._closed:
            return
        self._held = held
        if held:
            self._loop.remove_reader(self._descriptor)
        else:
            self._loop.call_soon(self._resume_reading)

    def _resume_reading(self) -> None:
        if self._held or self._closed:
            return
        unread, self._unread = self._unread, None
        self._resting = False
        if unread:
            self._turn_ends_s = monotonic() + TURN_S_MAX
            self._deliver(unread)
        if not self._resting:
            self._start()

    # ---- writing

    def hold_writing(self, hold: bool) -> None:
        """While held what is sent is queued here; the system is given nothing."""
        if hold == self._writing_held or self._closed:
            return
        self._writing_held = self._writing = hold  # as if the system took no more: `send` needs no question of its own
        if hold:
            self._loop.remove_writer(self._descriptor)
        else:
            self._write()

    def send_through(self, gate: Callable[..., None] | None) -> None:
        """`gate` is called instead of `send`, which it may call; None: no more. Nobody else pays for the question."""
        if gate:
            self.send = gate  # type: ignore[method-assign]
        else:
            del self.send

    def send(self, *parts: Part) -> None:
        if self._closed:
            return
        self._out += parts
        for part in parts:
            self.queued_bytes += len(part)
        if not self._writing:
            self._write()

    def _write(self) -> None:
        try:
            while self._out and self._write_some():
                pass
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            return self._lost(error.strerror or str(error))
        if bool(self._out) != self._writing:
            self._writing = bool(self._out)
            if self._writing:
                self._loop.add_writer(self._descriptor, self._write)
            else:
                self._loop.remove_writer(self._descriptor)
        return None

    def _write_some(self) -> bool:
        """Gives the system what stands first, as far as one call takes it; False when it took less."""
        out, several = self._out, []
        for part in out:
            if isinstance(part, FileSlice):
                if _CAN_SENDFILE and part.length >= SENDFILE_BYTES_MIN:
                    break
                part = _read(part)
            several.append(part)
            if len(several) == PARTS_AT_ONCE_MAX:
                break
        if not several:
            return self._send_file(out[0])
        more = _MORE if len(out) > len(several) else 0
        sent = self._socket.send(several[0], more) if len(several) == 1 else self._socket.sendmsg(several, (), more)
        self.queued_bytes -= sent
        for part in several:
            if sent < len(part):
                out[0] = memoryview(part)[sent:]
                return False
            sent -= len(part)
            out.popleft()
        return True

    def _send_file(self, part: FileSlice) -> bool:
        sent = os.sendfile(self._descriptor, part.file.descriptor, part.position, part.length)
        if sent == 0:
            raise _too_short(part)
        self.queued_bytes -= sent
        if sent < part.length:
            self._out[0] = FileSlice(part.file, part.position + sent, part.length - sent)
            return False
        self._out.popleft()
        return True

    # ---- the end

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)
        self._out.clear()
        self.queued_bytes = 0
        self._gates.closed(self)
        self._socket.close()

    def _lost(self, reason: str) -> None:
        if not self._closed:
            self.close()
            self.on_closed(reason)

    def __repr__(self) -> str:
        state = "closed" if self._closed else "held" if self._held else "open"
        return f"<OsConnection {self.local[1]}<-{self.remote[0]}:{self.remote[1]} {state} queued={self.queued_bytes}>"


class OsListener:
    """One port on one or two addresses (127.0.0.1 and ::1 for localhost)."""

    def __init__(self, network: "OsNetwork", host: str, sockets: list[socket.socket], on_connection: Callable) -> None:
        self.host = host
        self.port: int = sockets[0].getsockname()[1]
        self._network = network
        self._sockets = sockets
        self._on_connection = on_connection
        for one in sockets:
            network.loop.add_reader(one.fileno(), self._accept, one)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(BACKLOG):
            try:
                accepted, _ = listening.accept()
                accepted.setblocking(False)
                connection = self._network.connection(accepted)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    return  # out of descriptors: whoever waits is taken when some are free again
                continue  # the one who called is gone already
            self._on_connection(connection)

    def close(self) -> None:
        for one in self._sockets:
            self._network.loop.remove_reader(one.fileno())
            one.close()


class OsNetwork:
    """TCP of this machine; all connections of a process share one read buffer."""

    def __init__(self, gates: Gates) -> None:
        self.loop = asyncio.get_running_loop()
        self.gates = gates
        self._buffer = bytearray(READ_BYTES)

    def connection(self, sock: socket.socket, far: str | None = None) -> OsConnection:
        """A connected, non-blocking socket as a framed connection. Raises OSError if it is gone already."""
        return OsConnection(self.loop, sock, self._buffer, self.gates, far)

    async def listen(self, host: str, port: int, on_connection: Callable[[OsConnection], None]) -> OsListener:
        """Raises OSError (EADDRINUSE …) when the first address can't be had."""
        first, *others = addresses(host)
        sockets = [_bound(first, port)]
        port = sockets[0].getsockname()[1]
        for address in others if host in _LOOPBACK else ():
            try:
                sockets.append(_bound(address, port))
            except OSError:
                continue  # a machine without IPv6 is served on IPv4 alone
        return OsListener(self, host, sockets, on_connection)

    async def dial(self, host: str, port: int, *, to: str = CLIENTS) -> OsConnection:
        """The first address that answers. Raises OSError of the last one when none does."""
        if self.gates.links.touched:
            await self.gates.passage(to)
        failure: OSError = OSError(errno.EADDRNOTAVAIL, f"{host} has no address")
        for address in addresses(host):
            dialled = _socket_for(address)
            try:
                await self.loop.sock_connect(dialled, (address, port))
                return self.connection(dialled, to)
            except OSError as error:
                dialled.close()
                failure = error
            except BaseException:
                dialled.close()
                raise
        raise failure


def _bound(address: str, port: int) -> socket.socket:
    made = _socket_for(address)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if made.family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((address, port))
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    return made
