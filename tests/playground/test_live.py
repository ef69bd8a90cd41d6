"""The whole playground with real processes: first start, faults, clients that crash and close, pictures that agree, restarts."""

import asyncio
import json
import os
import signal
import sys
import time

import pytest
from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from engine.sandbox.apply import apply_frame
from tests.playground.live_stack import Stack, client, group, high_watermarks, stable


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("live")) as started:
        yield started


def test_a_first_start_shows_a_living_cluster(stack):
    cluster = stack.until(lambda now: high_watermarks(now) > 20)
    assert [(one["id"], one["rack"], one["state"]) for one in cluster["brokers"]] == [(1, "a", "up"), (2, "b", "up"), (3, "c", "up")]
    orders = next(one for one in cluster["topics"] if one["name"] == "orders")
    assert len(orders["partitions"]) == 6 and orders["configs"]["min.insync.replicas"] == "2"
    assert all(part["leader"] in (1, 2, 3) and sorted(part["isr"]) == [1, 2, 3] for part in orders["partitions"])
    assert {one["name"]: one["app"] for one in cluster["clients"]} == {"shop": "producer", "billing-1": "consumer", "billing-2": "consumer"}
    stack.until(lambda now: 15 < client(now, "shop")["report"].get("rate", 0) < 25)
    assert client(stack.cluster(), "shop")["software"] == "confluent-kafka-python"


def test_the_picture_says_what_kafka_says(stack):
    cluster = stack.cluster()
    told = AdminClient({"bootstrap.servers": cluster["bootstrap_servers"], "client.id": "playground-test"}).list_topics(timeout=10)
    assert {broker.id: broker.port for broker in told.brokers.values()} == {one["id"]: one["port"] for one in cluster["brokers"]}
    assert sorted(told.topics) == sorted(one["name"] for one in cluster["topics"])
    for topic in cluster["topics"]:
        for part in topic["partitions"]:
            real = told.topics[topic["name"]].partitions[part["partition"]]
            assert (real.leader, real.replicas, sorted(real.isrs)) == (part["leader"], part["replicas"], sorted(part["isr"]))


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("kil broker 2", 400, "kill broker"),
        ("kill broker 9", 409, "there is no broker 9"),
        ("start broker 2", 409, "up already"),
        ("create topic four replication=4", 409, "INVALID_REPLICATION_FACTOR"),
        ("create topic bad!name", 409, "INVALID_TOPIC_EXCEPTION"),
        ("create topic orders", 409, "TOPIC_ALREADY_EXISTS"),
        ("create topic odd no.such.config=1", 409, "INVALID_CONFIG"),
        ("delete topic nothing", 409, "UNKNOWN_TOPIC_OR_PART"),
        ("grow topic orders partitions=2", 409, "INVALID_PARTITIONS"),
        ("elect orders-0 preferred", 409, "ELECTION_NOT_NEEDED"),
        ("crash client nobody", 409, "there is no client nobody"),
        ("produce orders as shop", 409, "choose another name"),
    ],
)
def test_bad_input_is_answered(stack, line, status, said):
    got, outcome = stack.call("/api/commands", {"line": line})
    assert (got, outcome["ok"]) == (status, False)
    assert said in outcome["message"]


def test_a_kill_is_seen_explained_and_survived(stack):
    number = stack.do("kill broker 2")["number"]
    assert next(one for one in stack.cluster()["brokers"] if one["id"] == 2)["state"] == "down"
    stack.until(lambda now: all(part["leader"] in (1, 3) for one in now["topics"] for part in one["partitions"]), 15)
    facts = {fact["number"]: fact for fact in stack.facts(after=number - 1)}
    elected = next(fact for fact in facts.values() if fact["kind"] == "LeaderElected" and fact["was_leader"] == 2)
    chain, at = [], elected
    while at["causes"]:
        at = facts[min(at["causes"])]
        chain.append(at["kind"])
    assert chain[-2:] == ["BrokerKilled", "CommandGiven"] and "SessionExpired" in chain
    stack.do("start broker 2")
    stack.until(lambda now: all(len(part["isr"]) == 3 for one in now["topics"] for part in one["partitions"]), 30)
    assert client(stack.cluster(), "shop")["report"]["failed"] == 0


