"""Who leads a partition, who is in sync, who is eligible, once something has changed (KIP-966).

Pure: from a partition and the rules that hold now to the one record that changes it. The order of replicas decides; a leader that
may stay, stays. Below min.insync.replicas those that left the ISR stay eligible: they hold everything that was committed.
Reassignment is not here yet.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from engine.metadata.image import PartitionImage, Replicas
from engine.protocol.stored.metadata import NO_LEADER, NO_LEADER_CHANGE, PartitionChangeRecord

PREFERRED, ONLINE, UNCLEAN = "preferred", "online", "unclean"
RECOVERED, RECOVERING = 0, 1  # KIP-704: after an unclean election until the leader says that it has recovered
NO_RECOVERY_CHANGE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """`election`: what may be done to have a leader. `lost_disk`: replicas that may have lost records that they had."""

    may_lead: Callable[[int], bool]
    min_isr: int
    elr_enabled: bool = True
    election: str = ONLINE
    lost_disk: Replicas = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A record, and how its leader was found: in-sync, preferred, eligible, unclean, none, or "" where it stays."""

    record: PartitionChangeRecord
    how: str


def change(
    partition: PartitionImage, place: tuple[UUID, int], rules: Rules, *, isr: Replicas | None = None, recovery: int | None = None
) -> Change | None:
    """The record that brings the partition in line with the rules, with `isr` as its new ISR if given; None if it is already."""
    target = partition.isr if isr is None else isr
    elr = eligible(partition, target, rules)
    leader, unclean = elect(partition, target, elr, rules)
    moved = leader != partition.leader
    new_isr: Replicas | None = None
    state = NO_RECOVERY_CHANGE if recovery is None or recovery == partition.leader_recovery_state else recovery
    if moved and leader in elr:
        target, elr = (leader,), tuple(replica for replica in elr if replica != leader)
    if moved and unclean:
        # What only the others had is lost from here on; they must not count as in sync or eligible.
        new_isr, elr = (leader,), ()
        state = RECOVERING if partition.leader_recovery_state != RECOVERING else state
    elif target != partition.isr and (target or rules.elr_enabled):
        new_isr = target
    record = PartitionChangeRecord(
        partition_id=place[1],
        topic_id=place[0],
        isr=new_isr,
        leader=leader if moved else NO_LEADER_CHANGE,
        leader_recovery_state=state,
        eligible_leader_replicas=elr if elr != partition.elr else None,
        last_known_elr=_last_known_leader(partition, new_isr, leader) if rules.elr_enabled else None,
    )
    return None if _says_nothing(record) else Change(record, _how(partition, leader, unclean, rules) if moved else "")


def eligible(partition: PartitionImage, isr: Replicas, rules: Rules) -> Replicas:
    """The eligible leader replicas beside the ISR: none while it is large enough."""
    if not rules.elr_enabled or len(isr) >= rules.min_isr:
        return ()
    candidates = {*partition.elr, *partition.isr} - {*isr, *rules.lost_disk}
    # The order says nothing; one that stays avoids a record.
    return partition.elr if candidates == {*partition.elr} else tuple(sorted(candidates))


def elect(partition: PartitionImage, isr: Replicas, elr: Replicas, rules: Rules) -> tuple[int, bool]:
    """(the leader, whether it may lack committed records); the leader is -1 where nobody may lead."""

    def valid(replica: int) -> bool:
        return (replica in isr or (not isr and replica in elr)) and rules.may_lead(replica)

    first_choice = (partition.replicas[0], partition.leader) if rules.election == PREFERRED else (partition.leader,)
    for replica in (*first_choice, *partition.replicas):
        if valid(replica):
            return replica, False
    last_known = partition.last_known_elr
    # KIP-966: with nobody in sync and nobody eligible, the last leader has more than anybody else.
    if rules.elr_enabled and not isr and not elr and len(last_known) == 1 and rules.may_lead(last_known[0]):
        return last_known[0], True
    if rules.election == UNCLEAN:
        for replica in partition.replicas:
            if rules.may_lead(replica):
                return replica, True
    return NO_LEADER, False


def _last_known_leader(partition: PartitionImage, new_isr: Replicas | None, leader: int) -> Replicas | None:
    """What last_known_elr becomes: the leader when the ISR empties, nobody once there is a leader; None leaves it."""
    if new_isr == () and partition.leader >= 0:
        return (partition.leader,) if partition.last_known_elr != (partition.leader,) else None
    return () if leader >= 0 and partition.last_known_elr else None


def _how(partition: PartitionImage, leader: int, unclean: bool, rules: Rules) -> str:
    if leader == NO_LEADER:
        return "none"
    if unclean:
        return "unclean"
    if leader not in partition.isr:
        return "eligible"
    return "preferred" if rules.election == PREFERRED and leader == partition.replicas[0] else "in-sync"


def _says_nothing(record: PartitionChangeRecord) -> bool:
    return (
        record.isr is None
        and record.leader == NO_LEADER_CHANGE
        and record.eligible_leader_replicas is None
        and record.last_known_elr is None
        and record.leader_recovery_state == NO_RECOVERY_CHANGE
    )
