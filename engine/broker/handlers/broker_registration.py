"""BrokerRegistration (62), versions 0 to 4: a broker tells the active controller that it is there (KIP-631)."""

from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message


async def handle(context: RequestContext, request: Message) -> Message:
    return await context.node.controller.register_broker(request, context.api_version)
