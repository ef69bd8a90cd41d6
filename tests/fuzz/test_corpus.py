"""What once harmed a broker is answered, or closes its own connection, and others go on."""

import pytest

from engine.world.virtual_loop import run_virtually
from tests.fuzz.corpus_play import FOLDER, play

ENTRIES = sorted(FOLDER.glob("*.hex"))


def test_there_is_a_corpus():
    assert len(ENTRIES) >= 10


@pytest.mark.parametrize("nodes", [1, 3])
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.stem)
def test_it_harms_nobody(entry, nodes):
    text = entry.read_text()
    tally, answers, closed = run_virtually(play(text, nodes=nodes))
    assert [finding.what for finding in tally.findings] == []
    assert closed or answers, "silence"
    if "# answered" in text:
        assert answers and not closed
