"""Hostile clients of real brokers over TCP, while another client's latency and the brokers' memory are watched."""

import json
import multiprocessing
import os
import random
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from engine.protocol.codec import build, encode_request
from tests.clients.raw_client import RawClient
from tests.fuzz.batches import bomb, good
from tests.fuzz.in_process import CLIENT_APIS, HONEST
from tests.fuzz.mutations import MUTATIONS
from tests.fuzz.pool import TOPICS, Pool
from tests.fuzz.requests import Requests
from tests.fuzz.tally import Finding, Tally

ROOT = Path(__file__).parents[2]
CONNECTIONS, FOR_SPOILT = 12, 4
WAIT_LONG = (11, 14)  # JoinGroup and SyncGroup: whatever comes behind them on a connection waits with them
BURST, PACED_BURST = 500, 5  # requests at once: of a flood, of an attacker that keeps a pace
OPEN_MAX = 20  # requests without an answer; then a connection waits a moment for one
PATIENCE_S = 0.1
WARM_SHARE = 0.1  # of the requests: each API and version is loaded when it is first asked; memory and latency are judged from then on
QUIET_S = 5.0  # the other client alone
PACE_S = 0.01  # between two questions of the other client
WORDS_OF_BUGS = ("a bug", "Traceback", "refusing failed", "crashed")
NICE = 19
BUG_LINES = 30  # of the log, from its first words on
BOMB_BYTES = 1 << 30
LATENCY_RATIO = 2.0  # of the other client's p99, hostile to quiet: the goal


