"""Ten times a second, while something moves: what has moved on this node since the last look, as JSON values for the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.events.traffic import SAMPLE_MS

if TYPE_CHECKING:
    from engine.broker.node import Node
    from engine.storage.segmented_log import SegmentedLog
    from engine.world.clock import Timer

SEGMENTS_TOLD_MAX = 200  # per partition; nobody draws more
QUIET_MS = 500  # between samples of requests, heartbeats and the quorum, which nobody waits for
MOVING = frozenset({"offsets", "appended", "fetched", "committed"})


class TrafficSample:
    """Remembers what was told. The first sample tells everything."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._sizes: dict[SegmentedLog, int] = {}
        self._epochs: dict[SegmentedLog, list[list[int]]] = {}
        self._segments: dict[SegmentedLog, list[int]] = {}
        self._log_bytes = 0
        self._quorum: dict[str, Any] | None = None
        self._heartbeat: int | None = None

    def take(self) -> dict[str, Any] | None:
        """None when nothing has moved.

        {"node", **Traffic.take(), "offsets": {topic: {partition: [log end, high watermark, log start]}}, "sizes": {... bytes},
        "epochs": {... [[epoch, start]]}, "segments": {... [[base offset, bytes]]}, "log_bytes", "heartbeat", "quorum"}; of
        offsets, sizes, epochs and segments only what has changed.
        """
        sample: dict[str, Any] = {name: counts for name, counts in self._node.traffic.take().items() if counts}
        self._look_at_logs(sample)
        heartbeat = self._node.lifecycle.heard_at_ms
        if heartbeat != self._heartbeat:
            self._heartbeat = sample["heartbeat"] = heartbeat
        quorum = self._quorum_now()
        if quorum != self._quorum:
            self._quorum = quorum
            if quorum:
                sample["quorum"] = quorum
        return {"node": self._node.spec.node_id, "log_bytes": self._log_bytes} | sample if sample else None

    def _look_at_logs(self, sample: dict[str, Any]) -> None:
        """A thousand quiet replicas cost nothing: this comes ten times a second."""
        for log, is_ours in self._node.replicas.take_moved():
            if is_ours:
                self._tell(sample, log)
            else:
                self._log_bytes -= self._sizes.pop(log, 0)
                self._epochs.pop(log, None)
                self._segments.pop(log, None)

    def _tell(self, sample: dict[str, Any], log: SegmentedLog) -> None:
        size, place = log.size, (log.topic, log.partition)
        self._log_bytes += size - self._sizes.get(log, 0)
        self._sizes[log] = size
        _put(sample, "offsets", place, [log.log_end_offset, log.high_watermark, log.log_start_offset])
        _put(sample, "sizes", place, size)
        segments = log.segments()[-SEGMENTS_TOLD_MAX:]
        bases = [segment.base_offset for segment in segments]
        if self._segments.get(log) != bases:
            self._segments[log] = bases
            _put(sample, "segments", place, [[segment.base_offset, segment.size] for segment in segments])
        epochs = [list(entry) for entry in log.epochs.entries]
        if self._epochs.get(log) != epochs:
            self._epochs[log] = epochs
            _put(sample, "epochs", place, epochs)

    def _quorum_now(self) -> dict[str, Any] | None:
        """From the active controller only, which alone knows how far the others are."""
        node = self._node
        if not node.controller.active:
            return None
        return {"high_watermark": node.raft.high_watermark, "ends": {str(id): end for id, end in sorted(node.raft.ends().items())}}


class Sampling:
    """Takes samples as long as the node lives. `tell` gets each; while `may_tell` says no, what moved is kept for the next one."""

    def __init__(self, node: Node, *, tell: Callable[[dict[str, Any]], None], may_tell: Callable[[], bool]) -> None:
        self._sample = TrafficSample(node)
        self._clock = node.clock
        self._tell = tell
        self._may_tell = may_tell
        self._quiet: Timer | None = None  # nothing moved when it was last looked
        node.traffic.on_first = node.replicas.moves.on_first = self._hurry
        self._take()

    def _take(self) -> None:
        self._quiet = None
        taken = self._sample.take() if self._may_tell() else None
        if taken:
            self._tell(taken)
        if taken and not MOVING.isdisjoint(taken):
            self._after(SAMPLE_MS)
        else:
            self._quiet = self._after(QUIET_MS)

    def _after(self, ms: float) -> Timer:
        return self._clock.call_later(ms / self._clock.factor, self._take)

    def _hurry(self) -> None:
        if self._quiet is not None:
            self._quiet.cancel()
            self._quiet = None
            self._after(SAMPLE_MS / 2)


def image_on_wire(node: Node) -> dict[str, Any]:
    """What the cluster looks like to this node: the host heals its picture with it after a restart."""
    image = node.image
    topics = [
        {
            "name": name,
            "id": str(topic.id),
            "internal": name.startswith("__"),
            "configs": dict(image.configs.get((2, name), {})),
            "partitions": [
                {
                    "partition": index,
                    "leader": partition.leader,
                    "leader_epoch": partition.leader_epoch,
                    "partition_epoch": partition.partition_epoch,
                    "replicas": list(partition.replicas),
                    "isr": list(partition.isr),
                    "elr": list(partition.elr),
                }
                for index, partition in sorted(topic.partitions.items())
            ],
        }
        for name, topic in sorted(image.topics.items())
    ]
    brokers = [{"id": broker.id, "epoch": broker.epoch, "fenced": broker.fenced} for _, broker in sorted(image.brokers.items())]
    leader = node.raft.leader_id
    return {"topics": topics, "brokers": brokers, "controller": -1 if leader is None else leader, "controller_epoch": node.raft.epoch}


def _put(sample: dict[str, Any], what: str, place: tuple[str, int], value: Any) -> None:
    sample.setdefault(what, {}).setdefault(place[0], {})[str(place[1])] = value
