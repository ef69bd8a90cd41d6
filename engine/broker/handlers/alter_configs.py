"""AlterConfigs (33), versions 0 to 2: forwarded to the active controller. Brokers have no loggers to change here."""

from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message, build
from engine.protocol.errors import KafkaError


async def handle(context: RequestContext, request: Message) -> Message:
    return await context.node.controller.alter_configs(request, context.api_version)


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    return every_resource_refused("AlterConfigs", context, request, error)


def every_resource_refused(api: str, context: RequestContext, request: Message, error: KafkaError) -> Message:
    """The answer has no other place for an error."""
    rows = [
        {
            "resource_type": resource.resource_type,
            "resource_name": resource.resource_name,
            "error_code": error.code,
            "error_message": error.message,
        }
        for resource in request.resources
    ]
    return build(api, "response", context.api_version, responses=rows)
