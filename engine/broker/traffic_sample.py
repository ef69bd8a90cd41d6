"""Ten times a second: what has moved on this node since the last look, as JSON values for the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.broker.node import Node

SEGMENTS_TOLD_MAX = 200  # per partition; nobody draws more


class TrafficSample:
    """Remembers what was told. The first sample tells everything."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._offsets: dict[tuple[str, int], tuple[int, int, int]] = {}
        self._epochs: dict[tuple[str, int], list[list[int]]] = {}
        self._segments: dict[tuple[str, int], list[int]] = {}
        self._log_bytes = -1
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
        log_bytes, places = 0, set()
        for partition in self._node.hosted_partitions():
            log, place = partition.log, (partition.topic, partition.index)
            places.add(place)
            log_bytes += log.size
            offsets = (log.log_end_offset, log.high_watermark, log.log_start_offset)
            if self._offsets.get(place) != offsets:
                self._offsets[place] = offsets
                _put(sample, "offsets", place, list(offsets))
                _put(sample, "sizes", place, log.size)
                self._look_at_segments(sample, place, log)
            epochs = [list(entry) for entry in log.epochs.entries]
            if self._epochs.get(place) != epochs:
                self._epochs[place] = epochs
                _put(sample, "epochs", place, epochs)
        self._log_bytes = log_bytes
        for gone in self._offsets.keys() - places:
            for remembered in (self._offsets, self._epochs, self._segments):
                remembered.pop(gone, None)

    def _look_at_segments(self, sample: dict[str, Any], place: tuple[str, int], log: Any) -> None:
        segments = log.segments()[-SEGMENTS_TOLD_MAX:]
        bases = [segment.base_offset for segment in segments]
        if self._segments.get(place) != bases:
            self._segments[place] = bases
            _put(sample, "segments", place, [[segment.base_offset, segment.size] for segment in segments])

    def _quorum_now(self) -> dict[str, Any] | None:
        """From the active controller only, which alone knows how far the others are."""
        node = self._node
        if not node.controller.active:
            return None
        return {"high_watermark": node.raft.high_watermark, "ends": {str(id): end for id, end in sorted(node.raft.ends().items())}}


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
