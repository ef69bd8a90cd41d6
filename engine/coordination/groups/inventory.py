"""Telling of groups, and deleting them (DescribeGroups, ListGroups, DeleteGroups)."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.coordination.groups.decision import Decision
from engine.coordination.groups.group import Group
from engine.coordination.groups.ledger import Ledger
from engine.coordination.groups.member import Member
from engine.coordination.groups.states import GroupState
from engine.protocol.errors import GroupIdNotFound, NonEmptyGroup
from engine.protocol.stored.groups import GroupMetadataKey

GROUP_TYPE = "classic"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberTold:
    """A member as DescribeGroups tells it."""

    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    member_metadata: bytes
    member_assignment: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTold:
    """A group as DescribeGroups tells it. Protocol and metadata only show while it is Stable."""

    group_id: str
    group_state: str
    protocol_type: str = ""
    protocol_data: str = ""
    members: tuple[MemberTold, ...] = ()


def describe(group: Group) -> GroupTold:
    """The group as it is."""
    stable = group.is_in(GroupState.STABLE)
    return GroupTold(
        group_id=group.id,
        group_state=str(group.state),
        protocol_type=group.protocol_type or "",
        protocol_data=(group.protocol or "") if stable else "",
        members=tuple(_member(member, group.protocol if stable else None) for member in group.members.values()),
    )


def _member(member: Member, protocol: str | None) -> MemberTold:
    return MemberTold(
        member_id=member.id,
        group_instance_id=member.instance,
        client_id=member.client_id,
        client_host=member.client_host,
        member_metadata=b"" if protocol is None else member.metadata(protocol),
        member_assignment=member.assignment,
    )


def is_wanted(group: Group, states: Iterable[str], types: Iterable[str]) -> bool:
    """Does the group pass ListGroups' filters? An empty filter lets all pass; upper and lower case are the same."""
    wanted_states = {state.strip().lower() for state in states}
    wanted_types = {kind.strip().lower() for kind in types}
    return (not wanted_states or group.state.lower() in wanted_states) and (not wanted_types or GROUP_TYPE in wanted_types)


def delete(group: Group | None, ledger: Ledger) -> Decision:
    """Tombstones for the group and all its offsets. Raises GroupIdNotFound, NonEmptyGroup."""
    if group is None:
        raise GroupIdNotFound
    if not group.is_in(GroupState.EMPTY):
        raise NonEmptyGroup
    decision = Decision()
    decision.records = [(key, None) for key, _ in ledger.keys_of(group.id)]
    decision.records.append((GroupMetadataKey(group=group.id), None))
    return decision
