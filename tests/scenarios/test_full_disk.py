"""One broker's disk is full under load: it halts and says why, the others go on, and with room again it comes back."""

import pathlib
import resource

import pytest

from tests.scenarios.stage import Stage

ROOM = 30_000  # bytes more than its largest file has

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux can limit the files of a running process")


def fill(stage, broker):
    """From now on its files hardly grow."""
    pid = next(each["pid"] for each in stage.picture()["brokers"] if each["id"] == broker)
    files = pathlib.Path(stage.folder, f"node-{broker}").rglob("*.log")
    room = max(file.stat().st_size for file in files) + ROOM
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (room, room))


@pytest.mark.parametrize("victim", [Stage.controller, Stage.leader_of_most], ids=["controller", "leader"])
def test_a_full_disk_halts_one_broker_and_nothing_acknowledged_is_lost(tmp_path, victim):
    with Stage(tmp_path, rate=1500) as stage:
        full, mark = victim(stage), stage.mark()
        fill(stage, full)
        stage.until(lambda picture: picture["brokers"][full - 1]["state"] == "down", within_s=30)
        stage.moved_from(full)
        stage.flows()
        [failed] = stage.since(mark, "BrokerFailed")
        [refused] = stage.since(mark, "StorageFailed")
        assert failed["broker"] == refused["node"] == full and failed["causes"] == [refused["number"]]
        assert failed["reason"] == "its log directory failed: File too large"
        stage.do(f"start broker {full}")
        stage.flows()
