"""What stands between a real connection and its owner while somebody has touched its link: a cut stalls it, a delay queues it.

A healthy link has no gate, and its connection is what it would be without this file. A cut is a cable: nothing is reset, what is
sent waits (in the sender's queue, then in the sockets' windows), dialling times out, and after the heal all goes on. Both ends of a
cut hold, so one of them that obeys is enough. A delay is the sender's; only for clients, who know nothing of it, it is ours both ways.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.world.links import CLIENTS, Links
from engine.world.tasks import Expired, Signal, within

if TYPE_CHECKING:
    from engine.world.clock import Clock
    from engine.world.network import Part
    from engine.world.os_network import OsConnection

DIAL_MS_MAX = 3_000  # a dial over a cut link gives up then: two of TCP's retransmissions
FRAMES_DELAYED_MAX = 1_000  # of one client; what comes after waits in its socket
EARLY_MS = 0.5  # loops round their timers


class Gates:
    """The connections of one process, called `near` on the links. `name_of` tells from a stranger's frame whose connection it is."""

    def __init__(self, *, clock: Clock, links: Links, near: str) -> None:
        self.clock = clock
        self.links = links
        self.near = near
        self.name_of: Callable[[memoryview], str] = lambda frame: CLIENTS
        self._gates: dict[OsConnection, Gate | None] = {}
        self._changed = Signal()
        links.on_change(self._look_at_all)

    def opened(self, connection: OsConnection) -> None:
        """Its owner sets the callbacks in this turn of the loop."""
        self._gates[connection] = None
        if self.links.touched:
            self.clock.call_soon(lambda: self._look_at(connection))

    def closed(self, connection: OsConnection) -> None:
        """By whichever side."""
        gate = self._gates.pop(connection, None)
        if gate:
            gate.drop()

    async def passage(self, far: str) -> None:
        """Returns when a connection to `far` can be made. Raises TimeoutError when its link stays cut, as a dial does."""
        try:
            await within(self.clock, DIAL_MS_MAX, self._until_open(far))
        except Expired:
            raise TimeoutError(errno.ETIMEDOUT, "Connection timed out") from None
        if delay_ms := self.links.delay_ms(self.near, far) + self.links.delay_ms(far, self.near):
            await self.clock.sleep(delay_ms)

    async def _until_open(self, far: str) -> None:
        while not (self.links.passes(self.near, far) and self.links.passes(far, self.near)):
            await self._changed.wait()

    def _look_at_all(self) -> None:
        changed, self._changed = self._changed, Signal()
        changed.set()
        for connection in list(self._gates):
            self._look_at(connection)

    def _look_at(self, connection: OsConnection) -> None:
        if connection not in self._gates:
            return
        gate = self._gates[connection]
        if gate is None:
            if not self.links.touched:
                return
            gate = self._gates[connection] = Gate(connection, self)
        gate.look()

    def let_go(self, connection: OsConnection) -> None:
        """Its link is healthy and nothing is under way any more."""
        self._gates[connection] = None

    def __repr__(self) -> str:
        return f"<Gates {self.near} connections={len(self._gates)} gates={sum(gate is not None for gate in self._gates.values())}>"


class Gate:
    """One connection's. It takes the place of the owner's `on_frame` or of `send` only where it must."""

    def __init__(self, connection: OsConnection, gates: Gates) -> None:
        self._connection = connection
        self._gates = gates
        self._send = connection.send
        self._owner: Callable[[memoryview], None] | None = None  # its on_frame, while ours stands there
        self._sends_through = False
        self._arrived: deque[tuple[float, bytearray]] = deque()  # (due, frame)
        self._leaving: deque[tuple[float, tuple[Part, ...]]] = deque()
        self._over = False

    def look(self) -> None:
        """The links or the name of the far end have changed."""
        connection, links, near, far = self._connection, self._gates.links, self._gates.near, self._connection.far
        if far is not None:
            connection.hold_writing(not links.passes(near, far))
            connection.hold_reading(not links.passes(far, near), by="link")
        self._stand_before_frames(bool(self._arrived) or (links.touched if far is None else self._delays_arrivals(far)))
        self._stand_before_sends(bool(self._leaving) or (far is not None and links.delay_ms(near, far) > 0))
        if self._arrived:
            self._gates.clock.call_soon(self._deliver_due)
        if not links.touched and self._owner is None and not self._sends_through:
            self._gates.let_go(connection)

    def _delays_arrivals(self, far: str) -> bool:
        return far == CLIENTS and self._gates.links.delay_ms(far, self._gates.near) > 0

    def _stand_before_frames(self, wanted: bool) -> None:
        if wanted and self._owner is None:
            self._owner, self._connection.on_frame = self._connection.on_frame, self._arrive
        elif not wanted and self._owner is not None:
            self._connection.on_frame, self._owner = self._owner, None

    def _stand_before_sends(self, wanted: bool) -> None:
        if wanted != self._sends_through:
            self._sends_through = wanted
            self._connection.send_through(self._leave if wanted else None)

    def drop(self) -> None:
        """The connection is closed."""
        self._over = True
        self._arrived.clear()
        self._leaving.clear()

    # ---- frames in

    def _arrive(self, frame: memoryview) -> None:
        gates, connection, owner = self._gates, self._connection, self._owner
        if connection.far is None:
            connection.far = gates.name_of(frame)
            self.look()
        hears = gates.links.passes(connection.far, gates.near)
        delay_ms = gates.links.delay_ms(connection.far, gates.near) if connection.far == CLIENTS else 0
        if hears and not delay_ms and not self._arrived:
            return owner(frame)
        self._arrived.append((gates.clock.monotonic_ms() + delay_ms, bytearray(frame)))
        if self._owner is None:
            self._stand_before_frames(True)
        if len(self._arrived) == FRAMES_DELAYED_MAX:
            connection.hold_reading(True, by="delay")
        if len(self._arrived) == 1:
            gates.clock.call_later(delay_ms, self._deliver_due)
        return None

    def _deliver_due(self) -> None:
        gates, connection = self._gates, self._connection
        now_ms = gates.clock.monotonic_ms() + EARLY_MS
        while self._arrived and self._arrived[0][0] <= now_ms and not self._over:
            if not gates.links.passes(connection.far, gates.near):
                return  # `look` calls again after the heal
            self._owner(memoryview(self._arrived.popleft()[1]))
        if self._over:
            return
        if self._arrived:
            gates.clock.call_later(self._arrived[0][0] - now_ms, self._deliver_due)
        else:
            connection.hold_reading(False, by="delay")
            self.look()

    # ---- bytes out

    def _leave(self, *parts: Part) -> None:
        gates = self._gates
        if self._over:
            return
        delay_ms = gates.links.delay_ms(gates.near, self._connection.far)
        self._connection.queued_bytes += sum(map(len, parts))
        # A link that was healed lets what is under way arrive first: bytes of one connection never overtake.
        self._leaving.append((gates.clock.monotonic_ms() + delay_ms, parts))
        if len(self._leaving) == 1:
            gates.clock.call_later(delay_ms, self._send_due)

    def _send_due(self) -> None:
        now_ms = self._gates.clock.monotonic_ms() + EARLY_MS
        while self._leaving and self._leaving[0][0] <= now_ms and not self._over:
            _, parts = self._leaving.popleft()
            self._connection.queued_bytes -= sum(map(len, parts))
            self._send(*parts)
        if self._over:
            return
        if self._leaving:
            self._gates.clock.call_later(self._leaving[0][0] - now_ms, self._send_due)
        else:
            self.look()

