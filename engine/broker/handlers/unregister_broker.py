"""UnregisterBroker (64), version 0: the cluster forgets a broker. Forwarded to the active controller."""

from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message


async def handle(context: RequestContext, request: Message) -> Message:
    return await context.node.controller.unregister_broker(request, context.api_version)
