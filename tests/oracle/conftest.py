"""Two clusters for the same script: Apache Kafka (`apache`) and ours (`ours`), each up once a run; both fixtures are bootstrap servers."""

import json
import signal
import subprocess
import sys

import pytest

from tests.clients.apache_kafka import ROOT, ApacheKafkaProcess

STOP_SECONDS_MAX = 20


@pytest.fixture(scope="session")
def apache(tmp_path_factory):
    """A cluster of three Apache Kafka nodes in racks r1 to r3, in a home of its own that shares the jars."""
    with ApacheKafkaProcess(tmp_path_factory.mktemp("of-the-peer")) as nodes:
        yield nodes.bootstrap


@pytest.fixture(scope="session")
def ours(tmp_path_factory):
    """Three brokers of ours in racks r1 to r3, in profile `kafka`; groups begin at once, as the peer's starter has it."""
    where = ["--brokers", "3", "--racks", "r1,r2,r3", "--port", "0", "--data", str(tmp_path_factory.mktemp("ours"))]
    how = ["--profile", "kafka", "--set", "group.initial.rebalance.delay.ms=0"]
    cluster = subprocess.Popen(
        [sys.executable, "-m", "engine", *where, *how], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
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
