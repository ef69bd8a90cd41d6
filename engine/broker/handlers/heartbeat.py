"""Heartbeat (12), versions 0 to 4: the member lives; it hears whether it must join again."""

from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message, build
from engine.protocol.errors import CoordinatorLoadInProgress, ErrorCode, InvalidGroupId


def handle(context: RequestContext, request: Message) -> Message:
    if not request.group_id:
        raise InvalidGroupId
    try:
        code = context.node.groups.shard_for(request.group_id).heartbeat(
            group_id=request.group_id,
            member_id=request.member_id,
            instance=request.group_instance_id,
            generation=request.generation_id,
        )
    except CoordinatorLoadInProgress:
        # As Kafka: while it is loading, the coordinator cannot know better, and every member gets a full session then.
        code = ErrorCode.none
    return build("Heartbeat", "response", context.api_version, error_code=code)
