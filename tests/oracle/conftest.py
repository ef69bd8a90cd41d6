"""Two clusters for the same script: Apache Kafka (`apache`) and ours (`ours`), each up once a run; both fixtures are bootstrap servers."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PEER = Path(os.environ.get("KAFKA_PEER_SCRIPT", ROOT.parent / "shared" / "peer" / "kafka"))
JARS = Path(os.environ.get("KAFKA_PEER", Path.home() / ".cache" / "kafka-peer")) / "lib"
PEER_PORT = int(os.environ.get("KAFKA_PEER_PORT", "45092"))
START_SECONDS_MAX = 120
STOP_SECONDS_MAX = 20


@pytest.fixture(scope="session")
def apache(tmp_path_factory):
    """A cluster of three Apache Kafka nodes in racks r1 to r3, in a home of its own that shares the jars."""
    if not PEER.exists() or not shutil.which("java"):
        pytest.fail(f"Apache Kafka needs Java, and its starter at {PEER} (KAFKA_PEER_SCRIPT)")
    home = tmp_path_factory.mktemp("apache")
    if JARS.exists():
        (home / "lib").symlink_to(JARS)
    surroundings = os.environ | {"KAFKA_PEER": str(home)}

    def peer(*words):
        done = subprocess.run([str(PEER), *words], env=surroundings, capture_output=True, text=True, timeout=START_SECONDS_MAX)
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        yield json.loads(peer("up", "--nodes", "3", "--port", str(PEER_PORT)).splitlines()[-1])["bootstrap"]
    finally:
        peer("down")


@pytest.fixture(scope="session")
def ours(tmp_path_factory):
    """Three brokers of ours in racks r1 to r3, in profile `kafka`."""
    words = ["--brokers", "3", "--racks", "r1,r2,r3", "--port", "0", "--profile", "kafka", "--data", str(tmp_path_factory.mktemp("ours"))]
    cluster = subprocess.Popen(
        [sys.executable, "-m", "engine", *words], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        line = cluster.stdout.readline()
        assert line, f"python -m engine ended with {cluster.wait()} before it was ready"
        yield json.loads(line)["bootstrap_servers"]
    finally:
        cluster.send_signal(signal.SIGINT)
        try:
            cluster.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            cluster.kill()
