"""Brokers go and come back, in good order or by SIGKILL: a leader, the controller, both at once, one after the other."""

import pytest

from tests.scenarios.stage import Stage


@pytest.mark.parametrize("by", ["stop", "kill"])
def test_a_leader_goes_and_comes_back(tmp_path, by):
    with Stage(tmp_path) as stage:
        stage.bounce(stage.leader_of_most(besides=stage.controller()), by=by)


@pytest.mark.parametrize("by", ["stop", "kill"])
def test_the_controller_goes_and_comes_back(tmp_path, by):
    with Stage(tmp_path) as stage:
        was = stage.controller()
        stage.bounce(was, by=by)
        assert stage.controller() != was


@pytest.mark.parametrize("by", ["stop", "kill"])
def test_a_leader_and_the_controller_go_at_once_and_come_back(tmp_path, by):
    with Stage(tmp_path) as stage:  # two of three voters: until one is back nothing can be written
        controller = stage.controller()
        stage.bounce(controller, stage.leader_of_most(besides=controller), by=by)


def test_a_rolling_restart_in_good_order_is_hardly_noticed(tmp_path):
    with Stage(tmp_path) as stage:
        for broker in (1, 2, 3):
            stage.bounce(broker, by="stop")
        assert stage.since(0, "SessionExpired") == []  # everyone said goodbye


def test_a_rolling_bounce_by_kill(tmp_path):
    with Stage(tmp_path) as stage:
        for broker in (1, 2, 3):
            stage.bounce(broker, by="kill")
        assert len(stage.since(0, "SessionExpired")) >= 3
