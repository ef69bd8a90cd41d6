"""From a request's bytes to its handler, and from the handler's outcome to an answer.

Rule: errors become codes here and nowhere else. What is not understood closes its connection, as Kafka does.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any

from engine.broker.request_context import LATER, RequestContext
from engine.broker.routes import Route
from engine.protocol.api_keys import API_KEYS
from engine.protocol.codec import Malformed, Message, build, decode_body, encode_body, message_class, milliseconds, read_header
from engine.protocol.errors import ErrorCode, KafkaError, NotController, RequestTimedOut, UnknownServerError
from engine.world.tasks import Expired, Promise

if TYPE_CHECKING:
    from engine.broker.connection import ClientConnection
    from engine.broker.node import Node

API_VERSIONS = 18


class Dispatch:
    """One per node. `table` is handlers.TABLE; tests hand in another."""

    def __init__(self, node: Node, table: Mapping[int, Route]) -> None:
        self._node = node
        self.table = table

    def take(self, connection: ClientConnection, frame: memoryview) -> None:
        """One frame of a client. The frame is valid during the call only."""
        refuse = self._node.connections.refuse
        try:
            header = read_header(frame)
        except Malformed as error:
            return refuse(connection, f"a request that cannot be read: {error}")
        route = self.table.get(header.api_key)
        if route is None:
            return refuse(connection, f"no API with key {header.api_key} here")
        if not route.serves(header.api_version) and header.api_key != API_VERSIONS:
            return refuse(connection, f"{route.api.name} version {header.api_version} is not served: {route.versions}")
        context = connection.open_slot(self._node, header)
        if header.api_key == API_VERSIONS and not route.serves(header.api_version):
            return context.answer(unsupported_api_versions(header.correlation_id))
        if header.api_key != API_VERSIONS:
            self._node.connections.introduce(connection, header.client_id)
        self._node.traffic.requested(route.api.name)
        try:
            self._run(route, context, frame, header.body_at)
        except Malformed as error:
            refuse(connection, str(error))
        return None

    def _run(self, route: Route, context: RequestContext, frame: memoryview, body_at: int) -> None:
        if route.handle_frame:
            try:
                return self._deliver(context, route.handle_frame(context, frame[body_at:]))
            except Malformed:
                raise
            except Exception as error:  # a bug in one request must not take the node down
                return self._failed(route, context, None, error)
        request = decode_body(route.api.name, "request", context.api_version, frame, body_at)
        if route.forwarded and (route.waits or not self._node.controller.active):
            self._node.spawn(self._ask_controller(route, context, request, bytes(frame)), name=f"{route.api.name} {context.client_id}")
            return None
        if route.of_the_moment and context.connection.in_flight > 1:
            return context.connection.begin_in_turn(lambda: self.serve(route, context, request))
        return self.serve(route, context, request)

    def serve(self, route: Route, context: RequestContext, request: Message) -> None:
        """Runs the handler; whatever comes of it is delivered to the context."""
        if route.waits:
            self._node.spawn(self._serve_waiting(route, context, request), name=f"{route.api.name} {context.client_id}")
            return
        try:
            self._deliver(context, route.handle(context, request))
        except Exception as error:
            self._failed(route, context, request, error)

    async def _serve_waiting(self, route: Route, context: RequestContext, request: Message) -> None:
        try:
            self._deliver(context, await route.handle(context, request))
        except Exception as error:
            self._failed(route, context, request, error)

    async def _ask_controller(self, route: Route, context: RequestContext, request: Message, frame: bytes) -> None:
        if self._node.controller.active:
            try:
                return self._deliver(context, await route.handle(context, request))
            except NotController:
                pass  # it was, when the request came; clients of a broker never hear of this
            except Exception as error:
                return self._failed(route, context, request, error)
        return await self._forward(route, context, request, frame)

    async def _forward(self, route: Route, context: RequestContext, request: Message, frame: bytes) -> None:
        timeout = milliseconds(getattr(request, "timeout", None))
        try:
            context.answer(await self._node.controller_door.forward(context, frame, within_ms=timeout if timeout > 0 else None))
        except (Expired, KafkaError) as error:
            self._failed(route, context, request, error)

    async def ask_self(self, message: Message) -> Message:
        """The node's own answer to a message that it would else send to another node."""
        route = self.table[message.__api_key__]
        answered: Promise[Message] = Promise()
        context = RequestContext(
            node=self._node,
            connection=None,
            api_key=message.__api_key__,
            api_version=message.__version__,
            correlation_id=0,
            client_id=None,
            deliver=answered.resolve,
        )
        self.serve(route, context, message)
        return await answered.wait()

    # ---- outcomes

    def _deliver(self, context: RequestContext, answer: Any) -> None:
        if answer is not LATER:
            context.answer(answer)

    def _failed(self, route: Route, context: RequestContext, request: Message | None, error: Exception) -> None:
        if isinstance(error, Expired):
            error = RequestTimedOut()
        if not isinstance(error, KafkaError):
            trace = "".join(traceback.format_exception(error))
            self._node.world.log(f"{route.api.name} version {context.api_version} failed, a bug:\n{trace}")
            error = UnknownServerError()
        try:
            if route.refuse and request is not None:
                return context.answer(route.refuse(context, request, error))
            answer = plain_refusal(route.api.name, context.api_version, error)
        except Exception as bug:
            self._node.world.log(f"{route.api.name}: refusing failed:\n{''.join(traceback.format_exception(bug))}")
            answer = None
        if answer is not None:
            return context.answer(answer)
        if context.connection:
            # Without a field for the error, silence would leave the client waiting; a closed connection makes it ask again.
            self._node.connections.refuse(context.connection, f"{route.api.name} failed: {error}")
        return None


def plain_refusal(api: str, version: int, error: KafkaError) -> Message | None:
    """The answer of an API that has one error code for the whole request; None if this one has not."""
    names = _names(api, version)
    if "error_code" not in names:
        return None
    told = {"error_message": str(error)} if "error_message" in names else {}
    return build(api, "response", version, error_code=error.code, **told)


@cache
def _names(api: str, version: int) -> frozenset[str]:
    return frozenset(part.name for part in fields(message_class(api, "response", version)))


def unsupported_api_versions(correlation_id: int) -> bytes:
    """KIP-511: any version that we do not know is answered in version 0, which every client can read, with our range."""
    own = API_KEYS[API_VERSIONS]
    row = {"api_key": own.key, "min_version": own.oldest, "max_version": own.newest}
    body = encode_body(build("ApiVersions", "response", 0, error_code=ErrorCode.unsupported_version, api_keys=[row]))
    return (4 + len(body)).to_bytes(4, "big") + correlation_id.to_bytes(4, "big", signed=True) + body
