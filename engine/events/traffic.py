"""What happens thousands of times a second, counted and sampled: appends, fetches, commits.

Hot code only bumps a counter. The node takes a sample ten times a second, while something moves, and sends it to the host.
"""

from collections.abc import Callable
from typing import Any

SAMPLE_MS = 100  # twice the rate of frames would be waste; half of it looks choppy

Count = dict[tuple[str, str, int], list[int]]


class Traffic:
    """Counters since the last sample; keys are (client id, topic, partition), values [records, bytes].

    `on_first` hears of the first append, fetch or commit since then; requests alone are no hurry.
    """

    def __init__(self) -> None:
        self.on_first: Callable[[], None] = lambda: None
        self._is_quiet = True
        self._appended: Count = {}
        self._fetched: Count = {}
        self._committed: dict[tuple[str, str, int], int] = {}
        self._requests: dict[str, int] = {}

    def appended(self, client: str, topic: str, partition: int, records: int, size: int) -> None:
        """A producer's records were appended on their leader."""
        if self._is_quiet:
            self._stir()
        _bump(self._appended, (client, topic, partition), records, size)

    def fetched(self, client: str, topic: str, partition: int, records: int, size: int) -> None:
        """A consumer (not a follower) was sent records, up to an offset; `records` may be an estimate."""
        if self._is_quiet:
            self._stir()
        _bump(self._fetched, (client, topic, partition), records, size)

    def committed(self, group: str, topic: str, partition: int, offset: int) -> None:
        """A group's offset was committed; `offset` -1: deleted."""
        if self._is_quiet:
            self._stir()
        self._committed[group, topic, partition] = offset

    def requested(self, api: str) -> None:
        """A request was served."""
        self._requests[api] = self._requests.get(api, 0) + 1

    def _stir(self) -> None:
        self._is_quiet = False
        self.on_first()

    def take(self) -> dict[str, Any]:
        """The counters since the last take, as JSON values; forgets them.

        {"appended": [[client, topic, partition, records, bytes]], "fetched": [...], "committed": [[group, topic, partition, offset]],
        "requests": {api: count}}
        """
        sample = {
            "appended": [[*key, *count] for key, count in sorted(self._appended.items())],
            "fetched": [[*key, *count] for key, count in sorted(self._fetched.items())],
            "committed": [[*key, offset] for key, offset in sorted(self._committed.items())],
            "requests": dict(sorted(self._requests.items())),
        }
        self._appended, self._fetched, self._committed, self._requests = {}, {}, {}, {}
        self._is_quiet = True
        return sample


def _bump(counts: Count, key: tuple[str, str, int], records: int, size: int) -> None:
    count = counts.get(key)
    if count is None:
        counts[key] = [records, size]
    else:
        count[0] += records
        count[1] += size
