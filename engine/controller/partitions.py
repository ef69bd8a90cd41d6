"""Changes of partitions: what a change tells, a broker that leaves all its ISRs, a leader that asks for another ISR."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from engine.controller import leader_election
from engine.controller.decision import Decision, Telling
from engine.controller.leader_election import ONLINE, RECOVERED, RECOVERING, UNCLEAN, Change, Rules
from engine.controller.view import Place, View
from engine.events.facts import IsrExpanded, IsrShrunk, LeaderElected
from engine.metadata.image import BrokerImage, PartitionImage, Replicas, changed_partition
from engine.protocol.codec import Message, build
from engine.protocol.errors import ErrorCode, StaleBrokerEpoch


def on_wire(index: int, partition: PartitionImage) -> dict[str, Any]:
    """A partition as facts carry it."""
    return {
        "partition": index,
        "leader": partition.leader,
        "leader_epoch": partition.leader_epoch,
        "partition_epoch": partition.partition_epoch,
        "replicas": list(partition.replicas),
        "isr": list(partition.isr),
        "elr": list(partition.elr),
    }


def tell_change(
    decision: Decision, place: Place, after: PartitionImage, *, how: str = "", reason: str = "", because: Telling | None = None,
    configs: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """The facts of one partition that changed."""
    topic, index, before = place
    shared = {"topic": topic, "partition": index, "partition_epoch": after.partition_epoch, "isr": after.isr, "elr": after.elr, "configs": configs or {}}
    led_anew = (after.leader, after.leader_epoch) != (before.leader, before.leader_epoch)
    left, joined = {*before.isr} - {*after.isr}, {*after.isr} - {*before.isr}
    cause = because
    if left and not (led_anew and how in ("unclean", "eligible")):
        cause = decision.tell(IsrShrunk(was=before.isr, reason=reason, **shared), because)
    if led_anew:
        elected = LeaderElected(
            leader=after.leader, was_leader=before.leader, leader_epoch=after.leader_epoch, was_leader_epoch=before.leader_epoch,
            how=how or ("none" if after.leader < 0 else "in-sync"), **shared,
        )  # fmt: skip
        cause = decision.tell(elected, because, *([cause] if cause is not because else []))
        if left and how in ("unclean", "eligible"):
            decision.tell(IsrShrunk(was=before.isr, reason=how, **shared), cause)
    if joined:
        decision.tell(IsrExpanded(was=before.isr, **shared), cause)


def apply_change(decision: Decision, place: Place, change: Change, **told: Any) -> PartitionImage:
    """Decide the change; tells what it will be."""
    decision.records.append(change.record)
    after = changed_partition(place[2], change.record)
    tell_change(decision, place, after, how=change.how, **told)
    return after


def drop_broker(
    view: View, decision: Decision, broker: int, *, reason: str, because: Telling | None, lost_disk: bool = False
) -> int:
    """Take the broker out of every ISR, elect where it led; one batch with whatever else is decided. How many partitions changed."""
    places = view.in_isr_of(broker) + (view.in_elr_of(broker) if lost_disk else [])

    def may_lead(replica: int) -> bool:
        return replica != broker and view.is_active(replica)

    changed = 0
    for topic, index, partition in places:
        unclean = view.unclean_allowed(topic)
        rules = Rules(
            may_lead=may_lead,
            min_isr=view.min_isr(topic, partition),
            elr_enabled=view.elr_enabled,
            election=UNCLEAN if unclean else ONLINE,
            lost_disk=(broker,) if lost_disk else (),
        )
        isr = tuple(replica for replica in partition.isr if replica != broker)
        change = leader_election.change(partition, (view.image.topics[topic].id, index), rules, isr=isr)
        if change:
            changed += 1
            configs = {"min.insync.replicas": rules.min_isr, "unclean.leader.election.enable": unclean}
            apply_change(decision, (topic, index, partition), change, reason=reason, because=because, configs=configs)
    return changed


def lead_by(view: View, decision: Decision, broker: int, *, because: Telling | None) -> None:
    """The broker may lead again: give leaders to partitions that have none."""

    def may_lead(replica: int) -> bool:
        return replica == broker or view.is_active(replica)

    for topic, index, partition in view.leaderless():
        unclean = view.unclean_allowed(topic)
        rules = Rules(
            may_lead=may_lead,
            min_isr=view.min_isr(topic, partition),
            elr_enabled=view.elr_enabled,
            election=UNCLEAN if unclean else ONLINE,
        )
        change = leader_election.change(partition, (view.image.topics[topic].id, index), rules)
        if change:
            configs = {"min.insync.replicas": rules.min_isr, "unclean.leader.election.enable": unclean}
            apply_change(decision, (topic, index, partition), change, because=because, configs=configs)


# ---- AlterPartition


def check_broker_epoch(view: View, broker: int, epoch: int) -> BrokerImage:
    """Raises StaleBrokerEpoch where the broker is unknown or has registered again since."""
    known = view.image.brokers.get(broker)
    if known is None:
        raise StaleBrokerEpoch(f"No broker registration found for broker id {broker}")
    if known.epoch != epoch:
        raise StaleBrokerEpoch(f"Expected broker epoch {known.epoch}, but got broker epoch {epoch}")
    return known


def alter_partition(view: View, request: Message, version: int) -> Decision:
    """What leaders asked for. Raises StaleBrokerEpoch."""
    check_broker_epoch(view, request.broker_id, request.broker_epoch)
    decision = Decision()
    topics = []
    for topic in request.topics:
        name = view.image.topic_names.get(topic.topic_id)
        if name is None:
            rows = [{"partition_index": asked.partition_index, "error_code": ErrorCode.unknown_topic_id} for asked in topic.partitions]
        else:
            rows = [_alter_one(view, decision, request.broker_id, name, asked) for asked in topic.partitions]
        topics.append({"topic_id": topic.topic_id, "partitions": rows})
    decision.answer = build("AlterPartition", "response", version, topics=topics)
    return decision


def _alter_one(view: View, decision: Decision, leader: int, topic: str, asked: Message) -> dict[str, Any]:
    index = asked.partition_index
    partition = view.image.partition(topic, index)
    error = refusal(view, leader, partition, asked)
    if error or partition is None:
        return {"partition_index": index, "error_code": error}
    isr = tuple(state.broker_id for state in asked.new_isr_with_epochs)
    rules = Rules(
        may_lead=lambda replica: replica == leader or view.is_active(replica),
        min_isr=view.min_isr(topic, partition),
        elr_enabled=view.elr_enabled,
        election=UNCLEAN if view.unclean_allowed(topic) else ONLINE,
    )
    place: tuple[UUID, int] = (view.image.topics[topic].id, index)
    change = leader_election.change(partition, place, rules, isr=isr, recovery=asked.leader_recovery_state)
    after = partition
    if change:
        configs = {"replica.lag.time.max.ms": view.config["replica.lag.time.max.ms"], "min.insync.replicas": rules.min_isr}
        after = apply_change(decision, (topic, index, partition), change, reason="lag", configs=configs)
    if after.leader != leader:
        return {"partition_index": index, "error_code": ErrorCode.new_leader_elected}
    return {
        "partition_index": index,
        "leader_id": after.leader,
        "leader_epoch": after.leader_epoch,
        "isr": after.isr,
        "leader_recovery_state": after.leader_recovery_state,
        "partition_epoch": after.partition_epoch,
    }


def refusal(view: View, leader: int, partition: PartitionImage | None, asked: Message) -> ErrorCode | None:
    """Why the leader may not have this ISR, in the order in which Kafka looks; None: it may."""
    if partition is None:
        return ErrorCode.unknown_topic_or_partition
    if asked.leader_epoch > partition.leader_epoch or asked.partition_epoch > partition.partition_epoch:
        return ErrorCode.not_controller  # The leader knows more than we do: we are not the controller any more.
    if asked.leader_epoch < partition.leader_epoch:
        return ErrorCode.fenced_leader_epoch
    if leader != partition.leader:
        return ErrorCode.invalid_request
    if asked.partition_epoch < partition.partition_epoch:
        return ErrorCode.invalid_update_version
    isr: Replicas = tuple(state.broker_id for state in asked.new_isr_with_epochs)
    if not isr or len({*isr}) != len(isr) or not {*isr} <= {*partition.replicas} or leader not in isr:
        return ErrorCode.invalid_request
    if asked.leader_recovery_state == RECOVERING and len(isr) > 1:
        return ErrorCode.invalid_request
    if partition.leader_recovery_state == RECOVERED and asked.leader_recovery_state == RECOVERING:
        return ErrorCode.invalid_request
    if any(not _may_be_in_sync(view, state.broker_id, state.broker_epoch) for state in asked.new_isr_with_epochs):
        return ErrorCode.ineligible_replica
    return None


def _may_be_in_sync(view: View, broker: int, epoch: int) -> bool:
    """KIP-903: a replica that has restarted since the leader saw it may have lost its log. Epoch -1: the leader does not say."""
    return view.is_active(broker) and epoch in (-1, view.image.brokers[broker].epoch)