class OtherClient:
    """Metadata and an acknowledged record in turn, in a process of its own: in ours it would wait for the attacker's Python, not for the broker."""

    def __init__(self, address: str) -> None:
        self.failures: list[str] = []
        self._line, far = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(target=_ask_on, args=(address, far), daemon=True)
        self._process.start()

    def take(self) -> list[float]:
        """Latencies (ms) of a pair of questions since the last call."""
        self._line.send("take")
        took, failures = self._line.recv()
        self.failures += failures
        return took

    def stop(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.join(10)


def _ask_on(address: str, line: Connection) -> None:
    took: list[float] = []
    failures: list[str] = []
    chance = random.Random(0)
    with RawClient(address, "other") as client:
        while True:
            if line.poll(PACE_S):
                line.recv()
                line.send((took, failures))
                took, failures = [], []
            try:
                began = time.monotonic()
                client.ask("Metadata", 12, topics=[{"topic_id": None, "name": HONEST}], allow_auto_topic_creation=False)
                client.ask("Produce", 9, acks=1, timeout=5000, topic_data=[produced(HONEST, bytes(good(chance)))])
                took.append((time.monotonic() - began) * 1000)
            except Exception as error:
                failures.append(repr(error))
                time.sleep(PATIENCE_S)


def produced(topic: str, records: bytes) -> dict:
    """A row of a Produce request."""
    return {"name": topic, "partition_data": [{"index": 0, "records": records}]}


class Pipe:
    """One hostile connection: what is sent, and how many whole answers came back."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=5)
        self.sent = self.answers = 0
        self._begun = bytearray()

    def send(self, data: bytes) -> None:
        """Raises OSError, EOFError when the broker has closed."""
        self.socket.settimeout(5)
        self.socket.sendall(data)
        self.sent += 1
        self.read(0)

    def read(self, wait_s: float) -> int:
        """Takes what has come; the number of answers among it. Raises OSError, EOFError."""
        self.socket.settimeout(wait_s)
        before = self.answers
        try:
            while True:
                if not (data := self.socket.recv(1 << 18)):
                    raise EOFError
                self._begun += data
        except (BlockingIOError, TimeoutError):
            pass
        while len(self._begun) >= 4 and len(self._begun) >= 4 + (size := int.from_bytes(self._begun[:4], "big")):
            del self._begun[: 4 + size]
            self.answers += 1
        return self.answers - before


class Attacker:
    """Sends frames over several connections without waiting for their answers, up to a point."""

    def __init__(self, addresses: list[str], seed: int, tally: Tally) -> None:
        self.chance = random.Random(seed)
        self.pool = Pool(self.chance)
        self.requests = Requests(self.chance, self.pool)
        self.tally = tally
        self._addresses = addresses
        self._pipes: list[Pipe | None] = [None] * CONNECTIONS
        self._last = b""

    def send(self, count: int) -> None:
        """So many requests more."""
        for _ in range(count):
            number = self.tally.total
            key, version = CLIENT_APIS[number % len(CLIENT_APIS)]
            luck = self.chance.random()
            frame = self.requests.frame(key, version, correlation_id=number, lies=0.0 if luck < 0.75 else 0.1)
            if luck >= 0.85:
                frame = self.chance.choice(MUTATIONS)(self.chance, frame, self._last)
            self._last = frame
            self.tally.sent(key, version)
            honest = luck < 0.98
            length = len(frame) if honest else self.chance.choice((len(frame) + 1, len(frame) * 3, 0, -1, 2**31 - 1, 104_857_600))
            may_last = luck >= 0.75 or key in WAIT_LONG
            place = self.chance.randrange(FOR_SPOILT) if may_last else self.chance.randrange(FOR_SPOILT, CONNECTIONS)
            self._give(place, struct.pack(">i", length) + frame, may_stay=honest)

    def _give(self, place: int, data: bytes, *, may_stay: bool) -> None:
        pipe = self._pipes[place]
        try:
            if pipe is None:
                pipe = self._pipes[place] = Pipe(self._addresses[place % len(self._addresses)])
            pipe.send(data)
            if pipe.sent - pipe.answers > OPEN_MAX and not pipe.read(PATIENCE_S):
                may_stay = False  # nothing comes any more: it waits for its time to be over
        except (OSError, EOFError):
            may_stay = False
            self.tally.closes += 1
        if not may_stay:
            self._let_go(place)

    def _let_go(self, place: int) -> None:
        pipe, self._pipes[place] = self._pipes[place], None
        if pipe is not None:
            self.tally.answers += pipe.answers
            self.tally.unanswered += pipe.sent - pipe.answers
            pipe.socket.close()

    def close(self) -> None:
        """All connections, some in the middle of a frame."""
        for place in range(CONNECTIONS):
            self._let_go(place)


def pss_mib(pids: list[int]) -> float:
    """Proportional set size of the processes together."""
    rollups = (Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids)
    return sum(int(line.split()[1]) for text in rollups for line in text.splitlines() if line.startswith("Pss:")) / 1024


def p99(took: list[float]) -> float:
    """The 99th percentile; 0 of nothing."""
    return statistics.quantiles(took, n=100)[98] if len(took) > 1 else 0.0


def fuzz_processes(*, seed: int, seconds: float, requests: int, pace: float) -> int:
    """Prints memory and latency as it goes on; 1 when a broker died, logged a bug or refused the other client.

    `pace`: requests a second, 0 as many as go: brokers without quotas share the processors with whoever floods them.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        command = [sys.executable, "-m", "engine", "--brokers", "3", "--port", "0", "--data", f"{folder}/data", "--profile", "kafka"]
        with log.open("wb") as errors:
            process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        try:
            ready = json.loads(process.stdout.readline())
            tally = _attack(ready, seed, seconds, requests, pace)
            alive = all(Path(f"/proc/{broker['pid']}").exists() for broker in ready["brokers"])
        finally:
            process.terminate()
            process.wait(20)
        lines = log.read_text(errors="replace").splitlines()
    bugs = ["\n".join(lines[at : at + BUG_LINES]) for at, line in enumerate(lines) if any(word in line for word in WORDS_OF_BUGS)]
    tally.findings += [Finding(what=line, frame="", at=0) for line in bugs]
    if not alive:
        tally.findings.append(Finding(what="a broker died", frame="", at=0))
    print(tally.summary())
    return 1 if tally.findings else 0


def _attack(ready: dict, seed: int, seconds: float, requests: int, pace: float) -> Tally:
    addresses, pids = ready["bootstrap_servers"].split(","), [broker["pid"] for broker in ready["brokers"]]
    with RawClient(addresses[0], "maker") as maker:
        rows = [row(name, configs) for name, configs in TOPICS.items()] + [row(HONEST, {})]
        maker.ask("CreateTopics", 7, topics=rows, timeout=10_000, validate_only=False)
        time.sleep(2)
        topics = maker.ask("Metadata", 12, topics=None, allow_auto_topic_creation=False)
    leader = next(topic for topic in topics.topics if topic.name == HONEST).partitions[0].leader_id
    port = next(broker.port for broker in topics.brokers if broker.node_id == leader)
    tally, other = Tally(), OtherClient(f"127.0.0.1:{port}")
    attacker = Attacker(addresses, seed, tally)
    attacker.pool.topic_ids = [topic.topic_id for topic in topics.topics if topic.name != HONEST]
    os.nice(NICE)  # an attacker from elsewhere would not take the other client's processor
    time.sleep(QUIET_S)
    quiet, before = p99(other.take()), pss_mib(pids)
    print(f"quiet: another client's p99 {quiet:.1f} ms, brokers {before:.0f} MiB", flush=True)
    warm, warming, began, shown = None, [], time.monotonic(), time.monotonic()
    ends = began + seconds
    while tally.total < requests if requests else time.monotonic() < ends:
        attacker.send(PACED_BURST if pace else BURST)
        if pace:
            time.sleep(max(0.0, began + tally.total / pace - time.monotonic()))
        if warm is None and (tally.total >= requests * WARM_SHARE if requests else time.monotonic() > ends - seconds * (1 - WARM_SHARE)):
            warm, warming = pss_mib(pids), other.take()
        if time.monotonic() - shown > 10:
            shown = time.monotonic()
            print(f"{tally.line()}  brokers {pss_mib(pids):.0f} MiB", flush=True)
    hostile, after = other.take(), pss_mib(pids)
    for codec in (1, 2, 3, 4):
        _send_bomb(f"127.0.0.1:{port}", codec)
    bombed = other.take()
    attacker.close()
    other.stop()
    tally.findings += [Finding(what=f"the other client failed: {failure}", frame="", at=tally.total) for failure in other.failures]
    verdict = "within" if p99(hostile) <= LATENCY_RATIO * quiet else "beyond"
    print(f"another client: p99 quiet {quiet:.1f} ms, while APIs are asked for the first time {p99(warming):.1f} ms, "
          f"then {p99(hostile):.1f} ms ({verdict} {LATENCY_RATIO:.0f} times), max {max(hostile, default=0):.1f} ms, under bombs max {max(bombed, default=0):.1f} ms")
    print(f"brokers: {before:.0f} MiB before, {warm or before:.0f} MiB warm, {after:.0f} MiB after {tally.total:,} requests, {pss_mib(pids):.0f} MiB after bombs")
    return tally


def row(name: str, configs: dict[str, str]) -> dict:
    """A topic on all three brokers."""
    return {
        "name": name, "num_partitions": 3, "replication_factor": 3,
        "configs": [{"name": key, "value": value} for key, value in configs.items()],
    }  # fmt: skip


def _send_bomb(address: str, codec: int) -> None:
    """A gigabyte of nothing, for a topic whose records are looked at; its answer or its closed connection is waited for."""
    records = bomb(codec, BOMB_BYTES if codec != 2 else BOMB_BYTES >> 5)
    request = build("Produce", "request", 9, acks=1, timeout=1000, topic_data=[produced("compacted", records)])
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as line:
        line.sendall(encode_request(request, correlation_id=1, client_id="bomber"))
        line.recv(1024)
