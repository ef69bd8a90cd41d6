"""Apache Kafka itself, as tests and benchmarks have it: its starter, its tools, and a cluster of three nodes in a home of its own."""

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PEER = Path(os.environ.get("KAFKA_PEER_SCRIPT", ROOT.parent / "shared" / "peer" / "kafka"))
HOME = Path(os.environ.get("KAFKA_PEER", Path.home() / ".cache" / "kafka-peer"))
FIRST_PORT = int(os.environ.get("KAFKA_PEER_PORT", "25092"))  # below the ports that the system lends to outgoing connections
NODES, CONTROLLERS_ABOVE = 3, 1000
PORTS_TRIED, STEP = 50, 10
START_S = 180  # its starter gives up after 120 and says so
STARTS = 2  # three JVMs that elect with short timings on a busy machine may miss their first registration, and end
LOG_CHARACTERS = 3000


def free_port(first: int = FIRST_PORT) -> int:
    """The first of as many free ports in a row as there are nodes, with their controllers' above them."""
    for port in range(first, first + PORTS_TRIED * STEP, STEP):
        if all(_is_free(port + node + above) for node in range(NODES) for above in (0, CONTROLLERS_ABOVE)):
            return port
    raise OSError(f"no {NODES} free ports in a row from {first} on, with those {CONTROLLERS_ABOVE} above them")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Java's own: a port that only waits for its end is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def tool(name: str, *words: str, feed: str | None = None, fails: bool = False, within_s: float = 60) -> str:
    """Runs one of Kafka's tools; all that it prints. `fails`: it must, and otherwise must not."""
    done = subprocess.run([str(PEER), name, *words], input=feed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=within_s)
    assert (done.returncode != 0) == fails, done.stdout
    return done.stdout


class ApacheKafkaProcess:
    """Three nodes in racks r1 to r3. Use it in a `with`; `settings` are lines of `server.properties`."""

    def __init__(self, folder: Path, settings: tuple[str, ...] = ()) -> None:
        assert PEER.exists() and shutil.which("java"), f"Apache Kafka needs Java, and its starter at {PEER} (KAFKA_PEER_SCRIPT)"
        self._home = folder / "apache"
        self._home.mkdir()
        if (HOME / "lib").exists():
            (self._home / "lib").symlink_to(HOME / "lib")
        self._options = [word for setting in settings for word in ("--set", setting)]
        told = self._started()
        self.bootstrap: str = told["bootstrap"]
        self.listening_s: float = told["all_listening_s"]  # from the first exec to the last port
        self.pids = [self.pid(node) for node in range(1, NODES + 1)]

    def _started(self) -> dict:
        left = STARTS
        while True:
            left -= 1
            try:
                told = self.order("up", "--nodes", str(NODES), "--port", str(free_port()), *self._options)
                return json.loads(told.splitlines()[-1])
            except (AssertionError, subprocess.TimeoutExpired) as error:
                said = f"Apache Kafka did not start: {error}\n{self._logs()}"
                self.order("down")
                if not left:
                    raise AssertionError(said) from error
                print(said, "\nonce more", file=sys.stderr)
            except BaseException:
                self.order("down")
                raise

    def order(self, *words: str) -> str:
        """One of the starter's own words: kill, freeze, thaw, start with a node's number."""
        surroundings = os.environ | {"KAFKA_PEER": str(self._home)}
        done = subprocess.run([str(PEER), *words], env=surroundings, capture_output=True, text=True, timeout=START_S)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def shell(self, *words: str) -> str:
        """The shell command that gives the same order."""
        return shlex.join(("env", f"KAFKA_PEER={self._home}", str(PEER))) + " " + " ".join(words)

    def pid(self, node: int) -> int:
        """Of its process."""
        return int((self._home / "run" / f"node-{node}.pid").read_text())

    def _logs(self) -> str:
        files = sorted((self._home / "run").glob("node-*.log"))
        return "\n".join(f"{file.name}: … {file.read_text(errors='replace')[-LOG_CHARACTERS:]}" for file in files)

    def __enter__(self) -> "ApacheKafkaProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.order("down")
