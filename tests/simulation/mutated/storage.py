"""A log that is wrong: what it knows of idempotent producers, what it tells them, how it comes back."""

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from engine.quorum.metadata_log import MetadataLog
from engine.storage import producer_window
from engine.storage.partition_log import PartitionLog
from engine.storage.producer_window import ProducerWindow
from engine.storage.segment import Segment
from tests.simulation.mutated.lying import Lying

Wrong = AbstractContextManager[Any]


def duplicate_window_off() -> Wrong:
    """A batch that an idempotent producer sends again is appended again."""
    return patch.object(ProducerWindow, "check", lambda self, header, **_: None)


def sequences_are_not_checked() -> Wrong:
    """A batch of an idempotent producer is taken although the one before it is missing."""
    return patch.object(producer_window, "check_sequence", lambda producer, header: None)


def duplicate_is_told_another_offset() -> Wrong:
    """A batch that stands in the log already is acknowledged with the log's end."""
    tell = PartitionLog._duplicate

    def at_the_end(self: PartitionLog, *args: Any) -> Any:
        return tell(self, *args)._replace(base_offset=self.log_end_offset)

    return patch.object(PartitionLog, "_duplicate", at_the_end)


def torn_tail_not_cut() -> Wrong:
    """Recovery leaves what a power cut tore off at the end of a log, and appends behind it."""
    rebuild = Segment.rebuild

    def leaving(self: Segment, until: int | None) -> Any:
        file, self._file = self.file, Lying(self.file, truncate=lambda size: None)
        try:
            yield from rebuild(self, until)
        finally:
            self._file = file

    return patch.object(Segment, "rebuild", leaving)


def metadata_log_not_synced() -> Wrong:
    """Records of the metadata log count as on disk before they are."""

    begin = MetadataLog.__init__
    return patch.object(MetadataLog, "__init__", lambda self, log: begin(self, Lying(log, sync=lambda: None)))
