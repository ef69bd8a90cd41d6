"""Three nodes that only replicate, in one simulated universe; the test (or a plain rule here) plays the controller."""

from dataclasses import replace
from uuid import UUID

from engine.broker.connections import Connections
from engine.broker.dispatch import Dispatch
from engine.broker.fetch_sessions import FetchSessions
from engine.broker.handlers import delete_records, fetch, list_offsets, offset_for_leader_epoch, produce
from engine.broker.routes import route
from engine.broker.waiting import Waiting
from engine.events.journal import Journal
from engine.events.traffic import Traffic
from engine.metadata.configs import Config
from engine.metadata.delta import Delta
from engine.metadata.image import BrokerImage, MetadataImage, PartitionImage, TopicImage
from engine.peers.directory import Directory
from engine.protocol.codec import build
from engine.protocol.record_batch import Record, decode_records, encode_batch
from engine.replication.replica_set import ReplicaSet
from engine.world.simulated import Simulation
from engine.world.virtual_loop import run_virtually

TOPIC, TOPIC_ID = "orders", UUID(int=0xABCDEF)
PORT = 9092
HANDLERS = {0: produce, 1: fetch, 2: list_offsets, 21: delete_records, 23: offset_for_leader_epoch}


class Inactive:
    """No controller in the node."""

    active = False


class Replicator:
    """A node without quorum, controller and groups."""

    def __init__(self, trio: "Trio", number: int) -> None:
        self.world = trio.simulation.world(f"node-{number}")
        self.clock = self.world.clock
        self.journal = Journal(node=number, incarnation=1, now_ms=self.clock.now_ms)
        self.config = Config({"node.id": str(number)} | trio.config, profile="demo")
        self.traffic, self.controller = Traffic(), Inactive()
        self.image = MetadataImage()
        self.connections = Connections(world=self.world, journal=self.journal, idle_max_ms=600_000)
        self.dispatch = Dispatch(self, {key: route(key, module) for key, module in HANDLERS.items()})
        self.connections.on_request = self.dispatch.take
        addresses = {other: (f"node-{other}", PORT) for other in (1, 2, 3)}
        self.directory = Directory(world=self.world, node_id=number, addresses=addresses)
        self.waiting = Waiting(self.clock)
        self.fetch_sessions = FetchSessions(clock=self.clock, chance=self.world.chance.split("sessions"), slots=1000)
        self.replicas = ReplicaSet(
            node_id=number,
            world=self.world,
            image=self.image,
            directory=self.directory,
            config=self.config,
            journal=self.journal,
            traffic=self.traffic,
            folder=f"/data-{number}",
            clean=False,
            alter_partition=trio.alter_partition,
        )

    def crash(self) -> None:
        self.replicas.crash()
        self.directory.close()
        self.connections.close_all("crash")


