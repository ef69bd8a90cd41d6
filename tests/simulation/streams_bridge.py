"""asyncio's streams over the simulated network, and Python's clocks on virtual time: for a client that knows nothing of our world.

Rule: only what a client sees is changed, and only inside `foreign_client`; the engine never looks here.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from engine.world.memory_network import MemoryConnection
from engine.world.world import World
from tests.simulation.universe import Universe

ASKING_TAKES_S = 1e-7  # a look at the clock takes about that long


class BridgedTransport(asyncio.Transport):
    """asyncio's transport over one connection of the simulated network."""

    def __init__(self, connection: MemoryConnection, protocol: asyncio.BaseProtocol) -> None:
        super().__init__({"peername": connection.remote, "sockname": connection.local})
        self._loop = asyncio.get_running_loop()
        self._connection, self._protocol = connection, protocol
        self._closing = False
        connection.on_frame = self._received
        connection.on_closed = lambda reason: self._ended(ConnectionResetError(reason))
        protocol.connection_made(self)

    def _received(self, frame: memoryview) -> None:
        # The network has taken the length off; a stream has it.
        self._protocol.data_received(len(frame).to_bytes(4, "big") + bytes(frame))

    def _ended(self, error: Exception | None) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._protocol.connection_lost, error)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._connection.send(bytes(data))

    def close(self) -> None:
        self._connection.close()
        self._ended(None)

    abort = close

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        self._connection.hold_reading(True)

    def resume_reading(self) -> None:
        self._connection.hold_reading(False)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return self._connection.queued_bytes

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """The simulated network takes everything."""


@contextlib.contextmanager
def foreign_client(universe: Universe, name: str) -> Iterator[World]:
    """Inside, whoever dials with this loop's `create_connection` is on a host of that name; `time` and `random` are the run's."""
    world, loop = universe.simulation.world(name), asyncio.get_running_loop()

    async def create_connection(factory: Callable[[], asyncio.BaseProtocol], host: str, port: int, **_: Any) -> tuple:
        protocol = factory()
        return BridgedTransport(await world.network.dial(host, port), protocol), protocol

    asked = itertools.count()

    def monotonic() -> float:
        # Where time stands while code runs, a client that waits for the last 1e-17 s of a deadline would wait for ever.
        return loop.time() + next(asked) * ASKING_TAKES_S

    dice = random.getstate()
    random.seed(world.chance.integer(0, 1 << 62))
    try:
        with (
            mock.patch.object(loop, "create_connection", create_connection),
            mock.patch.object(time, "time", lambda: world.clock.now_ms() / 1000),
            mock.patch.object(time, "monotonic", monotonic),
        ):
            yield world
    finally:
        random.setstate(dice)
