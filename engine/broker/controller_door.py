"""Asking the active controller, wherever it is: another node, or this one."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from engine.peers.connection import Unreachable
from engine.protocol.codec import Message, build
from engine.protocol.errors import ErrorCode, NotController, RequestTimedOut
from engine.world.tasks import Expired, within

if TYPE_CHECKING:
    from engine.broker.node import Node
    from engine.broker.request_context import RequestContext

FORWARD_MS = 30_000  # controller.socket.timeout.ms, for requests that bring no timeout of their own
ATTEMPT_MS_MAX = 5_000  # then the controller may be frozen; look again who it is
RETRY_MS = 20  # an election takes a few of these
# DefaultPrincipalData version 0: type "User", name "ANONYMOUS", no delegation token, no tags (KIP-590).
ANONYMOUS = b"\x00\x00\x05User\x0aANONYMOUS\x00\x00"


class ControllerDoor:
    """The node's way to the active controller."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def ask_once(self, message: Message, *, within_ms: float) -> Message:
        """One attempt.

        Raises:
            NotController: nobody is known to lead the metadata log.
            Unreachable, Expired: no answer. Error codes inside the answer are the caller's.
        """
        leader = self._node.raft.leader_id
        if leader is None or leader < 0:
            raise NotController("no controller is known")
        if leader == self._node.spec.node_id:
            return await within(self._node.clock, within_ms, self._node.dispatch.ask_self(message))
        return await self._node.directory.peer(leader, "controller").ask(message, within_ms=within_ms)

    async def ask(self, message: Message, *, within_ms: float) -> Message:
        """Asks again while the controller is unknown, gone or no longer the controller.

        Raises:
            RequestTimedOut: that lasted for `within_ms`.
        """
        clock = self._node.clock
        give_up_at = clock.monotonic_ms() + within_ms
        while (left := give_up_at - clock.monotonic_ms()) > 0:
            try:
                answer = await self.ask_once(message, within_ms=min(left, ATTEMPT_MS_MAX))
                if getattr(answer, "error_code", ErrorCode.none) != ErrorCode.not_controller:
                    return answer
            except (NotController, Unreachable, Expired):
                pass
            await clock.sleep(min(RETRY_MS, left))
        raise RequestTimedOut("the active controller did not answer in time")

    async def forward(self, context: RequestContext, frame: bytes, *, within_ms: float | None) -> bytes:
        """A client's request in an Envelope to the active controller; the response's bytes for the client."""
        host = context.client_host
        envelope = build(
            "Envelope",
            "request",
            0,
            request_data=frame,
            request_principal=ANONYMOUS,
            client_host_address=ipaddress.ip_address(host.split("%")[0]).packed,
        )
        answer = await self.ask(envelope, within_ms=within_ms or FORWARD_MS)
        if answer.error_code != ErrorCode.none or answer.response_data is None:
            raise RequestTimedOut(f"the active controller refused the envelope: {answer.error_code.name}")
        return len(answer.response_data).to_bytes(4, "big") + answer.response_data
