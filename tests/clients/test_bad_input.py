"""Bad input: each a clear answer, and nothing else is lost."""

import json
import socket
import struct
import subprocess
import sys

import pytest

from tests.clients.engine_process import ROOT, EngineProcess
from tests.clients.raw_client import RawClient


def refusal(folder, *options):
    """What `python -m engine` says when it cannot start."""
    words = [sys.executable, "-m", "engine", "--brokers", "1", "--data", str(folder), *options]
    done = subprocess.run(words, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and not done.stdout
    return done.stderr.splitlines()[-1]


def test_a_port_that_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen on localhost:{port}: Address already in use" in refusal(tmp_path, "--port", str(port))


def test_a_config_that_is_none(tmp_path):
    told = refusal(tmp_path, "--port", "0", "--set", "log.segment.bytes=abc")
    assert "Invalid value abc for configuration log.segment.bytes" in told


def test_a_folder_of_another_cluster_or_of_a_newer_version(tmp_path):
    with EngineProcess(tmp_path / "data", brokers=1) as engine:
        engine.stop()
    ours = tmp_path / "data" / "node-1" / "meta.properties"
    ours.write_text(ours.read_text().replace("cluster.id=", "cluster.id=not"))
    assert "belongs to cluster not" in refusal(tmp_path / "data", "--port", "0")
    ours.write_text(ours.read_text().replace("cluster.id=not", "cluster.id=").replace("version=1", "version=7"))
    assert "has version 7; this one knows version 1" in refusal(tmp_path / "data", "--port", "0")
    file = tmp_path / "data" / "cluster.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"version": 7}))
    assert "has version 7; this one knows version 1" in refusal(tmp_path / "data", "--port", "0")


@pytest.mark.parametrize(
    "bytes_sent",
    [struct.pack(">i", 2**31 - 1), struct.pack(">i", -1), b"\x00\x00\x00\x04rand", b"GET / HTTP/1.1\r\n\r\n"],
    ids=["2 GiB", "negative", "random", "http"],
)
def test_nonsense_loses_its_connection_and_nothing_else(engine, bytes_sent):
    address = engine.bootstrap.split(",")[0]
    host, port = address.split(":")
    with RawClient(address) as good, socket.create_connection((host, int(port)), timeout=10) as half:
        half.sendall(b"\x00\x00\x00\x20half")  # and then silence
        with socket.create_connection((host, int(port)), timeout=10) as bad:
            bad.sendall(bytes_sent)
            try:
                assert bad.recv(100) == b""
            except ConnectionError:
                pass
        assert good.ask("Metadata", 12, topics=[]).brokers


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with EngineProcess(tmp_path_factory.mktemp("one") / "data", brokers=1) as running:
        yield running


@pytest.mark.parametrize("line", ["kill broker 9", "kill", "dance", "start broker 1", "create topic a/b", "create topic x replication=5"])
def test_lines_that_cannot_be_done_are_refused_in_words(engine, line):
    outcome = engine.do(line)
    assert not outcome["ok"] and len(outcome["message"]) > 15
