"""The front door: what a line does, what it tells, and that frames fold to the picture."""

import pytest

from engine.cluster.launch import Refused
from engine.events.facts import BrokerAdded, BrokerKilled, BrokerStarted, ClusterPaused
from engine.events.journal import Journal
from engine.sandbox.apply import apply_frame
from engine.sandbox.sandbox import Sandbox
from engine.sandbox.snapshot import blank
from engine.world.real import real_world
from engine.world.tasks import Promise


class FakeProcess:
    def __init__(self):
        self.unfenced = Promise()


class FakeCluster:
    """Says what the real one says, at once."""

    cluster_id = "cluster-1"
    bootstrap_servers = "localhost:1"

    def __init__(self, journal, clock):
        self.journal = journal
        self.clock = clock
        self.brokers = {1: FakeProcess(), 2: FakeProcess()}

    async def start(self):
        for broker in self.brokers:
            self.journal.emit(BrokerAdded(broker=broker, rack="a", host="localhost", port=9090 + broker, voter=True))
            self.journal.emit(BrokerStarted(broker=broker, pid=100 + broker, started_as=1))

    async def kill(self, broker, *, causes=()):
        return self.journal.emit(BrokerKilled(broker=broker, pid=100 + broker, causes=causes))

    async def pause(self, *, causes=()):
        return self.journal.emit(ClusterPaused(causes=causes))

    async def stop(self, broker, *, causes=()):
        raise Refused("it does not want to")


@pytest.fixture
async def sandbox():
    world = real_world()
    journal = Journal(node=0, incarnation=1, now_ms=world.clock.now_ms)
    state = blank(sandbox="main", profile="demo", configs={}, cluster_id="", bootstrap_servers="", at_ms=0)
    made = Sandbox(world=world, cluster=FakeCluster(journal, world.clock), journal=journal, state=state)
    await made.start()
    return made


async def test_a_kill_is_caused_by_its_command(sandbox):
    sandbox.take_frame()
    outcome = await sandbox.do("kill broker 2", by="me", door="api")
    assert (outcome.ok, outcome.message, outcome.kafka) == (True, "broker 2 is killed", "kill -9 102")
    frame = sandbox.take_frame()
    given, killed = frame["facts"]
    assert (given["kind"], given["number"], given["door"]) == ("CommandGiven", outcome.number, "api")
    assert (killed["kind"], killed["causes"]) == ("BrokerKilled", [given["number"]])


async def test_frames_fold_to_the_picture(sandbox):
    before = sandbox.snapshot()
    frames = [sandbox.take_frame()]
    await sandbox.do("kill broker 1")
    sandbox._cluster.on_traffic({"node": 2, "log_bytes": 7, "heartbeat": 5})
    frames.append(sandbox.take_frame())
    picture = before | {"clusters": [before["clusters"][0] | {"id": "cluster-1"}]}
    for frame in frames:
        assert frame["from"] == picture["number"]
        picture = apply_frame(picture, frame)
    assert picture == sandbox.snapshot()
    assert picture["clusters"][0]["brokers"][1]["log_bytes"] == 7


async def test_refusals_are_facts_and_typos_are_not(sandbox):
    sandbox.take_frame()
    bad = await sandbox.do("kil broker 1")
    assert (bad.status, sandbox.pending) == ("bad", False)
    refused = await sandbox.do("kill broker 7")
    assert refused.status == "refused" and "there is no broker 7" in refused.message
    by_cluster = await sandbox.do("stop broker 2")
    assert by_cluster.status == "refused" and "starting" not in by_cluster.message
    assert [fact["kind"] for fact in sandbox.take_frame()["facts"]] == ["CommandGiven", "CommandRefused"] * 2


async def test_nobody_answers_while_time_stands_still(sandbox):
    assert (await sandbox.do("pause")).ok
    assert "resume first" in (await sandbox.do("create topic t")).message
    assert "already" in (await sandbox.do("pause")).message
    assert (await sandbox.do("kill broker 1")).ok


async def test_a_bare_cluster_has_no_clients(sandbox):
    outcome = await sandbox.do("produce orders as shop")
    assert "bare cluster" in outcome.message
    assert sandbox._folded["clusters"][0]["clients"] == []


async def test_facts_of_nodes_are_numbered_and_their_causes_too(sandbox):
    outcome = await sandbox.do("kill broker 2")
    killed = sandbox.recent[-1]
    journal = Journal(node=1, incarnation=4, now_ms=lambda: 5)
    wire = {"kind": "SessionExpired", "id": "1.4.1", "node": 1, "incarnation": 4, "at_ms": 5, "configs": {}, "broker": 2, "silent_ms": 9}
    sandbox._cluster.on_fact(wire | {"causes": [killed["id"], "1.4.0"]})
    assert sandbox.recent[-1]["causes"] == [outcome.number + 1]
    assert journal.recent() == []


async def test_an_old_picture_goes_on(sandbox):
    facts = list(sandbox.recent)
    world = real_world()
    journal = Journal(node=0, incarnation=2, now_ms=world.clock.now_ms)
    state = blank(sandbox="main", profile="demo", configs={}, cluster_id="", bootstrap_servers="", at_ms=0)
    again = Sandbox(world=world, cluster=FakeCluster(journal, world.clock), journal=journal, state=state)
    again.remember(facts)
    assert again.snapshot()["number"] == facts[-1]["number"]
    await again.start()
    failed = next(fact for fact in again.recent if fact["kind"] == "BrokerFailed")
    assert failed["number"] == facts[-1]["number"] + 1


async def test_the_picture_is_healed_by_a_brokers_metadata(sandbox):
    partition = {"partition": 0, "leader": 1, "leader_epoch": 2, "partition_epoch": 3, "replicas": [1], "isr": [1], "elr": []}
    topic = {"name": "t", "id": "u", "internal": False, "configs": {}, "partitions": [partition]}
    image = {"topics": [topic], "brokers": [], "controller": 1, "controller_epoch": 4}
    sandbox._compare(image)
    sandbox.take_frame()
    cluster = sandbox.snapshot()["clusters"][0]
    assert (cluster["controller"], cluster["topics"][0]["partitions"][0]["leader_epoch"]) == (1, 2)
    sandbox._compare(image)
    assert not sandbox.pending
    moved = partition | {"leader": 2, "leader_epoch": 3, "partition_epoch": 4}
    sandbox._compare(image | {"topics": [image["topics"][0] | {"partitions": [moved]}]})
    assert sandbox.recent[-1]["kind"] == "LeaderElected"
    sandbox._compare(image | {"topics": []})
    assert sandbox.recent[-1]["kind"] == "TopicDeleted"

