"""AllocateProducerIds (67), version 0: a block of producer ids for a broker (KIP-730)."""

from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message


async def handle(context: RequestContext, request: Message) -> Message:
    return await context.node.controller.allocate_producer_ids(request, context.api_version)
