"""DeleteGroups (42), versions 0 to 2: empty groups go, with their offsets."""

from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message, build
from engine.protocol.errors import ErrorCode, KafkaError


async def handle(context: RequestContext, request: Message) -> Message:
    results = []
    for group_id in request.groups_names:
        code = ErrorCode.none
        try:
            await context.node.groups.shard_for(group_id).delete_group(group_id)
        except KafkaError as error:
            code = error.code
        results.append({"group_id": group_id, "error_code": code})
    return build("DeleteGroups", "response", context.api_version, results=results)


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    results = [{"group_id": group_id, "error_code": error.code} for group_id in request.groups_names]
    return build("DeleteGroups", "response", context.api_version, results=results)
