"""Adds up the traffic samples of all nodes until a frame takes them: the newest offsets, the sums of what was moved."""

from typing import Any

Sample = dict[str, Any]


class TrafficSum:
    """What one frame will carry as `traffic`; empty tables are left out."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, dict[str, Any]]] = {}
        self._latest: dict[str, dict[str, Any]] = {}
        self._counts: dict[str, dict[tuple[str, str, int], list[int]]] = {}
        self._committed: dict[tuple[str, str, int], int] = {}
        self._requests: dict[str, dict[str, int]] = {}
        self._quorum: dict[str, Any] = {}

    def add(self, sample: Sample) -> None:
        """A node's sample of about a tenth of a second."""
        node = str(sample["node"])
        for table in ("offsets", "sizes", "segments"):
            for topic, partitions in (sample.get(table) or {}).items():
                for partition, value in partitions.items():
                    self._tables.setdefault(table, {}).setdefault(topic, {}).setdefault(partition, {})[node] = value
        for topic, partitions in (sample.get("epochs") or {}).items():
            self._tables.setdefault("epochs", {}).setdefault(topic, {}).update(partitions)
        if sample.get("log_bytes") is not None:
            self._latest.setdefault("log_bytes", {})[node] = sample["log_bytes"]
        if sample.get("heartbeat") is not None:
            self._latest.setdefault("heartbeats", {})[node] = sample["heartbeat"]
        if quorum := sample.get("quorum"):
            self._quorum = {"high_watermark": quorum["high_watermark"], "ends": dict(quorum["ends"])}
        self._add_counts(node, sample)

    def _add_counts(self, node: str, sample: Sample) -> None:
        for table in ("appended", "fetched"):
            for client, topic, partition, records, size in sample.get(table) or ():
                count = self._counts.setdefault(table, {}).setdefault((client, topic, partition), [0, 0])
                count[0] += records
                count[1] += size
        for group, topic, partition, offset in sample.get("committed") or ():
            self._committed[group, topic, partition] = offset
        for api, count in (sample.get("requests") or {}).items():
            served = self._requests.setdefault(node, {})
            served[api] = served.get(api, 0) + count

    def report(self, client: str, report: dict[str, Any]) -> None:
        """How one of the playground's clients fares."""
        self._latest.setdefault("reports", {})[client] = report

    def take(self) -> Sample:
        """Everything since the last take; forgets it."""
        traffic: Sample = {**self._tables, **self._latest}
        for table, counts in self._counts.items():
            traffic[table] = [[*key, *count] for key, count in counts.items()]
        if self._committed:
            traffic["committed"] = [[*key, offset] for key, offset in self._committed.items()]
        if self._requests:
            traffic["requests"] = self._requests
        if self._quorum:
            traffic["quorum"] = self._quorum
        self.__init__()  # type: ignore[misc]
        return traffic
