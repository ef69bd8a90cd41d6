"""The ledger finds each kind of broken promise, and nothing where there is none."""

import pytest

from tests.scenarios.ledger import Findings, compare, values_of

GOOD = [(0, 0, b"1"), (0, 1, b"3"), (1, 0, b"2")]


@pytest.mark.parametrize(
    ("acked", "reads", "findings"),
    [
        ({0: [b"1", b"3"], 1: [b"2"]}, GOOD, Findings()),
        ({0: [b"1"]}, GOOD, Findings()),  # more was read than was acknowledged: its acknowledgement was lost, no more
        ({0: [b"1", b"3", b"5"]}, GOOD, Findings(lost=1)),
        ({2: [b"4"]}, GOOD, Findings(lost=1)),
        ({}, [*GOOD, (0, 2, b"3")], Findings(duplicated=1)),
        ({}, [*GOOD, (1, 1, b"0")], Findings(reordered=1)),
        ({}, [*GOOD, (0, 3, b"5")], Findings(skipped=1)),
        ({}, [*GOOD, (0, 1, b"4")], Findings(changed=1)),
        ({}, [*GOOD, (0, 1, b"3")], Findings(reread=1)),
    ],
)
def test_what_is_found(acked, reads, findings):
    assert compare(acked, reads) == findings
    assert set(findings.broken) == {name for name in ("lost", "duplicated", "reordered", "skipped", "changed") if getattr(findings, name)}


def test_values_by_offset():
    assert values_of([(0, 1, b"b"), (1, 0, b"x"), (0, 0, b"a"), (0, 1, b"b")], 0) == [b"a", b"b"]
