"""CreatePartitions (37), versions 0 to 3: forwarded to the active controller."""

from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message, build
from engine.protocol.errors import KafkaError


async def handle(context: RequestContext, request: Message) -> Message:
    return await context.node.controller.create_partitions(request, context.api_version)


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    """Every topic gets the error: the answer has no other place for it."""
    told = {"error_code": error.code, "error_message": error.message}
    rows = [{"name": name} | told for name in sorted({topic.name for topic in request.topics})]
    return build("CreatePartitions", "response", context.api_version, results=rows)
