"""The real stack for browser tests: `./play` as a subprocess, driven over its own doors."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from playground.launch import ports

ROOT = Path(__file__).parents[2]
START_SECONDS_MAX = 90
BROKERS_MAX = 12
CALM_SECONDS = 3
# How a process of the playground is known by its command line.
COMMANDS = {"host": "manage.py run_host", "worker": "celery -A playground", "web": "daphne -b"}


class Playground:
    """A running playground."""

    def __init__(self, data: Path) -> None:
        self.port = ports.any_free()
        self.kafka_port = ports.free_run(19092 + os.getpid() % 1000, BROKERS_MAX)
        self.address = f"http://localhost:{self.port}"
        self._log = data.parent / "play.log"
        self._command = [
            str(ROOT / "play"), "--no-open", "--port", str(self.port), "--kafka-port", str(self.kafka_port), "--data", str(data),
        ]
        self.start()

    def start(self) -> None:
        """Starts it; returns when it is healthy."""
        with open(self._log, "ab") as log:
            self.process = subprocess.Popen(self._command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"./play ended:\n{self.told()}"
            try:
                if is_healthy(self.state()):
                    return
            except (OSError, ValueError, KeyError):
                pass
            time.sleep(0.1)
        self.stop()
        raise TimeoutError(f"./play was not ready after {START_SECONDS_MAX} s:\n{self.told()}")

    def stop(self) -> float:
        """As Ctrl-C does; returns the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        return time.monotonic() - began

    def told(self) -> str:
        """What it printed."""
        return self._log.read_text(errors="replace")[-3000:]

    def pid_of(self, name: str) -> int:
        """The process that is the host, the worker or the web server now."""
        rows = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout.splitlines()
        told = [row.split(None, 2) for row in rows]
        return next(int(pid) for pid, parent, line in told if int(parent) == self.process.pid and COMMANDS[name] in line)

    # ---- talking

    def state(self) -> dict:
        """The snapshot."""
        return self._ask("/api/state")

    def cluster(self) -> dict:
        """The one cluster of the snapshot."""
        return self.state()["clusters"][0]

    def facts(self, kind: str, after: int = 0) -> list[dict]:
        """The facts of a kind after that number."""
        return [fact for fact in self._ask(f"/api/facts?after={after}&limit=1000")["facts"] if fact["kind"] == kind]

    def do(self, line: str) -> dict:
        """Gives a command by the API; asserts that it was done."""
        answer = self._ask("/api/commands", {"line": line})
        assert answer["ok"], answer
        return answer

    def until(self, condition, sentence: str, *, seconds: float = 30) -> dict:
        """The first snapshot for which the condition holds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            state = self.state()
            if condition(state):
                return state
            time.sleep(0.1)
        raise AssertionError(f"not so after {seconds} s: {sentence}\n{json.dumps(self.state())[:4000]}")

    def healthy(self) -> dict:
        """Brings back what a test has left broken; the snapshot when all is well."""
        state = self.state()
        if state["time"]["paused"]:
            self.do("resume")
        cluster = state["clusters"][0]
        if any(broker.get("links") or broker.get("rules") for broker in cluster["brokers"]):
            self.do("heal")
        for broker in cluster["brokers"]:
            if broker["state"] in {"down", "stopped"}:
                self.do(f"start broker {broker['id']}")
            if broker["state"] == "frozen":
                self.do(f"thaw broker {broker['id']}")
        for client in cluster["clients"]:
            if client["state"] in {"crashed", "paused"} and client["ours"]:
                self.do(f"resume client {client['name']}")
        for member in {"billing-1", "billing-2"} - {client["name"] for client in cluster["clients"]}:
            self.do(f"consume orders group=billing as {member}")
        return self.until(is_healthy, "all brokers are up, every replica is in sync, and billing has its two members", seconds=45)

    def calm(self) -> dict:
        """Healthy for some seconds: a client that lost its coordinator too often comes back as a new member a moment later."""
        since, generation = time.monotonic(), -1
        while time.monotonic() - since < CALM_SECONDS:
            state = self.healthy()
            if (now := state["clusters"][0]["groups"][0]["generation"]) != generation:
                since, generation = time.monotonic(), now
            time.sleep(0.2)
        return state

    def _ask(self, path: str, body: dict | None = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data=data, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            # A command that was not done says why in its answer.
            raise OSError(f"{path} {body}: {refused.code} {refused.read().decode(errors='replace')}") from None


def is_healthy(state: dict) -> bool:
    """All brokers up, every partition led, every replica in sync, the first group shared out."""
    cluster = state["clusters"][0]
    partitions = [part for topic in cluster["topics"] for part in topic["partitions"]]
    return (
        cluster["controller"] >= 0
        and all(broker["state"] == "up" for broker in cluster["brokers"])
        and all(part["leader"] >= 0 and len(part["isr"]) == len(part["replicas"]) for part in partitions)
        and shares(cluster) == {"billing-1": 3, "billing-2": 3}
    )


def shares(cluster: dict, group: str = "billing") -> dict[str, int]:
    """How many partitions each member owns; empty while the group has not settled."""
    found = next((one for one in cluster["groups"] if one["name"] == group), None)
    if found is None or found["state"] != "Stable":
        return {}
    return {one["client_id"]: sum(map(len, one["assignment"].values())) for one in found["members"]}
