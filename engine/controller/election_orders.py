"""Elections that somebody or something orders: ElectLeaders, the balance of preferred leaders, partitions without any leader."""

from __future__ import annotations

from typing import Any

from engine.controller import leader_election
from engine.controller.decision import Decision
from engine.controller.leader_election import PREFERRED, UNCLEAN, Rules
from engine.controller.partitions import apply_change
from engine.controller.view import View
from engine.protocol.codec import Message, build
from engine.protocol.errors import (
    EligibleLeadersNotAvailable,
    ElectionNotNeeded,
    ErrorCode,
    InvalidRequest,
    KafkaError,
    PreferredLeaderNotAvailable,
    UnknownTopicOrPartition,
)

ELECTION_TYPES = {0: PREFERRED, 1: UNCLEAN}
ELECTIONS_PER_PASS_MAX = 1_000  # so that the batch stays small; the next pass comes soon


def elect_leaders(view: View, request: Message, version: int) -> Decision:
    """ElectLeaders (43). Without a list, all partitions, and those are left out that need none."""
    decision = Decision()
    if request.election_type not in ELECTION_TYPES:
        return refuse_type(request, version)
    election = ELECTION_TYPES[request.election_type]
    every = request.topic_partitions is None
    if every:
        asked = [(name, sorted(topic.partitions)) for name, topic in view.image.topics.items()]
    else:
        asked = [(topic.topic, topic.partitions) for topic in request.topic_partitions]
    results = []
    for topic, indexes in asked:
        rows = []
        for index in indexes:
            error = _elect(view, decision, topic, index, election)
            if not (every and isinstance(error, ElectionNotNeeded)):
                rows.append(_row(index, error))
        results.append({"topic": topic, "partition_result": rows})
    decision.answer = build("ElectLeaders", "response", version, replica_election_results=results)
    return decision


def refuse_type(request: Message, version: int) -> Decision:
    """The answer to an election type that does not exist."""
    error = InvalidRequest(f"Unknown election type {request.election_type}")
    results = [
        {"topic": topic.topic, "partition_result": [_row(index, error) for index in topic.partitions]}
        for topic in request.topic_partitions or ()
    ]
    return Decision(answer=build("ElectLeaders", "response", version, error_code=error.code, replica_election_results=results))


def _row(index: int, error: KafkaError | None) -> dict[str, Any]:
    return {
        "partition_id": index,
        "error_code": error.code if error else ErrorCode.none,
        "error_message": error.message if error else None,
    }


def _elect(view: View, decision: Decision, topic: str, index: int, election: str) -> KafkaError | None:
    known = view.image.topics.get(topic)
    if known is None:
        return UnknownTopicOrPartition(f"No such topic as {topic}")
    partition = known.partitions.get(index)
    if partition is None:
        return UnknownTopicOrPartition(f"No such partition as {topic}-{index}")
    if partition.leader == partition.replicas[0] if election == PREFERRED else partition.leader >= 0:
        return ElectionNotNeeded("Leader election not needed for topic partition.")
    rules = Rules(
        may_lead=view.is_active,
        min_isr=view.min_isr(topic, partition),
        elr_enabled=view.elr_enabled,
        election=election,
    )
    change = leader_election.change(partition, (known.id, index), rules)
    if change is None:
        if election == PREFERRED:
            return PreferredLeaderNotAvailable("The preferred leader was not available.")
        return EligibleLeadersNotAvailable("Eligible topic partition leaders are not available.")
    apply_change(decision, (topic, index, partition), change)
    return None


def balance(view: View) -> Decision:
    """Give leadership back to preferred replicas that are in sync (auto.leader.rebalance.enable)."""
    decision = Decision()
    names = ("auto.leader.rebalance.enable", "leader.imbalance.check.interval.seconds")
    configs = {name: view.config[name] for name in names}
    for topic, index, partition in view.partitions():
        if len(decision.records) >= ELECTIONS_PER_PASS_MAX:
            break
        if partition.leader == partition.replicas[0] or partition.replicas[0] not in partition.isr:
            continue
        rules = Rules(
            may_lead=view.is_active,
            min_isr=view.min_isr(topic, partition),
            elr_enabled=view.elr_enabled,
            election=PREFERRED,
        )
        change = leader_election.change(partition, (view.image.topics[topic].id, index), rules)
        if change:
            apply_change(decision, (topic, index, partition), change, configs=configs)
    return decision


def lead_uncleanly(view: View) -> Decision:
    """Partitions without a leader whose topic allows any replica to lead: after unclean.leader.election.enable was set."""
    decision = Decision()
    for topic, index, _ in view.leaderless():
        if view.unclean_allowed(topic) and len(decision.records) < ELECTIONS_PER_PASS_MAX:
            _elect(view, decision, topic, index, UNCLEAN)
    return decision
