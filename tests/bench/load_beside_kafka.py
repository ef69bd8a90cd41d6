"""Many of everything, on our cluster and on Apache Kafka in one run: connections, topics, groups; with time and memory.

    ./play bench load_beside_kafka [--idle 2000] [--drip 200] [--topics 1000] [--groups 500] [--only ours|kafka] [--port 19292]

Needs Java, Maven and the peer's scripts (KAFKA_PEER_SCRIPT, default ../shared/peer/kafka), unless `--only ours`.
"""

import argparse
import resource
import statistics
import struct
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from engine.protocol.codec import build, encode_request
from engine.protocol.record_batch import Record, encode_batch
from tests.bench.beside_kafka import pss_mib, start_ours
from tests.clients.apache_kafka import ApacheKafkaProcess
from tests.clients.raw_client import RawClient

MEASURED_S = 10.0  # a client's latency, quiet and beside the others
PAIR_EVERY_S = 0.01
BATCH = 50  # topics a request
PARTITIONS, REPLICAS = 6, 3
THERE_S_MAX = 300
MEMBERS = 2  # of each group
SESSION_MS = 30_000
DELAY = ("group.initial.rebalance.delay.ms=3000",)  # Kafka's default, and ours: its starter sets 0, and both members must come together
GROUPS_S_MAX = 120
TOPIC = "load-latency"


class Cluster:
    """Where it is, and which processes it is."""

    def __init__(self, name: str, bootstrap: str, pids: list[int]) -> None:
        self.name = name
        self.addresses = bootstrap.split(",")
        self.pids = pids

    def memory(self) -> float:
        """PSS of all brokers, MiB."""
        return pss_mib(self.pids)

    def client(self, number: int = 0) -> RawClient:
        """A connection to one of the brokers."""
        return RawClient(self.addresses[number % len(self.addresses)], "load")


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


# ---- connections


def connections(cluster: Cluster, idle: int, drip: int) -> None:
    """A client's latency alone, and beside idle connections and ones that send a byte a second."""
    create(cluster, [TOPIC], partitions=1)
    quiet, before = latency(cluster), cluster.memory()
    opened: list[RawClient] = []
    took = timed(lambda: opened.extend(cluster.client(number) for number in range(idle + drip)))
    stop = threading.Event()
    dripping = threading.Thread(target=drip_bytes, args=(opened[idle:], stop), daemon=True)
    dripping.start()
    beside, after = latency(cluster), cluster.memory()
    stop.set()
    dripping.join()
    for one in opened:
        one.close()
    show(cluster, f"{idle} idle and {drip} dripping connections", f"opened in {took:.1f} s", f"client p50 {quiet[0]:.1f} → {beside[0]:.1f} ms",
         f"p99 {quiet[1]:.1f} → {beside[1]:.1f} ms", f"PSS {before:.0f} → {after:.0f} MiB")


def drip_bytes(clients: list[RawClient], stop: threading.Event) -> None:
    """Each gets a request to send, a byte a second."""
    frame = encode_request(build("Metadata", "request", 9, topics=[{"name": "x" * 200}]), correlation_id=1, client_id="drip")
    at = 0
    while not stop.wait(1):
        for client in clients:
            client.socket.send(frame[at % len(frame) :][:1])
        at += 1


def latency(cluster: Cluster) -> tuple[float, float]:
    """(p50, p99) in ms of Metadata and an acknowledged record together."""
    with cluster.client() as asking:
        answer = asking.ask("Metadata", 9, topics=[{"name": TOPIC}])
    leader = answer.topics[0].partitions[0].leader_id
    broker = next(broker for broker in answer.brokers if broker.node_id == leader)
    took, ends = [], time.monotonic() + MEASURED_S
    with RawClient(f"{broker.host}:{broker.port}", "latency") as client:
        while time.monotonic() < ends:
            records = bytes(encode_batch([Record(timestamp=int(time.time() * 1000), value=bytes(100))]))
            rows = [{"name": TOPIC, "partition_data": [{"index": 0, "records": records}]}]

            def pair(rows: list = rows) -> None:
                client.ask("Metadata", 9, topics=[{"name": TOPIC}])
                client.ask("Produce", 9, acks=-1, timeout=5000, topic_data=rows)

            took.append(timed(pair) * 1000)
            time.sleep(PAIR_EVERY_S)
    return statistics.median(took), statistics.quantiles(took, n=100)[98]


# ---- topics


def create(cluster: Cluster, names: list[str], *, partitions: int = PARTITIONS) -> None:
    """Returns when every partition has a leader that clients are told of."""
    with cluster.client() as client:
        client.socket.settimeout(120)
        for start in range(0, len(names), BATCH):
            rows = [{"name": name, "num_partitions": partitions, "replication_factor": REPLICAS} for name in names[start : start + BATCH]]
            answer = client.ask("CreateTopics", 7, topics=rows, timeout=60_000)
            failed = [topic for topic in answer.topics if topic.error_code]
            assert not failed, failed[:3]
        until(lambda: led(client) >= len(names) * partitions, f"{len(names)} topics have leaders")


def led(client: RawClient) -> int:
    """Partitions that have a leader."""
    topics = client.ask("Metadata", 9, topics=None).topics
    return sum(part.leader_id >= 0 for topic in topics if topic.name.startswith("load-") for part in topic.partitions)


def until(condition: Callable[[], bool], sentence: str) -> None:
    """Asks again and again."""
    ends = time.monotonic() + THERE_S_MAX
    while not condition():
        assert time.monotonic() < ends, f"not within {THERE_S_MAX} s: {sentence}"
        time.sleep(0.1)


