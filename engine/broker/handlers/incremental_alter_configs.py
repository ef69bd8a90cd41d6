"""IncrementalAlterConfigs (44), versions 0 and 1: forwarded to the active controller. Brokers have no loggers to change here."""

from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message, build
from engine.protocol.errors import KafkaError


async def handle(context: RequestContext, request: Message) -> Message:
    return await context.node.controller.incremental_alter_configs(request, context.api_version)


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    """Every resource gets the error: the answer has no other place for it."""
    rows = [
        {
            "resource_type": resource.resource_type,
            "resource_name": resource.resource_name,
            "error_code": error.code,
            "error_message": error.message,
        }
        for resource in request.resources
    ]
    return build("IncrementalAlterConfigs", "response", context.api_version, responses=rows)
