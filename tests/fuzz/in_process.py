"""Hostile clients of a simulated cluster: frames go straight to the nodes' doors, on virtual time, decided by one seed."""

import asyncio
import random
import time
from dataclasses import dataclass, field

from engine.broker.node import Node
from engine.protocol.api_keys import API_KEYS
from engine.protocol.codec import build, decode_response, encode_request
from engine.protocol.errors import ErrorCode
from engine.protocol.record_batch import Record, encode_batch
from engine.world.disk import FileSlice
from engine.world.virtual_loop import run_virtually
from tests.fuzz.mutations import MUTATIONS
from tests.fuzz.pool import TOPICS, Pool
from tests.fuzz.requests import SERVED, Requests
from tests.fuzz.tally import Finding, Tally
from tests.simulation.universe import Universe

CONNECTIONS = 8  # per node
FOR_SPOILT = 2  # of them: what closes its connection should not take the answers of good requests with it
MOVING = (ErrorCode.leader_not_available, ErrorCode.not_leader_or_follower)
ASKS_MAX = 50  # 100 ms apart: longer than any election
TURN_EVERY = 4  # requests between two moments in which tasks go on
TURN_MS = 1
PAUSE_EVERY = 200  # requests between two pauses, in which timers ring
PAUSE_MS = 100
LOOK_EVERY = 10_000  # requests between two rounds of an honest client
NODE_APIS_SHARE = 0.1  # of a round, at its end: what they may rightly do to a cluster is not judged
SLOW_S = 2.0  # of processor time, for one request: a hang
HONEST = "honest"  # a topic that no hostile request names

UNREGISTER_BROKER = 64  # takes the only broker away, as in Kafka
NODE_APIS = [pair for pair in SERVED if API_KEYS[pair[0]].for_nodes or pair[0] == UNREGISTER_BROKER]
CLIENT_APIS = [pair for pair in SERVED if pair not in NODE_APIS]


class Line:
    """A client's end of a connection: frames in, answers to `on_answer`."""

    def __init__(self, node: Node, on_answer) -> None:
        self.remote, self.local = ("10.0.0.9", 50000), ("10.0.0.1", 9092)
        self.held = self.closed = False
        self.queued_bytes = 0
        self.asked: list[tuple[int, int, int]] = []  # (API key, version, correlation id), unanswered
        self._on_answer = on_answer
        self.on_frame = self.on_closed = None
        node.connections.accept(self)

    def raw(self, frame: bytes) -> None:
        """A frame without its length prefix."""
        self.on_frame(memoryview(bytearray(frame)))

    def leave(self) -> None:
        """The client closes."""
        if not self.closed:
            self.closed = True
            self.on_closed("closed by the other side")

    # ---- what the node calls

    def send(self, *parts) -> None:
        self._on_answer(self, b"".join(part.read() if isinstance(part, FileSlice) else part for part in parts))

    def hold_reading(self, hold: bool) -> None:
        self.held = hold

    def close(self) -> None:
        self.closed = True


@dataclass(slots=True)
class Plan:
    """What a round does: how many requests, at which APIs, on how many nodes."""

    seed: int
    requests: int
    apis: list[tuple[int, int]] = field(default_factory=lambda: list(CLIENT_APIS))
    node_apis: list[tuple[int, int]] = field(default_factory=lambda: list(NODE_APIS))
    nodes: int = 1


