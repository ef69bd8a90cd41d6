"""CreateTopics (19), versions 2 to 7: forwarded to the active controller. No create.topic.policy."""

from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message, build
from engine.protocol.errors import KafkaError


async def handle(context: RequestContext, request: Message) -> Message:
    return await context.node.controller.create_topics(request, context.api_version)


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    """Every topic gets the error: the answer has no other place for it."""
    told = {"error_code": error.code, "error_message": error.message, "configs": ()}
    rows = [{"name": name} | told for name in sorted({topic.name for topic in request.topics})]
    return build("CreateTopics", "response", context.api_version, topics=rows)
