"""Every wrong engine by name: what is wrong, which checkers must find it, in which runs, and the seed that each was first found by."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from tests.simulation import run as runs
from tests.simulation.checkers import CHECKERS
from tests.simulation.faults.draw import draw_plan
from tests.simulation.mutated import groups, metadata, replication, storage
from tests.simulation.plan import Plan
from tests.simulation.run import Outcome

SEEDS_MAX = 200  # a campaign of so many must find each
BY_NAME = {checker.__name__.rpartition(".")[2]: checker for checker in CHECKERS}

SENDING, READING, EAGER = ("acks-all",), ("acks-all", "readers"), ("group-eager",)
GROUPS = ("group-cooperative", "group-eager")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """`caught_at`: the checkers that must find it, each with the first seed whose run shows it to that checker alone.

    `loads` and `faults`: what its runs are made of, so that they are short; everything else is the seed's.
    """

    apply: Callable[[], AbstractContextManager[Any]]
    caught_at: dict[str, int]
    faults: tuple[str, ...]
    loads: tuple[str, ...] = SENDING
    seconds: float = 20
    nodes: int = 3

    @property
    def sentence(self) -> str:
        """What is wrong."""
        return (self.apply.__doc__ or "").strip()

    def plan(self, seed: int) -> Plan:
        """The seed's run."""
        if not self.faults:
            return Plan(seed=seed, seconds=self.seconds, nodes=self.nodes, steps=(), workloads=self.loads)
        return draw_plan(seed, self.seconds, workloads=self.loads, kinds=self.faults, nodes=self.nodes)

    def play(self, seed: int, checker: str) -> Outcome:
        """The seed's run with the wrong engine, before this checker alone."""
        with self.apply(), patch.object(runs, "CHECKERS", (BY_NAME[checker],)):
            return runs.run(self.plan(seed))


def hunt(name: str, first_seed: int = 1, seeds: int = SEEDS_MAX) -> dict[str, int | None]:
    """Which seed shows a mutation first to each checker that must find it; None: not one of them does."""
    mutation = MUTATIONS[name]
    found: dict[str, int | None] = {}
    for checker in mutation.caught_at:
        outcomes = ((seed, mutation.play(seed, checker).anomaly) for seed in range(first_seed, first_seed + seeds))
        found[checker] = next((seed for seed, anomaly in outcomes if anomaly is not None and anomaly.checker == checker), None)
    return found


def _named(*mutations: Mutation) -> dict[str, Mutation]:
    return {mutation.apply.__name__: mutation for mutation in mutations}


