"""Who reads which partition, as the leader of a group decides it: range, and cooperative-sticky. Pure.

Source: RangeAssignor and CooperativeStickyAssignor of Apache Kafka. The sticky one keeps what members own while that is balanced;
which of several balanced answers comes out is our own choice.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.simulation.consumer_protocol import Subscription, TopicPartition

Assignment = dict[str, set[TopicPartition]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMember:
    """A member as the coordinator names it to the leader."""

    id: str
    instance: str | None
    subscription: Subscription

    @property
    def order(self) -> tuple[bool, str]:
        """Static members first, by their instance's name, so that they keep what they had when they come back."""
        return (self.instance is None, self.instance if self.instance is not None else self.id)


def assign_range(members: list[GroupMember], partitions: dict[str, int]) -> Assignment:
    """Per topic a run of neighbouring partitions each; the first members get one more where it does not come out even."""
    assigned: Assignment = {member.id: set() for member in members}
    for topic in sorted(partitions):
        readers = sorted((member for member in members if topic in member.subscription.topics), key=lambda one: one.order)
        at = 0
        for number, reader in enumerate(readers):
            share = partitions[topic] // len(readers) + (number < partitions[topic] % len(readers))
            assigned[reader.id] |= {(topic, index) for index in range(at, at + share)}
            at += share
    return assigned


def assign_cooperatively(members: list[GroupMember], partitions: dict[str, int]) -> Assignment:
    """The first of two rebalances leaves out what would change hands: its owner gives it up first (KIP-429)."""
    everything = {(topic, index) for topic in sorted(partitions) for index in range(partitions[topic])}
    owners = _owners(members, everything)
    assigned = _sticky(members, sorted(everything), owners)
    for member in members:
        assigned[member.id] = {one for one in assigned[member.id] if owners.get(one, member.id) == member.id}
    return assigned


def _owners(members: list[GroupMember], everything: set[TopicPartition]) -> dict[TopicPartition, str]:
    """Who says that it owns a partition; of several the youngest generation, and of one generation nobody."""
    claims: dict[TopicPartition, list[tuple[int, str]]] = {}
    for member in members:
        for one in sorted(member.subscription.owned & everything):
            claims.setdefault(one, []).append((member.subscription.generation, member.id))
    owners = {}
    for one, claimed in claims.items():
        newest = max(generation for generation, _ in claimed)
        claimants = [member for generation, member in claimed if generation == newest]
        if len(claimants) == 1:
            owners[one] = claimants[0]
    return owners


def _sticky(members: list[GroupMember], everything: list[TopicPartition], owners: dict[TopicPartition, str]) -> Assignment:
    ids = [member.id for member in sorted(members, key=lambda one: one.order)]
    least, more = divmod(len(everything), len(ids))
    # Those who own most keep the larger shares, so that as little as possible moves.
    ids.sort(key=lambda member: -sum(owner == member for owner in owners.values()))
    share = {member: least + (number < more) for number, member in enumerate(ids)}
    assigned: Assignment = {member: set() for member in ids}
    free = []
    for one in everything:
        owner = owners.get(one)
        if owner is not None and len(assigned[owner]) < share[owner]:
            assigned[owner].add(one)
        else:
            free.append(one)
    for one in free:
        assigned[next(member for member in ids if len(assigned[member]) < share[member])].add(one)
    return assigned