def test_a_crashed_member_stays_until_its_session_ends_and_a_closed_one_leaves_at_once(stack):
    stack.until(stable)
    number = stack.do("crash client billing-2")["number"]
    began = time.monotonic()
    cluster = stack.cluster()
    assert client(cluster, "billing-2")["state"] == "crashed"
    assert len(group(cluster, "billing")["members"]) == 2
    stack.until(lambda now: len(group(now, "billing")["members"]) == 1 and stable(now), 15)
    assert time.monotonic() - began > 4
    left = next(fact for fact in stack.facts("MemberLeft", after=number))
    assert left["reason"] == "session expired"
    expired = next(fact for fact in stack.facts("MemberSessionExpired", after=number))
    crashed = next(fact for fact in stack.facts("AppCrashed", after=number))
    assert expired["causes"] == [crashed["number"]]
    stack.do("resume client billing-2")
    stack.until(lambda now: len(group(now, "billing")["members"]) == 2 and stable(now), 15)
    number = stack.do("close client billing-2")["number"]
    stack.until(lambda now: len(group(now, "billing")["members"]) == 1 and stable(now), 3)
    assert next(fact for fact in stack.facts("MemberLeft", after=number))["causes"] == [number]
    stack.do("consume orders group=billing as billing-2")
    stack.until(lambda now: len(group(now, "billing")["members"]) == 2 and stable(now), 15)


def test_clients_are_paused_and_changed(stack):
    stack.do("produce orders as quick rate=100 keys=5 size=20 linger=5 compression=lz4")
    stack.until(lambda now: client(now, "quick")["report"].get("rate", 0) > 80, 15)
    stack.do("change client quick rate=10 acks=1 idempotence=false")
    stack.until(lambda now: client(now, "quick")["report"].get("rate", 0) < 15 and client(now, "quick")["settings"]["acks"] == "1", 15)
    stack.do("pause client quick")
    stack.until(lambda now: client(now, "quick")["report"].get("rate") == 0, 15)
    stack.do("close client quick")
    assert "quick" not in [one["name"] for one in stack.cluster()["clients"]]


def test_a_new_group_reads_everything_again_or_only_what_is_new(stack):
    ends = stack.until(lambda now: high_watermarks(now) > 50)
    stack.do("consume orders group=again as again")
    stack.until(lambda now: client(now, "again")["report"].get("read", 0) >= high_watermarks(ends), 15)
    begun = high_watermarks(stack.cluster())
    stack.do("consume orders group=new reset=latest as new")
    now = stack.until(lambda now: client(now, "new")["report"].get("read", 0) > 0, 15)
    assert client(now, "new")["report"]["read"] <= high_watermarks(now) - begun
    assert client(now, "new")["settings"]["reset"] == "latest"
    for name in ("again", "new"):
        stack.do(f"close client {name}")


def test_a_client_that_failed_is_closed_at_once(stack):
    stack.do("consume orders group=fenced instance=same as earlier")
    stack.until(lambda now: len(group(now, "fenced")["members"]) == 1 and stable(now), 15)
    stack.do("consume orders group=fenced instance=same as later")
    stack.until(lambda now: client(now, "earlier")["state"] == "failed", 15)
    assert "instance" in client(stack.cluster(), "earlier")["report"]["last_error"]
    began = time.monotonic()
    stack.do("close client earlier")
    assert time.monotonic() - began < 5, "nobody waits for the answer of one that has ended"
    stack.do("close client later")


def test_a_pause_longer_than_every_session_expires_nothing(stack):
    stack.until(stable)
    number = stack.do("pause")["number"]
    before = high_watermarks(stack.cluster())
    time.sleep(9)  # members have 6 s, brokers 0.8 s
    report = client(stack.cluster(), "shop")["report"]
    assert (report["failed"], report["last_error"]) == (0, None)
    assert "resume first" in stack.call("/api/commands", {"line": "create topic later"})[1]["message"]
    stack.do("resume")
    stack.until(lambda now: high_watermarks(now) > before + 100, 3)
    told = {fact["kind"] for fact in stack.facts(after=number)}
    assert not told & {"SessionExpired", "MemberSessionExpired", "MemberLeft", "LeaderElected", "ControllerLost", "IsrShrunk"}, told


