"""Every cause that a fact names was told before it, and what never happens by itself names one."""

from tests.simulation.anomaly import Anomaly
from tests.simulation.record import Record

SENTENCE = "a fact's causes exist and come earlier"

# (kind, reason): what only follows from another fact of the same node.
FOLLOWS = {
    ("BrokerFenced", "session"),
    ("IsrShrunk", "fenced"),
    ("MemberLeft", "session expired"),
    ("ControllerElected", None),
}


def check(record: Record) -> None:
    """Reads all facts in their order."""
    told: set[str] = set()
    for fact in record.universe.facts:
        unknown = [cause for cause in fact.get("causes", ()) if cause not in told]
        if unknown:
            raise Anomaly("causes_come_earlier", SENTENCE, fact, f"nobody told before: {unknown}")
        if not fact.get("causes") and (fact["kind"], fact.get("reason")) in FOLLOWS:
            raise Anomaly("causes_come_earlier", SENTENCE, fact, "it names no cause")
        told.add(fact.get("id", ""))
