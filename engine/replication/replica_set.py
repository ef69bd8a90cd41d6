"""All replicas of this node: which exist, which lead, which follow whom, as the metadata image says.

Rule: the image is the only source; `start` takes all of it, `apply` what has changed since.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from uuid import UUID

from engine.events.facts import StorageFailed
from engine.events.journal import Journal
from engine.events.traffic import Traffic
from engine.metadata.configs import Config, topic_config
from engine.metadata.delta import Delta
from engine.metadata.image import MetadataImage, PartitionImage
from engine.peers.directory import Directory
from engine.protocol.errors import KafkaError, KafkaStorageError, NotLeaderOrFollower, UnknownTopicOrPartition
from engine.protocol.stored.metadata import RESOURCE_BROKER, RESOURCE_TOPIC
from engine.replication.follower import LeaderFetcher
from engine.replication.isr_changes import AlterPartition, IsrChanges
from engine.replication.log_folders import LogFolders
from engine.replication.partition import Partition, Room
from engine.storage.checkpoints import CheckpointError
from engine.storage.log_config import LogConfig
from engine.storage.partition_log import PartitionLog
from engine.storage.segmented_log import Moves, SegmentedLog
from engine.world.tasks import Cancelled
from engine.world.world import World

EXPIRE_PRODUCERS_MS = 600_000  # producer.id.expiration.check.interval.ms, which Kafka does not document

Place = tuple[str, int]  # topic, partition
TURN_MS_MAX = 5  # spent on following the image in one turn of the loop; in a simulation a turn takes no time


class ReplicaSet:
    """`on_leading` and `on_resigned` tell the coordinators. `clean`: the last stop was, so logs need no recovery."""

    def __init__(
        self,
        *,
        node_id: int,
        world: World,
        image: MetadataImage,
        directory: Directory,
        config: Config,
        journal: Journal,
        traffic: Traffic,
        folder: str,
        clean: bool,
        alter_partition: AlterPartition,
    ) -> None:
        self.node_id = node_id
        self.traffic = traffic
        self.on_leading: Callable[[Partition], None] = lambda partition: None
        self.on_resigned: Callable[[str, int], None] = lambda topic, index: None
        self._world = world
        self._image = image
        self._directory = directory
        self._config = config
        self._journal = journal
        self._isr_changes = IsrChanges(node_id=node_id, world=world, image=image, alter_partition=alter_partition)
        self._folders = LogFolders(world=world, folder=folder, journal=journal, clean=clean)
        self._room = Room(
            node_id=node_id,
            clock=world.clock,
            image=image,
            journal=journal,
            isr_changes=self._isr_changes,
            lag_ms_max=config["replica.lag.time.max.ms"],
            on_cut=self._recovery_points_fell,
        )
        self._partitions: dict[Place, Partition] = {}
        self.moves = Moves()  # of all logs here
        self._offline: set[Place] = set()
        self._fetchers: dict[int, LeaderFetcher] = {}
        self._doomed: deque[str] = deque()  # folders of replicas that are gone; a start removes those that a stop left
        self._untaken: dict[Place, None] = {}  # what the image has changed and we have not followed yet, in order
        self._running = self._points_fell = False

    # ---- finding

    def find(self, topic: str, index: int) -> Partition:
        """Raises UnknownTopicOrPartition, NotLeaderOrFollower (it is elsewhere) or KafkaStorageError (its folder is broken)."""
        found = self._partitions.get((topic, index))
        if found is not None:
            return found
        if (topic, index) in self._offline:
            raise KafkaStorageError()
        if self._image.partition(topic, index) is None:
            raise UnknownTopicOrPartition()
        raise NotLeaderOrFollower()

    def leader(self, topic: str, index: int, current_leader_epoch: int = -1) -> Partition:
        """Raises as `find`, and NotLeaderOrFollower, FencedLeaderEpoch, UnknownLeaderEpoch."""
        partition = self.find(topic, index)
        partition.lead_or_refuse(current_leader_epoch)
        return partition

    def all(self) -> list[Partition]:
        """Every replica here, in order."""
        return [self._partitions[place] for place in sorted(self._partitions)]

    def take_moved(self) -> list[tuple[SegmentedLog, bool]]:
        """Logs whose offsets, epochs or segments have changed since the last take, or that came or went; and whether they are ours."""
        return [(log, self._has(log)) for log in self.moves.take()]

    def _has(self, log: SegmentedLog) -> bool:
        found = self._partitions.get((log.topic, log.partition))
        return found is not None and found.log is log

    # ---- life

    async def start(self) -> None:
        """Opens the logs of the whole image, and begins to lead and follow. Once, when the image has caught up."""
        wanted = self._wanted()
        self._folders.open(wanted)
        try:
            for place in self._folders.to_recover(wanted):
                await self._recover(place, wanted[place])
        except Cancelled:
            self._folders.crash()
            raise
        wanted = self._wanted()  # the image has gone on meanwhile
        self._running = True
        for folder in self._folders.abandon(wanted):
            self._remove_later(folder)
        self._untaken = dict.fromkeys(sorted(wanted))
        while self._untaken:
            self._take_some()
        self._repeat(self._config["replica.lag.time.max.ms"] / 2, self._check_lag)
        self._repeat(self._config["replica.high.watermark.checkpoint.interval.ms"], self._save_high_watermarks)
        self._repeat(self._config["log.flush.offset.checkpoint.interval.ms"], self._save_recovery_points)
        self._repeat(EXPIRE_PRODUCERS_MS, self._expire_producers)

    def _wanted(self) -> dict[Place, UUID]:
        """Which replicas the image gives us: place -> topic id."""
        return {
            (topic.name, index): topic.id
            for topic in self._image.topics.values()
            for index, partition in topic.partitions.items()
            if self.node_id in partition.replicas
        }

    async def _recover(self, place: Place, topic_id: UUID) -> None:
        values = topic_config(self._image, self._config, place[0])
        try:
            await self._folders.recover(place, topic_id, LogConfig.of(values))
        except (OSError, CheckpointError, KafkaError):
            return  # opening it says it again, and what follows

    async def stop(self) -> None:
        """A clean end: who waits is told, logs are closed and the marker is written."""
        if not self._running:
            return
        self._end()
        logs = self._logs()
        for place in sorted(self._partitions):
            self._partitions[place].retire()
        own = self._image.brokers.get(self.node_id)
        self._folders.close(logs, broker_epoch=own.epoch if own else -1)
        self._partitions.clear()

    def crash(self) -> None:
        """As a kill leaves it: nothing is written any more."""
        self._end()
        for place in sorted(self._partitions):
            self._partitions[place].log.crash()
        self._partitions.clear()

    def _end(self) -> None:
        self._running = False
        self._untaken.clear()
        self._isr_changes.stop()
        for leader in sorted(self._fetchers):
            self._fetchers[leader].close()
        self._fetchers.clear()

    def _repeat(self, every_ms: float, act: Callable[[], None]) -> None:
        def ring() -> None:
            if self._running:
                act()
                self._world.clock.call_later(every_ms, ring)

        self._world.clock.call_later(every_ms, ring)

    def _check_lag(self) -> None:
        for partition in self.all():
            if partition.leading:
                partition.leading.check_lag()
                partition.leading.consider_joining()

    def _expire_producers(self) -> None:
        for partition in self.all():
            partition.log.expire_producers(self._world.clock.now_ms())

    def _logs(self) -> dict[Place, PartitionLog]:
        return {place: partition.log for place, partition in self._partitions.items()}

    def _save_high_watermarks(self) -> None:
        self._folders.save_high_watermarks(self._logs())

    def _recovery_points_fell(self) -> None:
        """As LogManager.truncateTo: a file that vouches for more than is there would have it believed after a power cut."""
        if not self._points_fell:
            self._points_fell = True
            self._world.clock.call_soon(self._save_fallen_points)

    def _save_fallen_points(self) -> None:
        self._points_fell = False
        if self._running:
            self._folders.save_recovery_points(self._logs(), durable=True)

    def _save_recovery_points(self) -> None:
        self._folders.save_recovery_points(self._logs())

    # ---- following the image

    def apply(self, delta: Delta) -> None:
        """What the replayed records have changed; the image has it already."""
        if not self._running:
            return
        for name in sorted(delta.topics_deleted):
            for index in sorted(delta.topics_deleted[name].partitions):
                self._drop((name, index), topic_id=delta.topics_deleted[name].id)
        is_under_way = bool(self._untaken)
        self._untaken.update(dict.fromkeys(sorted(delta.partitions_changed)))
        if not is_under_way:
            self._take_up()
        if delta.configs_changed:
            self._take_configs(delta.configs_changed)
        if delta.brokers_changed:
            self._take_brokers(delta.brokers_changed)

    def _take_up(self) -> None:
        """In several turns of the loop: a hundred folders made in one would keep clients, and the quorum's followers, waiting."""
        self._take_some()
        if self._untaken:
            self._world.clock.call_soon(self._take_up)

    def _take_some(self) -> None:
        begun: list[Partition] = []
        until = self._world.clock.monotonic_ms() + TURN_MS_MAX
        while self._untaken:
            place = next(iter(self._untaken))
            del self._untaken[place]
            image = self._image.partition(*place)
            if image is None or self.node_id not in image.replicas:
                self._drop(place)
            elif (partition := self._open(place)) is not None:
                self._assign(partition, image, begun)
            if self._world.clock.monotonic_ms() > until:
                break
        for partition in begun:
            self.on_leading(partition)

    def _assign(self, partition: Partition, image: PartitionImage, begun: list[Partition]) -> None:
        led, was_leader = partition.is_leader, partition.leader
        if image.leader == self.node_id:
            self._unfollow(partition, was_leader)
            if partition.lead(image):
                begun.append(partition)
            return
        changed = partition.follow(image)
        if changed:
            self._unfollow(partition, was_leader)
            if image.leader >= 0:
                self._fetcher(image.leader).add(partition)
        if led:
            self.on_resigned(partition.topic, partition.index)

    def _open(self, place: Place) -> Partition | None:
        topic_id = self._image.topics[place[0]].id
        known = self._partitions.get(place)
        if known is not None and known.topic_id == topic_id:
            return known
        if known is not None:
            self._drop(place)
        topic, index = place
        values = topic_config(self._image, self._config, topic)
        try:
            log = self._folders.log(place, topic_id, LogConfig.of(values))
        except OSError:  # the node hears of it from its log directory, and ends
            self._offline.add(place)
            return None
        except (CheckpointError, KafkaError) as error:
            self._offline.add(place)
            self._journal.emit(StorageFailed(topic=topic, partition=index, reason=str(error)))
            return None
        self._offline.discard(place)
        partition = Partition(
            room=self._room,
            topic=topic,
            index=index,
            topic_id=topic_id,
            log=log,
            min_insync_replicas=values["min.insync.replicas"],
        )
        self._partitions[place] = partition
        log.moves = self.moves
        self.moves.note(log)
        return partition

    def _drop(self, place: Place, *, topic_id: UUID | None = None) -> None:
        """The replica is not ours any more: its records go. `topic_id`: only if it is still that topic's."""
        self._offline.discard(place)
        partition = self._partitions.get(place)
        if partition is None or (topic_id is not None and partition.topic_id != topic_id):
            return
        del self._partitions[place]
        self.moves.note(partition.log)
        led = partition.is_leader
        self._unfollow(partition, partition.leader)
        partition.retire()
        self._remove_later(partition.log.delete())
        if led:
            self.on_resigned(*place)

    def _remove_later(self, folder: str) -> None:
        self._doomed.append(folder)
        if len(self._doomed) == 1:
            self._world.clock.call_soon(self._remove_some)

    def _remove_some(self) -> None:
        """In several turns, as folders are made: to unlink the files of a thousand partitions takes seconds."""
        until = self._world.clock.monotonic_ms() + TURN_MS_MAX
        while self._doomed and self._running:
            self._world.disk.remove(self._doomed[0])
            del self._doomed[0]
            if self._world.clock.monotonic_ms() > until:
                break
        if self._doomed and self._running:
            self._world.clock.call_soon(self._remove_some)

    def _fetcher(self, leader: int) -> LeaderFetcher:
        if leader not in self._fetchers:
            self._fetchers[leader] = LeaderFetcher(
                leader=leader, room=self._room, world=self._world, directory=self._directory, config=self._config
            )
        return self._fetchers[leader]

    def _unfollow(self, partition: Partition, leader: int) -> None:
        if leader in self._fetchers:
            self._fetchers[leader].remove(partition)

    def _take_configs(self, changed: Collection[tuple[int, str]]) -> None:
        broker = any(kind == RESOURCE_BROKER for kind, _ in changed)
        topics = {name for kind, name in changed if kind == RESOURCE_TOPIC}
        for partition in self.all():
            if broker or partition.topic in topics:
                values = topic_config(self._image, self._config, partition.topic)
                partition.log.config = LogConfig.of(values)
                partition.take_min_insync_replicas(values["min.insync.replicas"])

    def _take_brokers(self, changed: set[int]) -> None:
        # A quiet follower says nothing when it is unfenced, and a leader learns our new epoch only from a fetch.
        for partition in self.all():
            if partition.leading:
                partition.leading.consider_joining()
                partition.leading.check_deletions()
        if self.node_id in changed:
            for leader in sorted(self._fetchers):
                self._fetchers[leader].kick()

    def __repr__(self) -> str:
        leading = sum(partition.is_leader for partition in self._partitions.values())
        return f"<ReplicaSet node={self.node_id} replicas={len(self._partitions)} leading={leading} offline={len(self._offline)}>"
