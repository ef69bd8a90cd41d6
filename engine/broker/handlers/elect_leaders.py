"""ElectLeaders (43), versions 0 to 2: forwarded to the active controller."""

from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message, build
from engine.protocol.errors import KafkaError


async def handle(context: RequestContext, request: Message) -> Message:
    return await context.node.controller.elect_leaders(request, context.api_version)


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    """Every partition gets the error: the answer has no other place for it."""
    told = {"error_code": error.code, "error_message": error.message}
    rows = [
        {"topic": topic.topic, "partition_result": [{"partition_id": index} | told for index in topic.partitions]}
        for topic in request.topic_partitions or ()
    ]
    return build("ElectLeaders", "response", context.api_version, error_code=error.code, replica_election_results=rows)
