"""No lost write: what acks=all acknowledged stands in the log in the end.

Jepsen's lost-write. A topic's deletion and DeleteRecords take records by order; where the plan may lose (an unclean election, a
power cut of all replicas, a broken disk) each loss needs the fact that explains it.
"""

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import keep_time, unexplained_losses
from tests.simulation.history import ALL
from tests.simulation.record import Record

SENTENCE = "what acks=all acknowledged stands in the log in the end"
look = keep_time


def check(record: Record) -> None:
    """Looks every acknowledged record up."""
    for one, instead in unexplained_losses(record, ALL):
        raise Anomaly("lost_write", SENTENCE, one, instead)
