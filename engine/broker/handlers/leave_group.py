"""LeaveGroup (13), versions 0 to 5: one member leaves, or several are taken out (from version 3 on)."""

from engine.broker.request_context import RequestContext
from engine.coordination.groups.leave import Leaving
from engine.protocol.codec import Message, build
from engine.protocol.errors import ErrorCode, InvalidGroupId, UnknownMemberId

MANY_SINCE = 3  # KIP-345


async def handle(context: RequestContext, request: Message) -> Message:
    if not request.group_id:
        raise InvalidGroupId
    many = context.api_version >= MANY_SINCE
    if many:
        leaving = [
            Leaving(member_id=each.member_id, instance=each.group_instance_id, reason=each.reason) for each in request.members
        ]
    else:
        leaving = [Leaving(member_id=request.member_id)]
    shard = context.node.groups.shard_for(request.group_id)
    try:
        codes = await shard.leave(request.group_id, leaving)
    except UnknownMemberId:  # there is no such group
        codes = [ErrorCode.unknown_member_id for _ in leaving]
    if not many:
        return build("LeaveGroup", "response", context.api_version, error_code=codes[0])
    members = [
        {"member_id": each.member_id, "group_instance_id": each.instance, "error_code": code}
        for each, code in zip(leaving, codes, strict=True)
    ]
    return build("LeaveGroup", "response", context.api_version, members=members)
