"""SyncGroup (14), versions 0 to 5: the answer comes when the leader's assignment is stored."""

from engine.broker.request_context import RequestContext
from engine.coordination.groups.sync import SyncAsked
from engine.protocol.codec import Message, build
from engine.protocol.errors import InconsistentGroupProtocol, InvalidGroupId

NEEDS_PROTOCOL_SINCE = 5  # KIP-559


async def handle(context: RequestContext, request: Message) -> Message:
    if context.api_version >= NEEDS_PROTOCOL_SINCE and (request.protocol_type is None or request.protocol_name is None):
        raise InconsistentGroupProtocol
    if not request.group_id:
        raise InvalidGroupId
    asked = SyncAsked(
        group=request.group_id,
        generation=request.generation_id,
        member_id=request.member_id,
        instance=request.group_instance_id,
        protocol_type=request.protocol_type,
        protocol=request.protocol_name,
        assignments={each.member_id: bytes(each.assignment) for each in request.assignments},
    )
    answer = await context.node.groups.shard_for(request.group_id).sync(asked)
    return build(
        "SyncGroup",
        "response",
        context.api_version,
        error_code=answer.error,
        protocol_type=answer.protocol_type,
        protocol_name=answer.protocol,
        assignment=answer.assignment,
    )