class Trio:
    """`image` is what the controller has committed; `tell` gives it to nodes."""

    def __init__(self, seed: int = 1, *, min_insync_replicas: int = 1, config: dict[str, str] | None = None) -> None:
        self.simulation = Simulation(seed)
        self.config = {"min.insync.replicas": str(min_insync_replicas)} | (config or {})
        self.nodes: dict[int, Replicator] = {}
        self.partitions: dict[int, PartitionImage] = {}
        self.alive = {1: True, 2: True, 3: True}
        self.epochs = {1: 11, 2: 12, 3: 13}
        self.asked: list[tuple[int, ...]] = []  # ISRs that leaders wished
        self.deaf = False  # the controller does not answer

    async def start(self, *, partitions: int = 1) -> None:
        for index in range(partitions):
            self.partitions[index] = PartitionImage(leader=1, leader_epoch=0, partition_epoch=0, replicas=(1, 2, 3), isr=(1, 2, 3))
        for number in (1, 2, 3):
            await self.boot(number)

    async def boot(self, number: int) -> None:
        node = self.nodes[number] = Replicator(self, number)
        self._fill(node)
        await node.world.network.listen(f"node-{number}", PORT, node.connections.accept)
        await node.replicas.start()

    def crash(self, number: int) -> None:
        node = self.nodes.pop(number)
        node.crash()
        self.simulation.crash(node.world)

    # ---- the controller

    def _fill(self, node: Replicator) -> None:
        node.image.topics[TOPIC] = TopicImage(id=TOPIC_ID, name=TOPIC, partitions=dict(self.partitions))
        node.image.topic_names[TOPIC_ID] = TOPIC
        for number in (1, 2, 3):
            node.image.brokers[number] = BrokerImage(
                id=number, epoch=self.epochs[number], incarnation_id=UUID(int=number), host=f"node-{number}", port=PORT,
                rack=None, fenced=not self.alive[number], in_controlled_shutdown=False,
            )  # fmt: skip

    def tell(self, *numbers: int) -> None:
        for number in numbers or sorted(self.nodes):
            node = self.nodes[number]
            before = dict(node.image.topics[TOPIC].partitions)
            self._fill(node)
            node.replicas.apply(Delta(partitions_changed={(TOPIC, index): old for index, old in before.items()}, brokers_changed={1, 2, 3}))

    def change(self, index: int = 0, **fields) -> None:
        """A committed PartitionChangeRecord; a new leader raises the epoch."""
        before = self.partitions[index]
        epoch = before.leader_epoch + ("leader" in fields)
        self.partitions[index] = replace(before, partition_epoch=before.partition_epoch + 1, leader_epoch=epoch, **fields)

    async def alter_partition(self, request):
        if self.deaf:
            raise TimeoutError("no controller")
        topics = []
        for topic in request.topics:
            rows = []
            for wish in topic.partitions:
                isr = tuple(one.broker_id for one in wish.new_isr_with_epochs)
                self.asked.append(isr)
                now = self.partitions[wish.partition_index]
                if wish.leader_epoch != now.leader_epoch or wish.partition_epoch != now.partition_epoch:
                    rows.append({"partition_index": wish.partition_index, "error_code": 74 if wish.leader_epoch < now.leader_epoch else 95})
                    continue
                self.change(wish.partition_index, isr=isr)
                now = self.partitions[wish.partition_index]
                rows.append({
                    "partition_index": wish.partition_index, "leader_id": now.leader, "leader_epoch": now.leader_epoch,
                    "isr": isr, "partition_epoch": now.partition_epoch,
                })  # fmt: skip
            topics.append({"topic_id": topic.topic_id, "partitions": rows})
        self.tell()
        return build("AlterPartition", "response", 3, topics=topics)

    # ---- clients

    async def ask(self, number: int, message, *, within_ms=60_000):
        """As a client of the same world would."""
        return await self.nodes[number].directory.peer(number).ask(message, within_ms=within_ms)

    async def produce(self, values: list[str], *, to: int = 1, acks: int = -1, index: int = 0, timeout_ms: int = 5000, version: int = 11):
        """The answer of the partition."""
        batch = encode_batch([Record(timestamp=self.simulation.now_ms(), key=None, value=value.encode()) for value in values])
        topic = {"name": TOPIC, "topic_id": TOPIC_ID, "partition_data": [{"index": index, "records": bytes(batch)}]}
        message = build("Produce", "request", version, transactional_id=None, acks=acks, timeout=timeout_ms, topic_data=[topic])
        answer = await self.ask(to, message)
        return answer.responses[0].partition_responses[0]

    async def fetch(self, offset: int, *, at: int = 1, index: int = 0, version: int = 12, wait_ms: int = 0, bytes_min: int = 1, **more):
        """The answer of the partition, and the values in it."""
        wanted = {"partition": index, "fetch_offset": offset, "partition_max_bytes": 1 << 20} | more
        message = build(
            "Fetch", "request", version, max_wait=wait_ms, min_bytes=bytes_min, max_bytes=1 << 24,
            topics=[{"topic": TOPIC, "topic_id": TOPIC_ID, "partitions": [wanted]}],
        )  # fmt: skip
        answer = await self.ask(at, message)
        one = answer.responses[0].partitions[0]
        return one, values_of(bytes(one.records or b""))

    # ---- what is so

    def log(self, number: int, index: int = 0):
        return self.nodes[number].replicas.find(TOPIC, index).log

    def values(self, number: int, index: int = 0) -> list[str]:
        log = self.log(number, index)
        begins = [max(segment.base_offset, log.log_start_offset) for segment in log.segments()]
        parts = [log.read_records(begin, bytes_max=1 << 30, upper=log.log_end_offset) for begin in begins]
        return values_of(b"".join(parts))

    async def until(self, condition, *, within_ms: int = 30_000) -> None:
        for _ in range(within_ms // 10):
            if condition():
                return
            await self.simulation.sleep(10)
        raise AssertionError(f"not within {within_ms} ms: " + "; ".join(repr(p) for n in self.nodes.values() for p in n.replicas.all()))


def values_of(data: bytes) -> list[str]:
    found, at = [], 0
    while at + 12 <= len(data):
        size = int.from_bytes(data[at + 8 : at + 12], "big") + 12
        found += [record.value.decode() for record in decode_records(data, at)]
        at += size
    return found


def story(**given):
    """Runs `async def test(trio)` in virtual time."""

    def wrap(test):
        def run() -> None:
            async def main() -> None:
                trio = Trio(**{key: value for key, value in given.items() if key != "partitions"})
                await trio.start(partitions=given.get("partitions", 1))
                await test(trio)

            run_virtually(main())

        run.__name__ = test.__name__
        run.__doc__ = test.__doc__
        return run

    return wrap
