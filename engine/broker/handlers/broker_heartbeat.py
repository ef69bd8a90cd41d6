"""BrokerHeartbeat (63), versions 0 and 1: a broker lives, has caught up, or wants to go (KIP-631). Failed folders are not reported yet."""

from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message


async def handle(context: RequestContext, request: Message) -> Message:
    return await context.node.controller.broker_heartbeat(request, context.api_version)
