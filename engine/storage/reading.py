"""Reading a log: which bytes of which segment answer a fetch. Whole batches only, of one segment at a time.

Kafka cuts the last batch where the byte limit falls; here the cut is between batches, so that `next_offset` is exact.
"""

from bisect import bisect_right
from typing import NamedTuple

from engine.protocol.record_batch import HEADER_BYTES, read_header
from engine.storage.segment import Segment
from engine.storage.tail import Tail
from engine.world.disk import FileSlice

RESUMES_KEPT = 64  # consumers that read old records in order, each found again without an index lookup


class LogSlice(NamedTuple):
    """Whole batches, as parts to send; bytes are few. `next_offset`: where the next read goes on."""

    parts: list[FileSlice | bytes]
    size: int
    next_offset: int

    def read(self) -> bytes:
        """The bytes themselves."""
        return b"".join(part if isinstance(part, bytes) else part.read() for part in self.parts)


class Reader:
    """Looks at a log's segments and tail; owns only its memory of where readers stopped."""

    def __init__(self, segments: list[Segment], tail: Tail) -> None:
        self._segments = segments
        self._tail = tail
        self._resumes: dict[int, tuple[Segment, int]] = {}  # next offset -> where its batch begins

    def forget(self) -> None:
        """Batches went away: truncation, deletion."""
        self._resumes.clear()

    def read(self, offset: int, *, bytes_max: int, upper: int, end_offset: int, at_least_one: bool) -> LogSlice:
        """Batches from the one that holds `offset`, all of them below `upper`; `end_offset` is the log's."""
        if offset >= upper or offset >= end_offset:
            return LogSlice([], 0, offset)
        offsets, newest = self._tail.offsets, self._tail.newest
        if newest and offset >= offsets[-1] and upper >= end_offset and (at_least_one or len(newest) <= bytes_max):
            return LogSlice([newest], len(newest), end_offset)
        if not offsets or offset < offsets[0]:
            return self._read_old(offset, bytes_max, upper, end_offset, at_least_one)
        positions, file = self._tail.positions, self._segments[-1].file
        first = bisect_right(offsets, offset) - 1
        start = positions[first]
        if upper >= end_offset:
            end, next_offset = file.size, end_offset
        else:
            last = bisect_right(offsets, upper) - 1
            end, next_offset = positions[last], offsets[last]
        if end - start > bytes_max:
            last = bisect_right(positions, start + bytes_max) - 1
            if last <= first:
                if not at_least_one or end == start:
                    return LogSlice([], 0, offset)
                last = first + 1
            if last < len(positions):
                end, next_offset = positions[last], offsets[last]
        if end <= start:
            return LogSlice([], 0, offset)
        return LogSlice([file.slice(start, end - start)], end - start, next_offset)

    def _read_old(self, offset: int, bytes_max: int, upper: int, end_offset: int, at_least_one: bool) -> LogSlice:
        segment, start = self._find(offset)
        end = self._end_below(segment, upper)
        if end - start > bytes_max:
            cut = segment.boundary_before(start, start + bytes_max)
            if cut == start and at_least_one:
                cut = start + read_header(segment.file.read(start, HEADER_BYTES)).size
            end = min(end, cut)
        if end <= start:
            return LogSlice([], 0, offset)
        if end < segment.size:
            next_offset = read_header(segment.file.read(end, HEADER_BYTES)).base_offset
            self._remember(next_offset, segment, end)
        else:
            number = self._segments.index(segment) + 1
            next_offset = self._segments[number].base_offset if number < len(self._segments) else end_offset
        return LogSlice([segment.file.slice(start, end - start)], end - start, next_offset)

    def _find(self, offset: int) -> tuple[Segment, int]:
        """The batch that holds `offset`, or the next one when compaction took it."""
        resume = self._resumes.pop(offset, None)
        if resume is not None:
            return resume
        number = bisect_right(self._segments, offset, key=lambda segment: segment.base_offset) - 1
        for segment in self._segments[max(number, 0) :]:
            found = segment.locate(offset)
            if found is not None:
                return segment, found.position
        return self._segments[-1], self._segments[-1].size

    def _end_below(self, segment: Segment, upper: int) -> int:
        """Where in the segment the batches below `upper` end."""
        number = self._segments.index(segment) + 1
        following = self._segments[number].base_offset if number < len(self._segments) else segment.next_offset
        if upper >= following:
            return segment.size
        found = segment.locate(upper)
        return found.position if found else segment.size

    def _remember(self, next_offset: int, segment: Segment, position: int) -> None:
        if len(self._resumes) >= RESUMES_KEPT:
            del self._resumes[next(iter(self._resumes))]
        self._resumes[next_offset] = (segment, position)
