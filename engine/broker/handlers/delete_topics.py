"""DeleteTopics (20), versions 1 to 6: forwarded to the active controller."""

from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message, build
from engine.protocol.errors import KafkaError


async def handle(context: RequestContext, request: Message) -> Message:
    return await context.node.controller.delete_topics(request, context.api_version)


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    """Every topic gets the error: the answer has no other place for it."""
    told = {"error_code": error.code, "error_message": error.message}
    if context.api_version >= 6:
        rows = [{"name": topic.name, "topic_id": topic.topic_id} | told for topic in request.topics]
    else:
        rows = [{"name": name} | told for name in request.topic_names]
    return build("DeleteTopics", "response", context.api_version, responses=rows)
