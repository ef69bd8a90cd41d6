"""A classic group in memory: its state, its members and who still has to join or sync.

Rule: it answers questions and keeps its own counts right; what happens next is decided in rebalance.py and its neighbours.
Source: ClassicGroup of Apache Kafka.
"""

from collections.abc import Callable, Iterable
from typing import Any

from engine.coordination.groups import consumer_protocol
from engine.coordination.groups.consumer_protocol import PROTOCOL_TYPE, NotConsumerProtocol
from engine.coordination.groups.member import Member, Protocols
from engine.coordination.groups.states import GroupState, Move, after
from engine.protocol.errors import FencedInstanceId, UnknownMemberId
from engine.protocol.stored.groups import GroupMetadataValue, MemberMetadata

NO_GENERATION = -1


class Group:
    """Members are kept in the order in which they came."""

    def __init__(self, group_id: str, *, now_ms: int) -> None:
        self.id = group_id
        self.state = GroupState.EMPTY
        self.previous_state = GroupState.DEAD
        self.state_since_ms: int = now_ms  # -1: the stored record was too old to know
        self.generation = 0
        self.protocol_type: str | None = None
        self.protocol: str | None = None
        self.leader: str | None = None
        self.members: dict[str, Member] = {}
        self.static_members: dict[str, str] = {}  # group.instance.id -> member id
        self.pending_members: set[str] = set()  # were given an id and have not joined with it yet (KIP-394)
        self.pending_sync: set[str] = set()
        self.new_member_came = False  # during the initial delay, which it lengthens
        self.subscribed: frozenset[str] | None = None  # None: not known
        self.rebalance_told: Any = None  # the fact that began the present rebalance, as cause of what follows

    # ---- questions

    def is_in(self, *states: GroupState) -> bool:
        """Is the group in one of these states?"""
        return self.state in states

    @property
    def is_empty(self) -> bool:
        """Is nobody there, and nobody coming?"""
        return self.state is GroupState.EMPTY

    @property
    def awaiting_join(self) -> int:
        """How many members have an unanswered JoinGroup."""
        return sum(member.is_awaiting_join for member in self.members.values())

    def have_all_joined(self) -> bool:
        """Nobody is missing, neither members nor those who were only given an id."""
        return not self.pending_members and all(member.is_awaiting_join for member in self.members.values())

    @property
    def rebalance_timeout_ms(self) -> int:
        """The longest of all members'."""
        return max((member.rebalance_timeout_ms for member in self.members.values()), default=0)

    def uses_consumer_protocol(self) -> bool:
        """Is it a group of consumers, whose subscriptions we can read?"""
        return self.protocol_type == PROTOCOL_TYPE

    def is_subscribed_to(self, topic: str) -> bool:
        """Does a member want the topic? A consumer group whose subscriptions cannot be read is taken to want everything."""
        if self.subscribed is None:
            return self.uses_consumer_protocol()
        return topic in self.subscribed

    def supports(self, protocol_type: str, names: Iterable[str]) -> bool:
        """Could a member with these protocols be in this group? All members must share at least one protocol."""
        names = list(names)
        if self.state is GroupState.EMPTY:
            return bool(protocol_type) and bool(names)
        shared = self.shared_protocols() if self.members else set(names)
        return self.protocol_type == protocol_type and any(name in shared for name in names)

    def shared_protocols(self) -> set[str]:
        """The protocols that every member knows."""
        known = [{name for name, _ in member.protocols} for member in self.members.values()]
        return set.intersection(*known) if known else set()

    def select_protocol(self) -> str:
        """Each member votes for the first of its protocols that all know; on a tie the eldest member's vote counts."""
        shared = self.shared_protocols()
        votes: dict[str, int] = {}
        for member in self.members.values():
            choice = member.vote(shared)
            votes[choice] = votes.get(choice, 0) + 1
        return max(votes, key=lambda name: votes[name])

    def check_member(self, member_id: str, instance: str | None) -> Member:
        """The member. Raises UnknownMemberId, FencedInstanceId."""
        if instance is not None:
            known = self.static_members.get(instance)
            if known is None:
                raise UnknownMemberId
            if known != member_id:
                raise FencedInstanceId
        if member_id not in self.members:
            raise UnknownMemberId
        return self.members[member_id]

    # ---- changes

    def move(self, move: Move, *, now_ms: int) -> None:
        """Goes to the next state of the table."""
        self.previous_state, self.state = self.state, after(self.state, move)
        self.state_since_ms = now_ms

    def add(self, member: Member) -> None:
        """A member is in; the first one sets the protocol type and leads."""
        if member.instance is not None:
            assert member.instance not in self.static_members, f"{member.instance} is a member of {self.id} already"
            self.static_members[member.instance] = member.id
        if not self.members:
            self.protocol_type = member.protocol_type
        if self.leader is None:
            self.leader = member.id
        self.members[member.id] = member
        self.pending_members.discard(member.id)

    def remove(self, member_id: str) -> None:
        """A member or a pending member is out; the next eldest leads."""
        member = self.members.pop(member_id, None)
        if member and member.instance is not None:
            self.static_members.pop(member.instance, None)
        if self.leader == member_id:
            self.leader = next(iter(self.members), None)
        self.pending_members.discard(member_id)
        self.pending_sync.discard(member_id)

    def rename(self, member: Member, new_id: str) -> None:
        """A static member came back under a new id; it keeps its place, its lead and its assignment."""
        old_id, member.id = member.id, new_id
        self.members = {each.id: each for each in self.members.values()}
        if self.leader == old_id:
            self.leader = new_id
        assert member.instance is not None
        self.static_members[member.instance] = new_id

    def elect_joined_leader(self) -> bool:
        """The leader must be one who has joined; False when there is none."""
        if self.leader is None:
            return False
        if self.members[self.leader].is_awaiting_join:
            return True
        joined = next((member.id for member in self.members.values() if member.is_awaiting_join), None)
        if joined is None:
            return False
        self.leader = joined
        return True

    def begin_generation(self, *, now_ms: int) -> None:
        """One generation more: with its protocol if there are members, Empty otherwise."""
        self.generation += 1
        self.protocol = self.select_protocol() if self.members else None
        self.learn_subscriptions()
        self.move(Move.JOINED if self.members else Move.EMPTIED, now_ms=now_ms)
        self.pending_sync.clear()

    def learn_subscriptions(self) -> None:
        """Which topics the members want, if they speak the consumer protocol and it can be read."""
        self.subscribed = None
        if not self.uses_consumer_protocol() or (self.members and self.protocol is None):
            return
        try:
            self.subscribed = frozenset(
                topic
                for member in self.members.values()
                for topic in consumer_protocol.subscribed_topics(member.metadata(self.protocol))
            )
        except NotConsumerProtocol:
            return

    # ---- to and from the log

    def stored(self, assignment: Callable[[Member], bytes]) -> GroupMetadataValue:
        """The record of this generation."""
        return GroupMetadataValue(
            protocol_type=self.protocol_type or "",
            generation=self.generation,
            protocol=self.protocol,
            leader=self.leader,
            current_state_timestamp=self.state_since_ms,
            members=tuple(_stored(member, self.protocol, assignment(member)) for member in self.members.values()),
        )

    @classmethod
    def restored(cls, group_id: str, value: GroupMetadataValue, *, now_ms: int) -> "Group":
        """The group as its last record says: Stable with members, Empty without."""
        group = cls(group_id, now_ms=now_ms)
        for member in value.members:
            group.add(_restored(member, value, now_ms))
        group.state = GroupState.STABLE if value.members else GroupState.EMPTY
        group.state_since_ms = value.current_state_timestamp
        group.generation = value.generation
        group.protocol_type = value.protocol_type or None
        group.protocol = value.protocol
        group.leader = value.leader
        group.learn_subscriptions()
        return group

    def __repr__(self) -> str:
        return f"<Group {self.id} {self.state} generation={self.generation} members={len(self.members)} leader={self.leader}>"


def _stored(member: Member, protocol: str | None, assignment: bytes) -> MemberMetadata:
    return MemberMetadata(
        member_id=member.id,
        group_instance_id=member.instance,
        client_id=member.client_id,
        client_host=member.client_host,
        rebalance_timeout=member.rebalance_timeout_ms,
        session_timeout=member.session_timeout_ms,
        subscription=member.metadata(protocol),
        assignment=assignment,
    )


def _restored(member: MemberMetadata, value: GroupMetadataValue, now_ms: int) -> Member:
    protocols: Protocols = ((value.protocol or "", member.subscription),)
    return Member(
        id=member.member_id,
        instance=member.group_instance_id,
        client_id=member.client_id,
        client_host=member.client_host,
        rebalance_timeout_ms=member.session_timeout if member.rebalance_timeout == -1 else member.rebalance_timeout,
        session_timeout_ms=member.session_timeout,
        protocol_type=value.protocol_type,
        protocols=protocols,
        assignment=member.assignment,
        heard_ms=now_ms,
    )
