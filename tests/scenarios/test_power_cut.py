"""Every broker is killed at the same moment under load, as by a cut of all power that spares the disks' caches."""

from tests.scenarios.stage import Stage


def test_a_power_cut_of_all_brokers_loses_nothing_acknowledged(tmp_path):
    with Stage(tmp_path, rate=600) as stage:
        for _ in range(2):
            stage.bounce(1, 2, 3)
