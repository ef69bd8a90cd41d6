"""DescribeGroups (15), versions 0 to 6: state, members and assignments; an unknown group is Dead, from version 6 on an error."""

from dataclasses import asdict
from typing import Any

from engine.broker.cluster_view import NO_OPERATIONS_ASKED
from engine.broker.request_context import RequestContext
from engine.coordination.groups import inventory
from engine.coordination.groups.states import GroupState
from engine.protocol.codec import Message, build
from engine.protocol.errors import ErrorCode, KafkaError

UNKNOWN_IS_AN_ERROR_SINCE = 6  # KIP-1043
# Read, delete, describe, and describe and alter configs: all that a group supports, since there is no authorizer yet.
ALL_GROUP_OPERATIONS = sum(1 << code for code in (3, 6, 8, 10, 11))


def handle(context: RequestContext, request: Message) -> Message:
    operations = ALL_GROUP_OPERATIONS if request.include_authorized_operations else NO_OPERATIONS_ASKED
    groups = [_describe(context, group_id, operations) for group_id in request.groups]
    return build("DescribeGroups", "response", context.api_version, groups=groups)


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    groups = [{"group_id": group_id, "error_code": error.code} for group_id in request.groups]
    return build("DescribeGroups", "response", context.api_version, groups=groups)


def _describe(context: RequestContext, group_id: str, operations: int) -> dict[str, Any]:
    try:
        group = context.node.groups.shard_for(group_id).groups.get(group_id)
    except KafkaError as error:
        return {"group_id": group_id, "error_code": error.code}
    if group is not None:
        return asdict(inventory.describe(group)) | {"authorized_operations": operations}
    dead = {"group_id": group_id, "group_state": str(GroupState.DEAD)}
    if context.api_version < UNKNOWN_IS_AN_ERROR_SINCE:
        return dead | {"authorized_operations": operations}
    return dead | {"error_code": ErrorCode.group_id_not_found, "error_message": f"Group {group_id} not found."}