def topics(cluster: Cluster, count: int) -> None:
    """Created, listed, deleted."""
    names = [f"load-{number}" for number in range(count)]
    before = cluster.memory()
    created = timed(lambda: create(cluster, names))
    during = cluster.memory()
    with cluster.client() as client:
        client.socket.settimeout(120)
        listed = min(timed(lambda: led(client)) for _ in range(5))

        def delete() -> None:
            for start in range(0, count, BATCH):
                answer = client.ask("DeleteTopics", 5, topic_names=names[start : start + BATCH], timeout=60_000)
                assert not [row for row in answer.responses if row.error_code], answer.responses[:3]
            until(lambda: led(client) <= 1, "the topics are gone")

        deleted = timed(delete)
    show(cluster, f"{count} topics × {PARTITIONS} × {REPLICAS}", f"created {created:.1f} s", f"listed {listed * 1000:.0f} ms",
         f"deleted {deleted:.1f} s", f"PSS {before:.0f} → {during:.0f} → {cluster.memory():.0f} MiB")


# ---- groups


def groups(cluster: Cluster, count: int) -> None:
    """All join at once; then all rebalance at once."""
    names = [f"load-group-{number}" for number in range(count)]
    where = coordinators(cluster, names)
    before = cluster.memory()
    members = [(name, RawClient(where[name], f"{name}-{number}")) for name in names for number in range(MEMBERS)]
    for _, client in members:
        client.socket.settimeout(GROUPS_S_MAX)
    ids = [""] * len(members)
    first = timed(lambda: rebalance(members, ids, b"\1"))
    again = timed(lambda: rebalance(members, ids, b"\2"))
    show(cluster, f"{count} groups × {MEMBERS} members", f"first join {first:.1f} s", f"rebalance together {again:.2f} s",
         f"PSS {before:.0f} → {cluster.memory():.0f} MiB")
    for _, client in members:
        client.close()


def coordinators(cluster: Cluster, names: list[str]) -> dict[str, str]:
    """The coordinator's address of each group; the first question makes the topic that holds them."""
    found: dict[str, str] = {}

    def ask() -> bool:
        with cluster.client() as client:
            answer = client.ask("FindCoordinator", 4, key_type=0, coordinator_keys=names)
        found.update((row.key, f"{row.host}:{row.port}") for row in answer.coordinators if not row.error_code)
        return len(found) == len(names)

    until(ask, "every group has a coordinator")
    time.sleep(3)  # until they have loaded
    return found


def rebalance(members: list[tuple[str, RawClient]], ids: list[str], told: bytes) -> None:
    """JoinGroup and SyncGroup of everybody, all sent before the first answer is read.

    What they tell of themselves is new each time: a follower that comes before its leader with what it told before is answered at
    once with the generation that is, and thrown out by the rebalance that the leader begins.
    """
    metadata = b"\0\0" + b"\0\0\0\0" + struct.pack(">i", len(told)) + told  # version, topics, user data
    for (group, client), member in zip(members, ids, strict=True):
        client.send("JoinGroup", 3, group_id=group, session_timeout=SESSION_MS, rebalance_timeout=SESSION_MS, member_id=member,
                    protocol_type="consumer", protocols=[{"name": "range", "metadata": metadata}])
    joined = [client.receive() for _, client in members]
    assert not [one for one in joined if one.error_code], next(one for one in joined if one.error_code)
    ids[:] = [one.member_id for one in joined]
    for (group, client), one in zip(members, joined, strict=True):
        given = [{"member_id": each.member_id, "assignment": b"\0\0\0\0\0\0"} for each in one.members]
        client.send("SyncGroup", 3, group_id=group, generation_id=one.generation_id, member_id=one.member_id, assignments=given)
    synced = [client.receive() for _, client in members]
    assert not [one for one in synced if one.error_code], next(one for one in synced if one.error_code)


# ---- the run


def show(cluster: Cluster, *parts: str) -> None:
    """One line of the table."""
    print(" | ".join((f"{cluster.name:<12}", *parts)), flush=True)


def measure(cluster: Cluster, chosen: argparse.Namespace) -> None:
    """All three loads; one that fails is said and the others go on."""
    for work in (
        lambda: connections(cluster, chosen.idle, chosen.drip),
        lambda: groups(cluster, chosen.groups),
        lambda: topics(cluster, chosen.topics),
    ):
        try:
            work()
        except (AssertionError, OSError) as error:
            show(cluster, f"FAILED: {error!r:.500}")


def main() -> None:
    """Ours first, then Kafka, so that neither stands beside the other."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("idle", 2000), ("drip", 200), ("topics", 1000), ("groups", 500), ("port", 19292)):
        options.add_argument(f"--{name}", type=int, default=default)
    options.add_argument("--only", choices=("ours", "kafka"))
    chosen = options.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    print(f"open files: {soft} (at most {hard})", flush=True)
    if chosen.only != "kafka":
        with tempfile.TemporaryDirectory() as data:
            process, ready, _ = start_ours(chosen.port, data)
            try:
                measure(Cluster("ours", ready["bootstrap_servers"], [broker["pid"] for broker in ready["brokers"]]), chosen)
            finally:
                process.terminate()
                process.wait(60)
    if chosen.only != "ours":
        with tempfile.TemporaryDirectory() as folder, ApacheKafkaProcess(Path(folder), DELAY) as kafka:
            measure(Cluster("Apache Kafka", kafka.bootstrap, kafka.pids), chosen)


if __name__ == "__main__":
    main()
