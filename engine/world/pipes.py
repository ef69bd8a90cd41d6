"""A pipe between a parent and its child: JSON messages, one a line of known length, over an inherited socket.

Rule: sending never waits; what the other side does not take yet is kept here.
"""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any

_READ_BYTES = 1 << 16
_LENGTH_BYTES = 4


def encode(message: dict[str, Any]) -> bytes:
    """Length and JSON text."""
    text = json.dumps(message, separators=(",", ":")).encode()
    return len(text).to_bytes(_LENGTH_BYTES, "big") + text


def decode(buffer: bytearray) -> list[dict[str, Any]]:
    """Takes the whole messages off the front of the buffer."""
    messages = []
    while len(buffer) >= _LENGTH_BYTES:
        end = _LENGTH_BYTES + int.from_bytes(buffer[:_LENGTH_BYTES], "big")
        if len(buffer) < end:
            break
        messages.append(json.loads(bytes(buffer[_LENGTH_BYTES:end])))
        del buffer[:end]
    return messages


class Pipe:
    """One end, inside a running loop. Set `on_message` and `on_closed` before the loop's next turn."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self.on_message: Callable[[dict[str, Any]], None] = lambda message: None
        self.on_closed: Callable[[], None] = lambda: None
        self.closed = False
        self._socket = end
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        self._in = bytearray()
        self._out = bytearray()
        self._loop.add_reader(end.fileno(), self._readable)

    @property
    def queued_bytes(self) -> int:
        """What the other side has not taken yet."""
        return len(self._out)

    def send(self, message: dict[str, Any], *, descriptor: int | None = None) -> None:
        """In order; nothing happens when the other side is gone. A file descriptor goes along with its message, never queued."""
        if self.closed:
            return
        data = encode(message)
        if descriptor is not None:
            assert not self._out, "a descriptor cannot wait behind other messages"
            sent = socket.send_fds(self._socket, [data], [descriptor])
            assert sent == len(data), "a message with a descriptor is small"
            return
        self._out += data
        if len(self._out) == len(data):
            self._write()

    def flush(self) -> None:
        """Waits until everything is sent; for the very end only."""
        if not self.closed and self._out:
            self._socket.setblocking(True)
            try:
                self._socket.sendall(self._out)
            except OSError:
                self._lost()
            self._out.clear()

    async def drained(self) -> None:
        """Returns when the other side is gone and everything that it said was heard."""
        if not self.closed:
            await self._end.wait()

    def close(self) -> None:
        """From our side."""
        if not self.closed:
            self.closed = True
            self._loop.remove_reader(self._socket.fileno())
            self._loop.remove_writer(self._socket.fileno())
            self._socket.close()
            self._end.set()

    def _write(self) -> None:
        try:
            sent = self._socket.send(self._out)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            return self._lost()
        del self._out[:sent]
        if self._out:
            self._loop.add_writer(self._socket.fileno(), self._write)
        else:
            self._loop.remove_writer(self._socket.fileno())
        return None

    def _readable(self) -> None:
        try:
            data = self._socket.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            return self._lost()
        self._in += data
        for message in decode(self._in):
            self.on_message(message)

    def _lost(self) -> None:
        if not self.closed:
            self.close()
            self.on_closed()
