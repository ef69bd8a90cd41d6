"""Ten times a second: what has moved on this node since the last look, as JSON values for the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.broker.node import Node
    from engine.replication.partition import Partition

SEGMENTS_TOLD_MAX = 200  # per partition; nobody draws more


class TrafficSample:
    """Remembers what was told. The first sample tells everything."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._told: dict[Partition, tuple[int, int, int, int | None]] = {}  # offsets and latest epoch
        self._sizes: dict[Partition, int] = {}
        self._epochs: dict[Partition, list[list[int]]] = {}
        self._segments: dict[Partition, list[int]] = {}
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
        """Of a thousand quiet replicas only four numbers each are looked at: this comes ten times a second."""
        told, partitions = self._told, list(self._node.hosted_partitions())
        for partition in partitions:
            log = partition.log
            now = (log.log_end_offset, log.high_watermark, log.log_start_offset, log.epochs.latest)
            if told.get(partition) != now:
                told[partition] = now
                self._tell(sample, partition, list(now[:3]))
        if len(told) > len(partitions):
            for gone in told.keys() - set(partitions):
                for remembered in (told, self._sizes, self._epochs, self._segments):
                    remembered.pop(gone, None)
            self._log_bytes = sum(self._sizes.values())

    def _tell(self, sample: dict[str, Any], partition: Partition, offsets: list[int]) -> None:
        log, place = partition.log, (partition.topic, partition.index)
        size = log.size
        self._log_bytes += size - self._sizes.get(partition, 0)
        self._sizes[partition] = size
        _put(sample, "offsets", place, offsets)
        _put(sample, "sizes", place, size)
        segments = log.segments()[-SEGMENTS_TOLD_MAX:]
        bases = [segment.base_offset for segment in segments]
        if self._segments.get(partition) != bases:
            self._segments[partition] = bases
            _put(sample, "segments", place, [[segment.base_offset, segment.size] for segment in segments])
        epochs = [list(entry) for entry in log.epochs.entries]
        if self._epochs.get(partition) != epochs:
            self._epochs[partition] = epochs
            _put(sample, "epochs", place, epochs)

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
