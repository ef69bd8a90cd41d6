"""A quorum and a controller that are wrong: votes, commits, elections, and what they tell of them."""

from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from engine.controller import controller, leader_election, partitions
from engine.events.facts import IsrExpanded
from engine.metadata import image
from engine.quorum import raft_answers
from engine.quorum.election_store import ElectionStore
from engine.quorum.voters import Voters

Wrong = AbstractContextManager[Any]


def commit_before_majority() -> Wrong:
    """The leader of the metadata log holds for committed what only one voter has."""
    return patch.object(Voters, "reached_by_majority", lambda self, offsets: max(offsets.get(voter, 0) for voter in self.ids))


def vote_given_twice() -> Wrong:
    """A voter gives its vote in an epoch to everybody who asks."""
    decide = raft_answers.can_grant

    def generous(role: Any, candidate: int, *, pre_vote: bool, **rest: Any) -> bool:
        unvoted = replace(role, voted=None) if role.voted is not None and role.name in ("Unattached", "Prospective") else role
        return decide(unvoted, candidate, pre_vote=pre_vote, **rest)

    return patch.object(raft_answers, "can_grant", generous)


def vote_is_forgotten() -> Wrong:
    """A voter does not remember its vote, nor its epoch, when it starts again."""
    return patch.object(ElectionStore, "load", lambda self: None)


def anybody_gets_a_vote() -> Wrong:
    """A voter does not ask whether the candidate's log has everything that its own has."""
    return patch.object(raft_answers, "is_log_up_to_date", lambda **_: True)


def epoch_not_raised() -> Wrong:
    """An election leaves the partition's leader epoch as it was."""
    change = image.changed_partition

    def same_epoch(before: Any, record: Any) -> Any:
        return replace(change(before, record), leader_epoch=before.leader_epoch)

    stack = ExitStack()
    stack.enter_context(patch.object(image, "changed_partition", same_epoch))
    stack.enter_context(patch.object(partitions, "changed_partition", same_epoch))
    return stack


def elected_outside_of_the_isr() -> Wrong:
    """The controller lets replicas lead that are not in sync, and does not call it unclean."""
    change = leader_election.change

    def behind_first(partition: Any, isr: Any, elr: Any, rules: Any) -> tuple[int, bool]:
        if partition.leader in isr and rules.may_lead(partition.leader):
            return partition.leader, False
        runs = sorted((replica in isr, replica) for replica in partition.replicas if rules.may_lead(replica))
        return (runs[0][1], not runs[0][0]) if runs else (leader_election.NO_LEADER, False)

    def silently(*args: Any, **rest: Any) -> Any:
        made = change(*args, **rest)
        if made is None or made.how != "unclean":
            return made
        return replace(made, how="in-sync", record=replace(made.record, leader_recovery_state=-1))

    stack = ExitStack()
    stack.enter_context(patch.object(leader_election, "elect", behind_first))
    stack.enter_context(patch.object(leader_election, "change", silently))
    return stack


def facts_without_causes() -> Wrong:
    """The controller tells what it did and not why."""
    tell = controller.tell_all

    def silent(journal: Any, tellings: Any) -> Any:
        for telling in tellings:
            telling.because = ()
        return tell(journal, tellings)

    return patch.object(controller, "tell_all", silent)


def expansion_not_told() -> Wrong:
    """The controller does not tell that a replica came back into the ISR."""
    tell = controller.tell_all

    def forgetful(journal: Any, tellings: Any) -> Any:
        return tell(journal, [telling for telling in tellings if not isinstance(telling.fact, IsrExpanded)])

    return patch.object(controller, "tell_all", forgetful)
