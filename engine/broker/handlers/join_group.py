"""JoinGroup (11), versions 0 to 9: the answer comes when all members have joined, or their time is over."""

from engine.broker.request_context import RequestContext
from engine.coordination.groups.decision import JoinAnswer
from engine.coordination.groups.join import JoinAsked
from engine.protocol.codec import Message, build, milliseconds
from engine.protocol.errors import InvalidGroupId, InvalidSessionTimeout, KafkaError

HAS_REBALANCE_TIMEOUT_SINCE = 1
NEEDS_MEMBER_ID_SINCE = 4  # KIP-394
PROTOCOL_MAY_BE_NULL_SINCE = 7
MAY_SKIP_ASSIGNMENT_SINCE = 9  # KIP-814


async def handle(context: RequestContext, request: Message) -> Message:
    shards = context.node.groups
    asked = _asked(context, request)
    shards.check_join(asked)
    return _answer(context, await shards.shard_for(request.group_id).join(asked))


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    echoed = isinstance(error, (InvalidGroupId, InvalidSessionTimeout))
    return _answer(context, JoinAnswer(error=error.code, member_id=request.member_id if echoed else ""))


def _asked(context: RequestContext, request: Message) -> JoinAsked:
    version = context.api_version
    session_timeout_ms = milliseconds(request.session_timeout)
    return JoinAsked(
        group=request.group_id,
        member_id=request.member_id,
        instance=request.group_instance_id,
        client_id=context.client_id or "",
        client_host=f"/{context.client_host}",
        session_timeout_ms=session_timeout_ms,
        # Version 0 has one timeout for both.
        rebalance_timeout_ms=(
            milliseconds(request.rebalance_timeout) if version >= HAS_REBALANCE_TIMEOUT_SINCE else session_timeout_ms
        ),
        protocol_type=request.protocol_type,
        protocols=tuple((protocol.name, bytes(protocol.metadata)) for protocol in request.protocols),
        reason=request.reason,
        needs_known_id=version >= NEEDS_MEMBER_ID_SINCE,
        may_skip_assignment=version >= MAY_SKIP_ASSIGNMENT_SINCE,
    )


def _answer(context: RequestContext, answer: JoinAnswer) -> Message:
    protocol = answer.protocol or None
    return build(
        "JoinGroup",
        "response",
        context.api_version,
        error_code=answer.error,
        generation_id=answer.generation,
        protocol_type=answer.protocol_type,
        protocol_name=protocol if context.api_version >= PROTOCOL_MAY_BE_NULL_SINCE else protocol or "",
        leader=answer.leader,
        skip_assignment=answer.skip_assignment,
        member_id=answer.member_id,
        members=[
            {"member_id": member_id, "group_instance_id": instance, "metadata": metadata}
            for member_id, instance, metadata in answer.members
        ],
    )
