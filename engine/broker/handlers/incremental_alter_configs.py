"""IncrementalAlterConfigs (44), versions 0 and 1: forwarded to the active controller. Brokers have no loggers to change here."""

from engine.broker.handlers.alter_configs import every_resource_refused
from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message
from engine.protocol.errors import KafkaError


async def handle(context: RequestContext, request: Message) -> Message:
    return await context.node.controller.incremental_alter_configs(request, context.api_version)


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    return every_resource_refused("IncrementalAlterConfigs", context, request, error)
