"""Placement: racks first, then brokers; never a fenced leader."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.controller.placement import Candidate, Placer
from engine.protocol.errors import InvalidReplicationFactor
from engine.world.chance import Chance


def candidates(racks, fenced=()):
    return [Candidate(id=number, rack=rack, fenced=number in fenced) for number, rack in enumerate(racks, start=1)]


@pytest.mark.parametrize("seed", range(5))
def test_each_partition_has_every_rack_and_each_broker_leads_as_often(seed):
    placer = Placer(candidates(["a", "b", "c"]), Chance(seed))
    placed = [placer.place(3) for _ in range(6)]
    assert all(sorted(replicas) == [1, 2, 3] for replicas in placed)
    assert Counter(replicas[0] for replicas in placed[:3]) == {1: 1, 2: 1, 3: 1}
    assert max(Counter(replicas[0] for replicas in placed).values()) <= 3


@given(
    racks=st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=9),
    seed=st.integers(0, 1000),
    factor=st.integers(1, 9),
    fenced=st.sets(st.integers(1, 9)),
)
def test_whatever_the_cluster(racks, seed, factor, fenced):
    brokers = candidates(racks, fenced)
    placer = Placer(brokers, Chance(seed))
    unfenced = {broker.id for broker in brokers if not broker.fenced}
    if factor > len(racks) or not unfenced:
        with pytest.raises(InvalidReplicationFactor):
            placer.place(factor)
        return
    for _ in range(12):
        replicas = placer.place(factor)
        assert len(replicas) == len({*replicas}) == factor
        assert replicas[0] in unfenced


@given(seed=st.integers(0, 1000), partitions=st.integers(1, 30))
def test_replicas_of_a_partition_stand_in_different_racks_while_there_are_enough(seed, partitions):
    racks = ["a", "a", "b", "b", "c", "c"]
    placer = Placer(candidates(racks), Chance(seed))
    for _ in range(partitions):
        assert len({racks[broker - 1] for broker in placer.place(3)}) == 3


def test_fenced_brokers_come_last():
    for seed in range(20):
        placer = Placer(candidates([None] * 4, fenced={4}), Chance(seed))
        assert all(4 not in placer.place(3) for _ in range(3))


def test_too_few_brokers_in_kafkas_words():
    with pytest.raises(InvalidReplicationFactor) as refused:
        Placer(candidates(["a", "b", "c"]), Chance(1)).place(4)
    assert refused.value.message == (
        "The target replication factor of 4 cannot be reached because only 3 broker(s) are registered or some brokers have "
        "all their log directories cordoned."
    )
