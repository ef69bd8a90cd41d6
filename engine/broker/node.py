"""One node: its rooms, wired together; started, stopped in good order, or crashed.

Rule: no decision is made here, only who knows whom and in which order things begin and end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.broker.connections import Connections
from engine.broker.controller_door import ControllerDoor
from engine.broker.dispatch import Dispatch
from engine.broker.fetch_sessions import FetchSessions
from engine.broker.handlers import TABLE
from engine.broker.intercept import Intercept
from engine.broker.lately_fenced import LatelyFenced
from engine.broker.lifecycle import Lifecycle
from engine.broker.metadata_follower import MetadataFollower
from engine.broker.node_spec import NodeSpec
from engine.broker.producer_ids import ProducerIds
from engine.broker.topic_creation import TopicCreation
from engine.broker.waiting import Waiting
from engine.controller.controller import Controller
from engine.coordination.shards import Shards
from engine.events.facts import StorageFailed
from engine.events.traffic import Traffic
from engine.metadata.configs import Config
from engine.metadata.delta import Delta
from engine.metadata.features import SUPPORTED_FEATURES
from engine.metadata.image import MetadataImage
from engine.peers.directory import Directory
from engine.protocol.codec import Message
from engine.protocol.stored.metadata import RESOURCE_BROKER
from engine.quorum.metadata_log import METADATA_TOPIC_ID
from engine.quorum.raft_driver import Raft
from engine.replication.replica_set import ReplicaSet
from engine.storage import checkpoints
from engine.storage.log_config import LogConfig
from engine.storage.log_directory import LogDirectory, partition_of
from engine.storage.partition_log import PartitionLog
from engine.world.tasks import Expired, Signal, spawn, within

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from engine.events.journal import Journal
    from engine.world.network import Listener
    from engine.world.tasks import Task
    from engine.world.world import World

METADATA_TOPIC = "__cluster_metadata"
OFFSETS_TOPIC = "__consumer_offsets"
RESIGN_MS_MAX = 1_000  # an election takes a quarter of it; when the others are leaving too there is none to wait for
CONTROLLER_ANSWER_MS = 5_000  # one attempt of AlterPartition or AllocateProducerIds; then it is tried again


class Node:
    """A broker, and a controller if it is one of the voters."""

    def __init__(self, *, spec: NodeSpec, world: World, journal: Journal) -> None:
        self.spec = spec
        self.world = world = replace(world, disk=LogDirectory(world.disk, self._storage_failed))
        self.on_failed_storage: Callable[[str], None] = lambda reason: self.crash()  # a process ends itself here, and never returns
        self.clock = world.clock
        self.chance = world.chance.split("node")
        self.journal = journal
        self.traffic = Traffic()
        self.config = Config(spec.config | {"node.id": str(spec.node_id)}, profile=spec.profile)
        self.image = MetadataImage()
        self.metadata = MetadataFollower(self.image)
        self.lately_fenced = LatelyFenced(clock=world.clock, image=self.image, profile=spec.profile)
        self.connections = Connections(
            world=world, journal=journal, idle_max_ms=self.config["connections.max.idle.ms"], open_to_clients=False
        )
        self.dispatch = Dispatch(self, TABLE)
        self.connections.on_request = self.dispatch.take
        self.intercept = Intercept(self)
        self.directory = Directory(world=world, node_id=spec.node_id, addresses=spec.voters)
        self.controller_door = ControllerDoor(self)
        self.topic_creation = TopicCreation(self)
        self.raft: Raft | None = None  # this and the following rooms are there from `start` on
        self.controller: Controller | None = None
        self.replicas: ReplicaSet | None = None
        self.groups: Shards | None = None
        self.caught_up = Signal()  # the image holds our registration and everything before it; our replicas have begun
        self.listener: Listener | None = None
        self._clean = False  # the last stop was one
        self._tasks: dict[Task, None] = {}
        self._serving: Task | None = None
        self.lifecycle = Lifecycle(
            spec=spec,
            world=world,
            config=self.config,
            ask=self.controller_door.ask_once,
            offset=self._offset_reached,
            others_stay=self._others_stay,
            features=SUPPORTED_FEATURES,
        )

    # ---- beginning

    async def start(self) -> None:
        """Listens and joins the quorum; returns before the controller knows the broker (`lifecycle.unfenced`).

        Raises:
            OSError: the port is taken, or the disk refuses.
            WrongFolder: the folder is another cluster's or node's, or a newer version's.
        """
        self._clean = self._open_folder()
        self._build(self._clean)
        self.listener = await self.world.network.listen(self.spec.host, self.spec.port, self.connections.accept)
        self.lifecycle.port = self.listener.port
        self.metadata.when(self._is_unfenced).then(lambda _: self._open_to_clients())
        await self.raft.start()
        self.lifecycle.start()

    def _open_to_clients(self) -> None:
        self.metadata.tell(self.lately_fenced.follow)  # what is replayed before is history
        self.connections.open()

    def _open_folder(self) -> bool:
        """Says whether the last stop was a clean one."""
        disk, spec = self.world.disk, self.spec
        disk.make_folder(spec.folder)
        found = checkpoints.read_meta_properties(disk, spec.folder)
        if found is None:
            directory_id = self.chance.uuid()
            checkpoints.write_meta_properties(
                disk, spec.folder, cluster_id=spec.cluster_id, node_id=spec.node_id, directory_id=directory_id
            )
        else:
            checkpoints.check_meta_properties(found, spec.folder, cluster_id=spec.cluster_id, node_id=spec.node_id)
            directory_id = checkpoints.decode_uuid(found["directory.id"])
        self.lifecycle.directory_id = directory_id
        left_with = checkpoints.take_clean_shutdown(disk, spec.folder)
        if left_with is not None:
            self.lifecycle.previous_broker_epoch = left_with  # KIP-966: who left in good order keeps its place among the eligible
        return left_with is not None

    def _build(self, clean: bool) -> None:
        self._build_quorum(clean)
        self._build_replicas(clean)
        self.groups = Shards(
            world=self.world, image=self.image, journal=self.journal, config=self.config, traffic=self.traffic
        )
        self.waiting = Waiting(self.clock)
        self.fetch_sessions = FetchSessions(
            clock=self.clock,
            chance=self.world.chance.split("fetch sessions"),
            slots=self.config["max.incremental.fetch.session.cache.slots"],
        )
        self.producer_ids = ProducerIds(node_id=self.spec.node_id, image=self.image, ask=self._ask_controller)
        self._connect()

    def _build_quorum(self, clean: bool) -> None:
        spec, world, disk = self.spec, self.world, self.world.disk
        self.metadata_log = PartitionLog.open(
            disk=disk,
            clock=world.clock,
            folder=disk.join(spec.folder, f"{METADATA_TOPIC}-0"),
            topic=METADATA_TOPIC,
            partition=0,
            topic_id=METADATA_TOPIC_ID,
            config=LogConfig(),
            clean=clean,
            journal=self.journal,
        )
        self.raft = Raft(
            world=world,
            log=self.metadata_log,
            node_id=spec.node_id,
            voters=spec.voters,
            directory=self.directory,
            config=self.config,
            journal=self.journal,
            cluster_id=spec.cluster_id,
        )
        self.controller = Controller(
            image=self.image,
            raft=self.raft,
            clock=world.clock,
            chance=world.chance.split("controller"),
            journal=self.journal,
            config=self.config,
            cluster_id=spec.cluster_id,
            log=world.log,
        )

    def _build_replicas(self, clean: bool) -> None:
        self.replicas = ReplicaSet(
            node_id=self.spec.node_id,
            world=self.world,
            image=self.image,
            directory=self.directory,
            config=self.config,
            journal=self.journal,
            traffic=self.traffic,
            folder=self.spec.folder,
            clean=clean,
            alter_partition=self._ask_controller,
        )

    def _connect(self) -> None:
        self.replicas.on_leading = lambda partition: partition.topic == OFFSETS_TOPIC and self.groups.on_leading(partition)
        self.replicas.on_resigned = lambda topic, index: topic == OFFSETS_TOPIC and self.groups.on_resigned(topic, index)
        for follower in (
            self._follow_configs,
            self._follow_addresses,
            self.controller.on_replayed,
            self._follow_replicas,
            self.groups.apply,
        ):
            self.metadata.tell(follower)
        self.raft.on_committed = self.metadata.on_committed
        self.raft.on_leader = self._on_leader

    # ---- what the metadata log brings

    def _follow_configs(self, delta: Delta) -> None:
        if any(kind == RESOURCE_BROKER for kind, _ in delta.configs_changed):
            self.config.follow(self.image)

    def _follow_addresses(self, delta: Delta) -> None:
        for broker_id in sorted(delta.brokers_changed):
            broker = self.image.brokers.get(broker_id)
            if broker is not None and broker_id != self.spec.node_id:
                self.directory.set_address(broker_id, broker.host, broker.port)

    def _follow_replicas(self, delta: Delta) -> None:
        if self.caught_up.is_set:
            self.replicas.apply(delta)
            if self.lifecycle.state != "running":
                self.lifecycle.hurry()
        elif self._serving is None and self._registered():
            self._serving = self.spawn(self._begin_to_serve(), name="begins to serve")

    def _registered(self) -> bool:
        own = self.image.brokers.get(self.spec.node_id)
        return own is not None and own.incarnation_id == self.lifecycle.incarnation_id

    def _is_unfenced(self) -> bool:
        return self._registered() and not self.image.brokers[self.spec.node_id].fenced

    async def _begin_to_serve(self) -> None:
        await self.replicas.start()
        self.caught_up.set()
        self.lifecycle.hurry()

    def _offset_reached(self) -> int:
        return self.image.offset if self.caught_up.is_set else -1

    def _others_stay(self) -> bool:
        return any(
            not broker.fenced and not broker.in_controlled_shutdown
            for broker in self.image.brokers.values()
            if broker.id != self.spec.node_id
        )

    def _on_leader(self, leader: int | None, epoch: int) -> None:
        self.controller.on_leader(leader == self.spec.node_id, epoch)
        self.lifecycle.hurry()

    async def _ask_controller(self, message: Message) -> Message:
        return await self.controller_door.ask_once(message, within_ms=CONTROLLER_ANSWER_MS)

    def _storage_failed(self, path: str, error: OSError) -> None:
        # KIP-112: our only log directory is offline. No controlled shutdown, since that writes; leaders move by fencing.
        topic, partition = partition_of(path)
        reason = error.strerror or str(error)
        self.journal.emit(StorageFailed(topic=topic, partition=partition, reason=reason))
        self.on_failed_storage(f"its log directory failed: {reason}")

    # ---- for handlers

    def spawn(self, coroutine: Coroutine[Any, Any, Any], *, name: str) -> Task:
        """A task that ends with the node."""
        task = spawn(coroutine, name=f"node {self.spec.node_id}: {name}")
        self._tasks[task] = None
        task.add_done_callback(lambda done: self._tasks.pop(done, None))
        return task

    def create_internal_topic(self, name: str) -> None:
        """Begins to create it; who needs it asks again."""
        self.topic_creation.begin([name])

    # ---- ending

    async def stop(self) -> None:
        """Controlled shutdown: leaders move away first, then the quorum is left, then the logs are closed and marked clean."""
        await self.lifecycle.leave()
        self.groups.close()
        self.controller.crash()
        await self._leave_quorum()
        self.metadata_log.close()
        if self.caught_up.is_set:
            await self.replicas.stop()  # writes the marker of a clean shutdown
        elif self._clean:
            lifecycle = self.lifecycle
            last_epoch = lifecycle.broker_epoch if lifecycle.broker_epoch >= 0 else lifecycle.previous_broker_epoch
            checkpoints.write_clean_shutdown(self.world.disk, self.spec.folder, broker_epoch=last_epoch)
        self._let_go()

    async def _leave_quorum(self) -> None:
        try:
            await within(self.clock, RESIGN_MS_MAX, self.raft.stop(graceful=self._others_stay()))
        except Expired:
            self.raft.crash()

    def crash(self) -> None:
        """Stops at once, as a killed process would; for simulations. Nothing happens to a node that has not begun."""
        self.lifecycle.crash()
        if self.raft:
            self.groups.close()
            self.controller.crash()
            self.raft.crash()
            self.replicas.crash()
        self._let_go()

    def _let_go(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self.listener:
            self.listener.close()
        self.connections.close_all("the node stops")
        self.directory.close()

    def __repr__(self) -> str:
        return f"<Node {self.spec.node_id} {self.lifecycle.state} {self.image!r}>"
