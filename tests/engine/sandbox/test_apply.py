"""The fold in Python: the shared cases, and that nothing is changed in place."""

import copy
import json
import pathlib

import pytest

from engine.events.facts import FACTS
from engine.sandbox.apply import FOLDS, apply, apply_frame
from engine.sandbox.apply_traffic import apply_traffic

CASES = json.loads((pathlib.Path(__file__).parents[2] / "shared" / "apply_cases.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_shared_case(case):
    before = copy.deepcopy(case["before"])
    after = apply(before, case["fact"]) if "fact" in case else apply_traffic(before, case["traffic"])
    assert after == case["after"]
    assert before == case["before"], "a snapshot is never changed"


def test_every_fold_has_a_case_and_is_a_fact():
    assert set(FOLDS) <= set(FACTS)
    assert set(FOLDS) <= {case["fact"]["kind"] for case in CASES if "fact" in case}


def test_a_frame_is_its_facts_then_its_traffic():
    born = next(case for case in CASES if case["name"].startswith("a topic, sorted"))
    frame = {"facts": [born["fact"]], "traffic": {"offsets": {"orders": {"0": {"1": [5, 4, 0]}}}}, "at_ms": 77}
    after = apply_frame(born["before"], frame)
    assert after["at_ms"] == 77
    assert after["clusters"][0]["topics"][0]["partitions"][0]["high_watermark"] == 4
