"""No duplicates: a record of an idempotent producer stands in the log once, however often it was sent.

Jepsen's duplicate, KIP-98. Workloads with acks=all are idempotent, the others are not. Excused is what was unsettled when the producer raised its
epoch (KIP-360) and sent it again under the new one though it may stand there already: when it had given up another record of the partition
(delivery.timeout.ms), when its very first batch was refused and a later one was taken, or when a leader that did not know yet that it was
deposed had refused a batch. Kafka promises no more.
"""

from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import offsets_of, place_of, was_unsettled_at_a_new_epoch
from tests.simulation.history import ALL, Sent
from tests.simulation.record import Record

SENTENCE = "a record of an idempotent producer stands in the log once"


def check(record: Record) -> None:
    """Counts every idempotent record."""
    found = offsets_of(record)
    for sent in record.history.of(Sent):
        offsets = found.get(place_of(sent), {}).get(sent.value, ()) if sent.acks == ALL else ()
        if len(offsets) > 1 and not was_unsettled_at_a_new_epoch(record, sent):
            raise Anomaly("duplicate", SENTENCE, sent, f"it stands at {offsets}")
