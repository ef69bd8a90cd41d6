"""An idempotent producer's records stand in each partition in the order in which it sent them.

Jepsen's nonmonotonic-send, KIP-98: whatever was retried, and however many were on their way at once. One gap is Kafka's own: a log that
knows nothing of a producer takes any sequence of it (KIP-360), so the first records of a pipeline may be refused and the next ones taken.
What is older than all that the log had of its producer may stand behind it. And what was unsettled when another record was given up is sent
again under a new epoch.
"""

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import Place, place_of, was_unsettled_at_a_new_epoch
from tests.simulation.history import ALL, Sent
from tests.simulation.record import Record

SENTENCE = "a producer's records stand in a partition in the order of its sends"


def check(record: Record) -> None:
    """Walks each partition's log with every producer's numbers in mind."""
    sends: dict[tuple[Place, bytes], Sent] = {(place_of(one), one.value): one for one in record.history.of(Sent) if one.acks == ALL}
    for place, entries in record.history.final.items():
        last: dict[str, tuple[int, Sent]] = {}
        first: dict[str, int] = {}
        for offset, value in entries:
            sent = sends.get((place, value))
            if sent is None:
                continue
            before = last.get(sent.producer)
            begin = first.setdefault(sent.producer, sent.number)
            if before is not None and begin <= sent.number < before[1].number and not was_unsettled_at_a_new_epoch(record, sent):
                raise Anomaly("reordered_send", SENTENCE, f"at {before[0]}: {before[1]}", f"at {offset}: {sent}")
            last[sent.producer] = offset, sent
