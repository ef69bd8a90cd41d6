"""Every run that once broke a promise is played again: it breaks none."""

import pytest

from tests.simulation.kept import from_json, regressions
from tests.simulation.run import run


@pytest.mark.parametrize("path", regressions(), ids=lambda path: path.stem)
def test_what_was_mended_stays_mended(path):
    plan, sentence = from_json(path.read_text())
    outcome = run(plan)
    assert outcome.anomaly is None, f"was: {sentence}\n{outcome.anomaly}"
