"""Every checker can fail: each wrong engine is found by its checkers in a run that is right without it."""

import pytest

from tests.simulation.checkers import CHECKERS
from tests.simulation.mutations import BY_NAME, MUTATIONS, SEEDS_MAX
from tests.simulation.run import run

TRIED = 25

FOUND = [(name, checker, seed) for name, mutation in MUTATIONS.items() for checker, seed in mutation.caught_at.items()]


@pytest.mark.parametrize(("name", "checker", "seed"), FOUND, ids=[f"{name} by {checker}" for name, checker, _ in FOUND])
def test_a_wrong_engine_is_found(name, checker, seed):
    # A change of the engine moves when things happen, and with it the seed that shows this first: some later ones are tried too.
    anomalies = (MUTATIONS[name].play(later, checker).anomaly for later in range(seed, seed + TRIED))
    assert any(anomaly is not None and anomaly.checker == checker for anomaly in anomalies), f"{MUTATIONS[name].sentence} Nobody saw it."


@pytest.mark.parametrize(("name", "seed"), sorted({(name, seed) for name, _, seed in FOUND}))
def test_the_same_run_is_right_without_it(name, seed):
    assert run(MUTATIONS[name].plan(seed)).anomaly is None


def test_every_checker_finds_a_wrong_engine():
    assert {checker for _, checker, _ in FOUND} == {*BY_NAME}
    assert len(BY_NAME) == len(CHECKERS)


@pytest.mark.parametrize("name", MUTATIONS)
def test_it_says_what_is_wrong(name):
    assert MUTATIONS[name].sentence.endswith(".")
    assert all(0 < seed <= SEEDS_MAX for seed in MUTATIONS[name].caught_at.values())
