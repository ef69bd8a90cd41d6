"""AlterPartition (56), versions 2 and 3: a leader asks for another ISR (KIP-497, KIP-903)."""

from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message


async def handle(context: RequestContext, request: Message) -> Message:
    return await context.node.controller.alter_partition(request, context.api_version)
