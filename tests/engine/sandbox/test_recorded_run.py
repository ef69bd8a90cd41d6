"""fold(snapshot, frames) is the fresh snapshot: over a run recorded from the real cluster, with a kill, a crash and rebalances."""

import json
import pathlib

from engine.sandbox.apply import apply_frame

RUN = json.loads((pathlib.Path(__file__).parents[2] / "shared" / "recorded_run.json").read_text())
HAPPENED = {"BrokerKilled", "BrokerFenced", "LeaderElected", "BrokerStarted", "BrokerStopped", "ControllerElected", "MemberSessionExpired", "GroupRebalanced"}


def test_a_recorded_run_folds_to_the_fresh_snapshot():
    picture = RUN["before"]
    for frame in RUN["frames"]:
        assert frame["from"] == picture["number"], "no gap"
        picture = apply_frame(picture, frame)
    assert {fact["kind"] for frame in RUN["frames"] for fact in frame["facts"]} >= HAPPENED
    assert picture == RUN["after"]
