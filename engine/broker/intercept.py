"""Answers on purpose: a share of the requests of an API fails with a named error, waits first, or is taken and never answered.

While there is no rule the node's door leads straight to dispatch, and nothing here runs. An error stands where the API's clients
look for it, per partition or topic where the answer has no other place. A request that waits keeps the later ones of its
connection waiting, as Kafka handles one after the other; one that is dropped keeps their answers waiting until its client gives
up. Spared is what nodes ask each other on the controller's listener in Kafka: their APIs, and fetches of the metadata log.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.broker.dispatch import Dispatch
from engine.broker.handlers.fetch import is_of_metadata
from engine.broker.request_context import LATER
from engine.broker.routes import Route
from engine.protocol.api_keys import BY_NAME
from engine.protocol.codec import Malformed, read_header
from engine.protocol.errors import BY_CODE, ErrorCode, KafkaError
from engine.protocol.hot_fetch import parse_request as parse_fetch

if TYPE_CHECKING:
    from engine.broker.connection import ClientConnection
    from engine.broker.node import Node
    from engine.broker.request_context import RequestContext
    from engine.protocol.codec import Message

FAIL, DELAY, DROP = "fail", "delay", "drop"
FETCH = 1
WAITING = "a request that waits"  # who holds a connection's reading meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What happens to `share` percent of the requests of one API. `how`: fail with `error`, delay by `delay_ms`, drop."""

    api: str
    how: str
    share: int
    error: str | None = None
    delay_ms: int = 0

    def error_now(self) -> KafkaError:
        """The error as a handler would raise it."""
        return BY_CODE[int(ErrorCode[(self.error or "").lower()])]()


class Intercept:
    """A node's rules. It stands in the door of `connections` only while it has some."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._rules: dict[int, Rule] = {}  # by API key
        self._crooked: Dispatch = node.dispatch  # a dispatch whose handlers fail, or leave their answer open
        self._dice = node.world.chance.split("intercept")
        self._waiting: dict[ClientConnection, deque[bytearray]] = {}

    def follow(self, rules: Iterable[Mapping[str, Any]]) -> None:
        """These and no others from now on. What waits already goes on waiting."""
        self._rules = {BY_NAME[rule["api"]].key: Rule(**rule) for rule in rules}
        table = self._node.dispatch.table
        crooked = {key: _crooked(table[key], rule) for key, rule in self._rules.items() if key in table}
        self._crooked = Dispatch(self._node, {**table, **crooked})
        self._stand(bool(self._rules or self._waiting))

    def _stand(self, in_the_door: bool) -> None:
        self._node.connections.on_request = self.take if in_the_door else self._node.dispatch.take

    def take(self, connection: ClientConnection, frame: memoryview) -> None:
        """A frame, in dispatch's place."""
        waiting = self._waiting.get(connection)
        if waiting is not None:
            return waiting.append(bytearray(frame))
        return self._decide(connection, frame)

    def _decide(self, connection: ClientConnection, frame: memoryview) -> None:
        rule = self._rules.get(int.from_bytes(frame[:2], "big", signed=True))
        if rule is None or self._dice.integer(1, 100) > rule.share or _is_of_the_quorum(frame):
            return self._node.dispatch.take(connection, frame)
        if rule.how == DELAY:
            return self._wait(connection, bytearray(frame), rule.delay_ms)
        return self._crooked.take(connection, frame)

    # ---- what waits

    def _wait(self, connection: ClientConnection, frame: bytearray, delay_ms: int) -> None:
        self._waiting.setdefault(connection, deque())
        connection.hold_reading(True, by=WAITING)
        self._node.clock.call_later(delay_ms, lambda: self._go_on(connection, frame))

    def _go_on(self, connection: ClientConnection, frame: bytearray) -> None:
        later = self._waiting.pop(connection)
        connection.hold_reading(False, by=WAITING)
        if not connection.closed:
            self._node.dispatch.take(connection, memoryview(frame))
        # Those that were read before reading was held; one of them may have to wait in its turn.
        while later and not connection.closed:
            next_frame = memoryview(later.popleft())
            self._decide(connection, next_frame)
            if connection in self._waiting:
                self._waiting[connection].extend(later)
                return
        if not self._rules and not self._waiting:
            self._stand(False)

    def __repr__(self) -> str:
        return f"<Intercept {[f'{rule.how} {rule.api} {rule.share}%' for rule in self._rules.values()]} waiting={len(self._waiting)}>"


def _is_of_the_quorum(frame: memoryview) -> bool:
    if int.from_bytes(frame[:2], "big", signed=True) != FETCH:
        return False
    try:
        header = read_header(frame)
        return is_of_metadata(parse_fetch(frame[header.body_at :], header.api_version))
    except Malformed:
        return False


def _crooked(route: Route, rule: Rule) -> Route:
    """The route as it answers a request that the rule meets."""

    def fail(context: RequestContext, request: Message) -> None:
        raise rule.error_now()

    def fail_frame(context: RequestContext, body: memoryview) -> Any:
        return route.module.refuse_frame(context, body, rule.error_now())

    def drop(context: RequestContext, request: Any) -> Any:
        return LATER

    plain = {"waits": False, "forwarded": False, "of_the_moment": False}
    if rule.how == DROP:
        return replace(route, handle=None, handle_frame=drop, **plain)
    if route.handle_frame:
        return replace(route, handle=None, handle_frame=fail_frame, **plain)
    return replace(route, handle=fail, **plain)

