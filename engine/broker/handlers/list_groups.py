"""ListGroups (16), versions 0 to 5: the groups that this broker coordinates, filtered by state (4) and type (5)."""

from engine.broker.request_context import RequestContext
from engine.coordination.groups import inventory
from engine.protocol.codec import Message, build
from engine.protocol.errors import NotCoordinator


def handle(context: RequestContext, request: Message) -> Message:
    rows = []
    for shard in context.node.groups.all():
        try:
            shard.check_active()
        except NotCoordinator:
            continue
        rows += [
            {
                "group_id": group.id,
                "protocol_type": group.protocol_type or "",
                "group_state": str(group.state),
                "group_type": inventory.GROUP_TYPE,
            }
            for _, group in sorted(shard.groups.items())
            if inventory.is_wanted(group, request.states_filter, request.types_filter)
        ]
    return build("ListGroups", "response", context.api_version, groups=rows)