class Round:
    """One seed on a fresh cluster."""

    def __init__(self, plan: Plan, tally: Tally) -> None:
        self.plan = plan
        self.tally = tally
        self.chance = random.Random(plan.seed)
        self.pool = Pool(self.chance)
        self.requests = Requests(self.chance, self.pool)
        self.universe = Universe(plan.seed, nodes=plan.nodes, config=one_node_config() if plan.nodes == 1 else {})
        self.lines: list[Line] = []
        self.last = b""
        self.number = 0
        self._heard: list[bytes] = []

    async def run(self) -> None:
        """Ends early after a finding that no later request could be judged beside."""
        await self.universe.start()
        await make_topics(self)
        self.learn()
        plan = self.plan
        own = int(plan.requests * (1 - NODE_APIS_SHARE)) if plan.apis and plan.node_apis else plan.requests if plan.apis else 0
        await self._send(plan.apis, own, judged=True)
        if own:
            await self.restart()
        await self._send(plan.node_apis, plan.requests - own, judged=False)
        self.look_at_log()

    async def _send(self, pairs, count: int, *, judged: bool) -> None:
        for step in range(count):
            self.one(*pairs[self.number % len(pairs)])
            self.number += 1
            if step % TURN_EVERY == 0:
                await self.universe.sleep(TURN_MS)
            if step % PAUSE_EVERY == 0:
                await self.pause()
            if judged and step % LOOK_EVERY == LOOK_EVERY - 1:
                await self.others_go_on()
                await make_topics(self)
        await self.pause()
        if judged and count:
            await self.others_go_on()

    def one(self, key: int, version: int) -> None:
        """Draws a request, spoils it perhaps, and hands it in."""
        luck = self.chance.random()
        line = self._free_line(luck >= 0.75)
        frame = self.requests.frame(key, version, correlation_id=self.number, lies=0.0 if luck < 0.75 else 0.1)
        if luck >= 0.85:
            frame = self.chance.choice(MUTATIONS)(self.chance, frame, self.last)
        self.last = frame
        self.tally.sent(key, version)
        line.asked.append((int.from_bytes(frame[:2], "big"), int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[4:8], "big", signed=True)))
        began = time.process_time()
        try:
            line.raw(frame)
        except Exception as error:
            self.found(f"the door raised {error!r}")
            line.leave()
        if time.process_time() - began > SLOW_S:
            self.found(f"{time.process_time() - began:.1f} s for one request")

    def _free_line(self, spoilt: bool) -> Line:
        of_node = self.chance.randrange(FOR_SPOILT) if spoilt else self.chance.randrange(FOR_SPOILT, CONNECTIONS)
        place = of_node * self.plan.nodes + self.chance.randrange(self.plan.nodes)
        while len(self.lines) <= place:
            self.lines.append(self._dial(len(self.lines)))
        line = self.lines[place]
        if line.closed or line.held:
            self.tally.closes += line.closed
            self.tally.unanswered += len(line.asked)
            line.leave()
            line = self.lines[place] = self._dial(place)
        return line

    def _dial(self, place: int) -> Line:
        return Line(self.universe.nodes[place % self.plan.nodes + 1], self._answered)

    def _answered(self, line: Line, answer: bytes) -> None:
        correlation_id = int.from_bytes(answer[4:8], "big", signed=True)
        while line.asked and line.asked[0][2] != correlation_id:
            line.asked.pop(0)  # acks=0 has no answer
        if not line.asked:
            return self.found(f"an answer that nobody asked for: {correlation_id}")
        key, version, _ = line.asked.pop(0)
        if key == 18 and (version > 4):
            version = 0  # KIP-511
        wrong = self.tally.answered(key, version, answer)
        if wrong:
            self.found(wrong)

    async def pause(self) -> None:
        """Time passes; what the log says is read; what the cluster tells is learnt; topics that were deleted come again."""
        await self.universe.sleep(PAUSE_MS)
        self.look_at_log()
        self.learn()
        self.universe.facts.clear()
        for crash in asyncio.get_running_loop().crashes:
            self.found(f"{crash['message']}: {crash.get('exception')!r}")
        asyncio.get_running_loop().crashes.clear()

    def look_at_log(self) -> None:
        """Every line that speaks of a bug is a finding."""
        for line in self.universe.lines:
            if "a bug" in line or "Traceback" in line or "refusing failed" in line:
                self.found(line)
        self.universe.lines.clear()

    def found(self, what: str) -> None:
        """Notes it with the last frame."""
        self.tally.findings.append(Finding(what=what, frame=self.last.hex(), at=self.number))

    def learn(self) -> None:
        """Ids of topics and members, so that later requests can name them."""
        nodes = [node for _, node in sorted(self.universe.nodes.items())]
        self.pool.topic_ids = [topic_id for topic_id, name in sorted(nodes[0].image.topic_names.items()) if name != HONEST]
        groups = [group for node in nodes for shard in node.groups.all() for _, group in sorted(shard.groups.items())]
        members = [member for group in groups for member in (*group.members, *sorted(group.pending_members))]
        self.pool.members = ["", "nobody", "static-1", *members[:20]]

    async def restart(self) -> None:
        """All nodes are killed and started on what the requests left on their disks."""
        for line in self.lines:
            line.leave()
        for number in self.universe.alive():
            self.universe.crash(number)
        for number in self.universe.ids:
            await self.universe.start_node(number)
        try:
            await self.universe.until(lambda: self.universe.unfenced() == set(self.universe.ids), "all brokers are back", within_ms=60_000)
        except AssertionError as error:
            return self.found(str(error))
        await self.pause()
        return await self.others_go_on()

    # ---- the honest client

    async def others_go_on(self) -> None:
        """Metadata and a produced record, on a connection of its own. As any client it asks again while a leader is being found."""
        try:
            for _ in range(ASKS_MAX):
                code = await self.produce_honestly()
                if code not in MOVING:
                    break
                await self.universe.sleep(100)
            assert code == ErrorCode.none, code
        except Exception as error:
            self.found(f"an honest client fails: {error!r}")

    async def produce_honestly(self) -> ErrorCode:
        """One record to whoever leads by the metadata of node 1."""
        topics = (await self.ask("Metadata", 12, topics=[{"topic_id": None, "name": HONEST}], allow_auto_topic_creation=False)).topics
        leader = topics[0].partitions[0].leader_id
        if leader < 0:
            return ErrorCode.leader_not_available
        records = bytes(encode_batch([Record(timestamp=self.universe.simulation.now_ms(), value=b"v")]))
        partitions = [{"index": 0, "records": records}]
        done = await self.ask("Produce", 9, node=leader, acks=1, timeout=1000, topic_data=[{"name": HONEST, "partition_data": partitions}])
        return ErrorCode(done.responses[0].partition_responses[0].error_code)

    async def ask(self, api: str, version: int, *, node: int = 1, **fields):
        """One question on a fresh connection; its answer within ten virtual seconds."""
        line = Line(self.universe.nodes[node], lambda line, answer: self._heard.append(answer))
        self._heard.clear()
        line.raw(encode_request(build(api, "request", version, **fields), correlation_id=1, client_id="honest")[4:])
        await self.universe.until(lambda: self._heard, f"{api} is answered", within_ms=10_000)
        line.leave()
        return decode_response(api, version, self._heard.pop()[4:])[1]


def one_node_config() -> dict[str, str]:
    """A cluster of one cannot replicate its offsets."""
    return {"offsets.topic.replication.factor": "1", "default.replication.factor": "1", "offsets.topic.num.partitions": "2"}


async def make_topics(fuzz: Round) -> None:
    """The topics that requests know of, and the honest one: those that are not there."""
    image = fuzz.universe.nodes[1].image
    rows = [
        {
            "name": name, "num_partitions": 3, "replication_factor": fuzz.plan.nodes,
            "configs": [{"name": key, "value": value} for key, value in configs.items()],
        }
        for name, configs in (*TOPICS.items(), (HONEST, {})) if name not in image.topics
    ]  # fmt: skip
    await fuzz.ask("CreateTopics", 7, topics=rows, timeout=10_000, validate_only=False)
    await fuzz.ask("FindCoordinator", 3, key="billing", key_type=0)  # makes __consumer_offsets
    await fuzz.universe.sleep(2_000)
    assert HONEST in image.topics


def run_round(plan: Plan, tally: Tally) -> None:
    """One round on virtual time."""

    async def run() -> None:
        await Round(plan, tally).run()

    run_virtually(run())