def test_strangers_are_seen_and_gone(stack):
    stranger = Producer({"bootstrap.servers": stack.cluster()["bootstrap_servers"], "client.id": "from-outside"})
    stranger.produce("orders", b"hello")
    assert stranger.flush(10) == 0
    seen = client(stack.until(lambda now: "from-outside" in [one["name"] for one in now["clients"]], 5), "from-outside")
    assert (seen["ours"], seen["software"], seen["address"]) == (False, "confluent-kafka-python", "127.0.0.1")
    del stranger
    stack.until(lambda now: "from-outside" not in [one["name"] for one in now["clients"]], 5)


class Folding(WebSocketClientProtocol):
    """Folds frames as a page does, and keeps the picture after each."""

    def onOpen(self):  # noqa: N802
        self.pictures, self.snapshot = {}, None
        self.factory.opened.set_result(self)

    def onMessage(self, payload, isBinary):  # noqa: N802, N803
        message = json.loads(payload)
        if message["type"] == "snapshot":
            assert self.snapshot is None, "nothing was lost, so no second one was needed"
            self.snapshot = self.pictures[message["sequence"]] = message["snapshot"]
        elif message["type"] == "frame":
            self.pictures[message["sequence"]] = apply_frame(self.pictures[message["sequence"] - 1], message)
            self.sendMessage(json.dumps({"type": "seen", "sequence": message["sequence"]}).encode())


async def watch(stack):
    """A viewer that has its snapshot."""
    factory = WebSocketClientFactory(f"ws://127.0.0.1:{stack.port}/ws/sandbox/main/", origin=f"http://127.0.0.1:{stack.port}")
    factory.protocol, factory.opened = Folding, asyncio.get_running_loop().create_future()
    await asyncio.get_running_loop().create_connection(factory, "127.0.0.1", stack.port)
    viewer = await factory.opened
    while not viewer.pictures:
        await asyncio.sleep(0.02)
    return viewer


async def test_a_recorded_run_folds_to_the_fresh_snapshot(stack):
    first = await watch(stack)
    join = "consume orders group=billing as billing-1"
    for line in ("kill broker 1", "close client billing-1", "start broker 1", join, "pause", "resume"):
        await asyncio.to_thread(stack.do, line)
        await asyncio.sleep(1)
    second = await watch(stack)
    sequence = min(second.pictures)
    while sequence not in first.pictures:
        await asyncio.sleep(0.02)
    assert first.pictures[sequence] == second.pictures[sequence]
    assert second.snapshot["number"] > first.snapshot["number"] + 50
    first.sendClose()
    second.sendClose()


def test_a_lost_worker_is_made_up_for(stack):
    stack.end("worker", signal.SIGKILL)
    worker = ["-m", "celery", "-A", "playground.celery", "worker", "-P", "threads", "-c", "64", "-l", "WARNING"]
    stack.run("worker", [sys.executable, *worker])
    number = stack.call("/api/state")[1]["number"]
    stack.until(lambda now: {fact["client"] for fact in stack.facts("AppResumed", after=number)} >= {"shop", "billing-1"}, 30)
    stack.until(lambda now: len(group(now, "billing")["members"]) == 2 and stable(now), 30)


def test_a_lost_host_takes_its_brokers_and_comes_back_with_everything(stack):
    before = stack.call("/api/state")[1]
    pids = [one["pid"] for one in before["clusters"][0]["brokers"]]
    stack.end("host", signal.SIGKILL)
    stack.run("host", [sys.executable, "manage.py", "run_host"])
    after = stack.until(lambda now: high_watermarks(now) > high_watermarks(before["clusters"][0]) + 20, 40)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)
    assert after["id"] == before["clusters"][0]["id"]
    assert stack.call("/api/state")[1]["number"] > before["number"]
    assert client(after, "shop")["state"] == "running"
    stack.until(stable, 30)


def test_a_stop_in_good_order_and_the_next_start(stack):
    before = stack.cluster()
    began = time.monotonic()
    stack.stop()
    assert time.monotonic() - began < 6
    stack.start()
    after = stack.cluster()
    assert [one["state"] for one in after["brokers"]] == ["up"] * 3
    assert high_watermarks(after) >= high_watermarks(before)
    committed = group(before, "billing")["offsets"]["orders"]
    now = stack.until(lambda cluster: sum(group(cluster, "billing")["offsets"]["orders"].values()) > sum(committed.values()), 20)
    assert {one["name"] for one in now["clients"] if one["ours"]} == {"shop", "billing-1", "billing-2"}
