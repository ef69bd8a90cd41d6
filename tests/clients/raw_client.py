"""A client of a few lines that asks any API at any version and shows the raw answer: for comparing two clusters."""

import itertools
import socket
import struct
from typing import Any

from engine.protocol.codec import Message, build, decode_response, encode_request


class RawClient:
    """One blocking connection. `send` without `receive` leaves a request unanswered, as JoinGroup needs it."""

    def __init__(self, address: str, client_id: str = "raw") -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        self.client_id = client_id
        self._numbers = itertools.count(1)
        self._asked: list[tuple[str, int]] = []

    def ask(self, api: str, version: int, **fields: Any) -> Message:
        """Sends a request and returns the answer to it."""
        self.send(api, version, **fields)
        return self.receive()

    def send(self, api: str, version: int, **fields: Any) -> None:
        """Sends a request; its answer comes by `receive`, in order."""
        message = build(api, "request", version, **fields)
        self.socket.sendall(encode_request(message, correlation_id=next(self._numbers), client_id=self.client_id))
        self._asked.append((api, version))

    def receive(self) -> Message:
        """The answer to the oldest unanswered request."""
        api, version = self._asked.pop(0)
        (size,) = struct.unpack(">i", self._read(4))
        return decode_response(api, version, self._read(size))[1]

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise ConnectionError("the broker closed the connection")
            data += part
        return data

    def close(self) -> None:
        """Without a goodbye: the protocol has none."""
        self.socket.close()

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
