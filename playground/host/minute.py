"""The last minute, second by second: what a viewer who comes now needs to draw the charts that others have before them.

Rule: seconds are the cluster's; while its time stands, none passes. Internal topics are left out, as on the page.
"""

from collections import deque
from typing import Any

from engine.sandbox.sandbox import Sandbox
from playground.host.limits import MINUTE_SECONDS

NAME_MARK = "__"  # the names of internal topics begin so


class Minute:
    """Stands between a sandbox and the feed: frames pass through `take_frame`, and their seconds are kept."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._seconds: deque[dict[str, Any]] = deque(maxlen=MINUTE_SECONDS)

    def take_frame(self) -> dict[str, Any]:
        """The sandbox's next frame."""
        frame = self._sandbox.take_frame()
        second = frame["at_ms"] // 1000
        if not self._seconds or second > self._seconds[-1]["second"]:
            self._sum_up()
            self._seconds.append({"second": second, "produced": {}, "consumed": {}, "lag": 0})
        _count(self._seconds[-1]["produced"], frame["traffic"].get("appended") or ())
        _count(self._seconds[-1]["consumed"], frame["traffic"].get("fetched") or ())
        return frame

    def seconds(self) -> list[dict[str, Any]]:
        """Each `{second, produced: {client: {topic: records}}, consumed: the same, lag}`; the last one is not over yet."""
        self._sum_up()
        return list(self._seconds)

    def _sum_up(self) -> None:
        """Lag is asked for once a second, not with every frame: there may be thousands of partitions."""
        if self._seconds:
            self._seconds[-1]["lag"] = total_lag(self._sandbox.snapshot()["clusters"][0])


def total_lag(cluster: dict[str, Any]) -> int:
    """How many committed records all groups together have yet to read; as the page counts it."""
    ends = {topic["name"]: [one["high_watermark"] for one in topic["partitions"]] for topic in cluster["topics"]}
    return sum(
        max(0, ends[topic][int(partition)] - offset)
        for group in cluster["groups"]
        for topic, offsets in group["offsets"].items()
        for partition, offset in offsets.items()
        if int(partition) < len(ends.get(topic, ()))
    )


def _count(by_client: dict[str, dict[str, int]], moved: Any) -> None:
    for client, topic, _, records, _ in moved:
        if not topic.startswith(NAME_MARK):
            by_topic = by_client.setdefault(client, {})
            by_topic[topic] = by_topic.get(topic, 0) + records
