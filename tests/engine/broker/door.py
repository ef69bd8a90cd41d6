"""A node's door without a node: connections over a wire in memory, and a table of two handlers."""

import asyncio
from types import ModuleType, SimpleNamespace

from engine.broker.connections import Connections
from engine.broker.dispatch import Dispatch
from engine.broker.request_context import LATER
from engine.broker.routes import route
from engine.events.journal import Journal
from engine.events.traffic import Traffic
from engine.protocol.codec import build, decode_response, encode_request
from engine.protocol.errors import NotCoordinator
from engine.world.clock import Clock


class Wire:
    """The client's end: `send` a message, read `answers` as (correlation id, message)."""

    def __init__(self, door):
        self.remote, self.local = ("127.0.0.1", 50000), ("127.0.0.1", 9092)
        self.sent, self.held, self.closed, self.queued_bytes = [], False, False, 0
        self.asked, self._number = {}, 0
        self.on_frame = self.on_closed = None
        door.connections.accept(self)

    def ask(self, api, version, **fields):
        self._number += 1
        self.asked[self._number] = (api, version)
        self.raw(encode_request(build(api, "request", version, **fields), correlation_id=self._number, client_id="me")[4:])

    def raw(self, frame):
        self.on_frame(memoryview(bytearray(frame)))

    @property
    def answers(self):
        found = []
        for frame in self.sent:
            number = int.from_bytes(frame[4:8], "big")
            found.append((number, decode_response(*self.asked[number], frame[4:])[1]))
        return found

    @property
    def order(self):
        return [number for number, _ in self.answers]

    # ---- what a connection calls

    def send(self, *parts):
        self.sent.append(b"".join(parts))

    def hold_reading(self, hold, *, by="owner"):
        self.held = hold

    def close(self):
        self.closed = True


class Door:
    """ListGroups waits until `release`; Heartbeat answers at once; FindCoordinator fails in two ways."""

    def __init__(self, *, open_to_clients=True):
        self.clock, self.log, self.traffic = Clock(start_ms=0), [], Traffic()
        self.journal = Journal(node=1, incarnation=1, now_ms=self.clock.now_ms)
        self.world = SimpleNamespace(clock=self.clock, log=self.log.append)
        self.connections = Connections(world=self.world, journal=self.journal, idle_max_ms=1000, open_to_clients=open_to_clients)
        self.waiting = []
        table = {
            10: route(10, module(handle=self._find)),
            12: route(12, module(handle=lambda context, request: build("Heartbeat", "response", context.api_version))),
            16: route(16, module(handle=self._wait)),
            52: route(52, module(handle=lambda context, request: build("Vote", "response", context.api_version))),
        }
        self.dispatch = Dispatch(self, table)
        self.connections.on_request = self.dispatch.take

    def _wait(self, context, request):
        self.waiting.append(context)
        return LATER

    def release(self, number):
        context = self.waiting[number]
        context.answer(build("ListGroups", "response", context.api_version))

    def _find(self, context, request):
        if request.key == "bug":
            raise ZeroDivisionError
        raise NotCoordinator("not here")

    async def turn(self):
        await asyncio.sleep(0)


def module(**functions):
    made = ModuleType("handler")
    made.__dict__.update(functions)
    return made
