"""How the bare engine ends: by Ctrl-C in good order, by SIGKILL without leaving a process behind; and what keeps it from beginning."""

import json
import os
import pathlib
import socket
import subprocess
import sys

from tests.clients.engine_process import ROOT, EngineProcess
from tests.clients.members import until
from tests.clients.traffic import Traffic, create


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = pathlib.Path(f"/proc/{pid}/stat")  # a zombie whose parent has not looked yet is as good as gone
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"


def refused(folder, *options):
    """(exit status, its words) of an engine that cannot start."""
    arguments = [sys.executable, "-m", "engine", "--data", str(folder), "--profile", "demo", *options]
    done = subprocess.run(arguments, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_ctrl_c_under_traffic_leaves_nothing_behind_within_five_seconds(tmp_path):
    with EngineProcess(tmp_path / "data", brokers=3) as engine:
        create(engine.bootstrap, "orders")
        pids = [broker["pid"] for broker in engine.ready["brokers"]]
        with Traffic(engine.bootstrap, "orders"):
            pass
        assert engine.stop() < 5
    assert all(is_gone(pid) for pid in pids)


def test_a_kill_of_the_engine_leaves_no_process_behind(tmp_path):
    with EngineProcess(tmp_path / "data", brokers=3) as engine:
        pids = [broker["pid"] for broker in engine.ready["brokers"]]
        engine.process.kill()
        until(lambda: all(is_gone(pid) for pid in pids), within_s=5, what="the brokers' end")


def test_a_taken_port_is_said(tmp_path):
    with socket.create_server(("localhost", 0)) as taken:
        port = taken.getsockname()[1]
        status, words = refused(tmp_path / "data", "--brokers", "1", "--port", str(port))
    assert status == 1
    assert f"localhost:{port}" in words and "already in use" in words
    assert "Traceback" not in words


def stopped(folder):
    """A folder with the data of one broker."""
    with EngineProcess(folder, brokers=1) as engine:
        assert engine.stop() < 5
    return folder


def test_folders_of_another_cluster_and_of_newer_versions_are_left_alone(tmp_path):
    folder = stopped(tmp_path / "data")
    properties = folder / "node-1" / "meta.properties"
    cluster = folder / "cluster.json"
    kept = {path: path.read_text() for path in (properties, cluster)}
    own = json.loads(kept[cluster])["cluster_id"]
    cases = [
        (properties, kept[properties].replace(own, "AAAAAAAAAAAAAAAAAAAAAA"), ("AAAAAAAAAAAAAAAAAAAAAA", own)),
        (properties, kept[properties].replace("version=1", "version=7"), ("version", "7")),
        (properties, kept[properties].replace("node.id=1", "node.id=9"), ("9",)),
        (cluster, json.dumps(json.loads(kept[cluster]) | {"version": 9}), ("version 9",)),
        (cluster, "no cluster's file", ("cluster.json",)),
    ]
    for path, text, told in cases:
        assert text != kept[path]
        path.write_text(text)
        status, words = refused(folder, "--port", "0")
        assert status == 1 and all(word in words for word in told) and "Traceback" not in words, (path, words)
        assert path.read_text() == text
        path.write_text(kept[path])
    with EngineProcess(folder, brokers=1) as engine:  # nothing was lost by the attempts
        assert engine.stop() < 5


def test_options_that_cannot_be_are_said(tmp_path):
    for options, told in ((("--brokers", "0"), "1 to 32"), (("--set", "nonsense"), "NAME=VALUE"), (("--profile", "slow"), "invalid choice")):
        status, words = refused(tmp_path / "data", *options)
        assert status == 2 and told in words
