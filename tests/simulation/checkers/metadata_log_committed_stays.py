"""What any node holds for committed in the metadata log is the same on all nodes and for ever."""

from dataclasses import dataclass, field
from typing import Any

from engine.protocol.record_batch import read_header
from tests.simulation.anomaly import Anomaly
from tests.simulation.checkers.evidence import batches_of
from tests.simulation.record import Record

SENTENCE = "what is committed in the metadata log stays, and is the same for all"


@dataclass(slots=True)
class Watch:
    """`batches`: base offset -> bytes of all that any node held for committed. `seen`: how far each incarnation was read."""

    batches: dict[int, bytes] = field(default_factory=dict)
    seen: dict[tuple[int, int], int] = field(default_factory=dict)
    end: int = 0


def look(record: Record) -> None:
    """Reads what has become committed on each node since the last look."""
    watch = record.notes.setdefault("metadata_log_committed_stays", Watch())
    for number, node in sorted(record.universe.nodes.items()):
        if node.raft is None or not _is_readable(record, number):
            continue
        key = number, node.spec.incarnation
        begin, end = watch.seen.get(key, 0), node.raft.high_watermark
        if end > begin:
            watch.seen[key] = end
            _compare(watch, number, node.metadata_log, begin, end)


def check(record: Record) -> None:
    """Reads every node's log once more from its beginning: what was committed may have been cut since."""
    watch = record.notes.setdefault("metadata_log_committed_stays", Watch())
    look(record)
    for number, node in sorted(record.universe.nodes.items()):
        end = node.raft.high_watermark if node.raft is not None else 0
        if end:
            _compare(watch, number, node.metadata_log, 0, end)
    furthest = max((node.raft.high_watermark for node in record.universe.nodes.values() if node.raft is not None), default=0)
    if record.healed and furthest < watch.end:
        raise Anomaly("metadata_log_committed_stays", SENTENCE, f"it was committed up to {watch.end}, in the end up to {furthest}")


def _is_readable(record: Record, number: int) -> bool:
    """To read from a disk that fails would be the end of the node, and by our hand."""
    return not record.universe.disk_of(number).failing_reads


def _compare(watch: Watch, number: int, log: Any, begin: int, end: int) -> None:
    offset = begin
    for batch in batches_of(log, begin, end):
        header = read_header(batch)
        known = watch.batches.setdefault(header.base_offset, batch)
        if known != batch:
            where = f"offset {header.base_offset}, node {number}"
            raise Anomaly("metadata_log_committed_stays", SENTENCE, where, f"here: {batch!r}", f"before: {known!r}")
        offset = header.next_offset
    if offset < end:
        raise Anomaly("metadata_log_committed_stays", SENTENCE, f"node {number} knows it committed up to {end} and has it up to {offset}")
    watch.end = max(watch.end, end)