MUTATIONS: dict[str, Mutation] = _named(
    # ---- replication
    Mutation(
        apply=replication.high_watermark_ignores_a_follower,
        caught_at={"in_sync_is_caught_up": 3, "lost_write": 3},
        faults=("leader crash", "process crash"),
    ),
    Mutation(apply=replication.high_watermark_is_forgotten, caught_at={"high_watermark_never_falls": 1}, faults=("leader crash",)),
    Mutation(
        apply=replication.isr_shrink_not_awaited,
        caught_at={"in_sync_is_caught_up": 3},
        faults=("cut", "leader freeze", "one-way cut", "split", "unheard by peers"),
    ),
    Mutation(apply=replication.anybody_joins_the_isr, caught_at={"in_sync_is_caught_up": 1}, faults=("cut", "process crash")),
    Mutation(apply=replication.committed_once_appended, caught_at={"lost_write": 1}, faults=("cut", "leader crash")),
    Mutation(apply=replication.divergence_is_not_told, caught_at={"logs_are_equal": 1}, faults=("cut", "leader crash")),
    Mutation(
        apply=replication.truncation_to_the_high_watermark,
        caught_at={"in_sync_is_caught_up": 3},
        faults=("leader crash", "process crash"),
    ),
    Mutation(
        apply=replication.fetch_above_the_high_watermark,
        caught_at={"uncommitted_read": 1},
        faults=("cut", "leader crash"),
        loads=READING,
    ),
    Mutation(apply=replication.fetch_skips_a_record, caught_at={"skipped_poll": 1}, faults=("process crash",), loads=READING),
    Mutation(apply=replication.leader_write_forgotten, caught_at={"lost_leader_write": 1}, faults=("leader crash",), loads=("acks-1",)),
    Mutation(
        apply=replication.unacknowledged_write_forgotten,
        caught_at={"lost_unacknowledged": 1},
        faults=(),
        loads=("acks-0",),
        seconds=40,
    ),
    # ---- logs
    Mutation(apply=storage.duplicate_window_off, caught_at={"duplicate": 1}, faults=("breaking connections",)),
    Mutation(apply=storage.sequences_are_not_checked, caught_at={"reordered_send": 33}, faults=("leader crash", "slow link")),
    Mutation(apply=storage.duplicate_is_told_another_offset, caught_at={"inconsistent_offsets": 1}, faults=("breaking connections",)),
    Mutation(apply=storage.torn_tail_not_cut, caught_at={"logs_are_equal": 4}, faults=("machine crash",)),
    # ---- the quorum and the controller
    Mutation(
        apply=storage.metadata_log_not_synced,
        caught_at={"metadata_log_committed_stays": 2},
        faults=("machine crash", "power cut"),
    ),
    Mutation(
        apply=metadata.commit_before_majority,
        caught_at={"metadata_log_committed_stays": 3},
        faults=("controller crash", "controller freeze", "split"),
    ),
    Mutation(
        apply=metadata.vote_given_twice,
        caught_at={"one_leader_per_epoch": 60},
        faults=("controller freeze", "cut from peers", "unheard by peers"),
    ),
    Mutation(
        apply=metadata.vote_is_forgotten,
        caught_at={"leader_epochs_grow": 5},
        faults=("controller crash", "process crash", "slow link"),
        seconds=40,
    ),
    Mutation(
        apply=metadata.anybody_gets_a_vote,
        caught_at={"metadata_log_committed_stays": 2},
        faults=("controller crash", "cut", "split"),
    ),
    Mutation(
        apply=metadata.epoch_not_raised,
        caught_at={"leader_epochs_grow": 1, "one_leader_per_epoch": 1},
        faults=("leader crash",),
    ),
    Mutation(
        apply=metadata.elected_outside_of_the_isr,
        caught_at={"isr_within_replicas_and_elected_in_sync": 2},
        faults=("leader crash", "process crash"),
    ),
    Mutation(apply=metadata.facts_without_causes, caught_at={"causes_come_earlier": 1}, faults=("process crash",)),
    Mutation(apply=metadata.expansion_not_told, caught_at={"fold_equals_snapshot": 1}, faults=("process crash",)),
    # ---- groups
    Mutation(
        apply=groups.offset_commit_not_replicated,
        caught_at={"non_monotonic_poll": 1, "committed_offset_never_falls": 1},
        faults=("cut from peers", "leader crash"),
        loads=EAGER,
    ),
    Mutation(
        apply=groups.commit_of_another_generation_taken,
        caught_at={"committed_offset_never_falls": 11},
        faults=("process crash",),
        loads=GROUPS,
        seconds=60,
    ),
    Mutation(apply=groups.stale_assignment_answered, caught_at={"one_owner": 1}, faults=("preferred election",), loads=GROUPS),
    Mutation(apply=groups.generation_not_raised, caught_at={"one_owner": 1}, faults=("preferred election",), loads=GROUPS),
    Mutation(
        apply=groups.offset_stored_one_too_far,
        caught_at={"unseen_at_the_end": 1, "committed_offset_within_log": 1},
        faults=("leader crash",),
        loads=EAGER,
    ),
    Mutation(apply=groups.offsets_not_loaded, caught_at={"non_monotonic_poll": 1}, faults=("leader crash",), loads=EAGER),
)
