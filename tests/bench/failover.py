"""Leaders are killed under acks=all traffic, on our cluster and on Apache Kafka in the same run: silence, lost, duplicated, reordered.

    ./play bench failover [--kills 5] [--profile kafka|demo] [--only ours|kafka] [--victim leader|controller]

Profile `kafka` is Kafka's own timing on both sides; `demo` is ours alone. Victim `controller`, ours alone too: the active controller's
node dies each time, whatever it leads; read `gap` and `others` as one.
Needs Java, Maven and the peer's scripts (KAFKA_PEER_SCRIPT, default ../shared/peer/kafka, with failover.py beside it).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.clients.apache_kafka import PEER, ROOT, ApacheKafkaProcess


class Ours:
    """`python -m engine` whose command lines come through a named pipe, so that a shell command can kill a broker."""

    def __init__(self, folder: str, profile: str) -> None:
        self.pipe = str(Path(folder) / "lines")
        os.mkfifo(self.pipe)
        self._lines = os.open(self.pipe, os.O_RDWR)
        command = [str(ROOT / "play"), "engine", "--brokers", "3", "--racks", "a,b,c", "--port", "0", "--data", f"{folder}/data", "--profile", profile]
        self.process = subprocess.Popen(command, stdin=self._lines, stdout=subprocess.PIPE, text=True)
        self.bootstrap = json.loads(self.process.stdout.readline())["bootstrap_servers"]
        self.controller = Path(folder) / "controller"
        self.closing = False
        self._follower = threading.Thread(target=self._follow_controller, daemon=True)
        self._follower.start()

    def order(self, words: str) -> str:
        """A shell command that gives this line."""
        return f"sh -c 'echo {words} > {self.pipe}'"

    def orders(self, victim: str) -> tuple[str, str]:
        """Shell commands that kill and start the victim."""
        if victim == "leader":
            return self.order("kill broker {broker}"), self.order("start broker {broker}")
        last = f"{self.controller}.killed"
        return f"sh -c 'cp {self.controller} {last}; echo kill broker $(cat {last}) > {self.pipe}'", self.order(f"start broker $(cat {last})")

    def _follow_controller(self) -> None:
        os.write(self._lines, b"state\n")
        for line in self.process.stdout:
            answer = json.loads(line)
            if "clusters" in answer:
                self.controller.write_text(str(answer["clusters"][0]["controller"]))
                time.sleep(0.2)
                if self.process.poll() is None and not self.closing:
                    os.write(self._lines, b"state\n")

    def close(self) -> None:
        self.closing = True
        self.process.terminate()
        self.process.wait(10)
        self._follower.join()
        os.close(self._lines)


def measure(name: str, bootstrap: str, kill: str, start: str, kills: int) -> None:
    """Prints every kill's silence, and the sum."""
    print(f"# {name}", flush=True)
    script = [sys.executable, str(PEER.parent / "failover.py"), bootstrap, "--kill", kill, "--start", start, "--kills", str(kills)]
    subprocess.run(script, check=True)


def main() -> None:
    """Kafka first, then ours; the exit status is 1 when anything was lost, duplicated or reordered."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=5)
    options.add_argument("--profile", choices=("kafka", "demo"), default="kafka")
    options.add_argument("--only", choices=("ours", "kafka"))
    options.add_argument("--victim", choices=("leader", "controller"), default="leader")
    chosen = options.parse_args()
    if chosen.profile == "kafka" and chosen.only != "ours" and chosen.victim == "leader":
        with tempfile.TemporaryDirectory() as folder, ApacheKafkaProcess(Path(folder)) as kafka:
            measure("Apache Kafka", kafka.bootstrap, kafka.shell("kill", "{broker}"), kafka.shell("start", "{broker}"), chosen.kills)
    if chosen.only != "kafka":
        with tempfile.TemporaryDirectory() as folder:
            ours = Ours(folder, chosen.profile)
            try:
                measure(f"ours, profile {chosen.profile}, {chosen.victim}", ours.bootstrap, *ours.orders(chosen.victim), chosen.kills)
            finally:
                ours.close()


if __name__ == "__main__":
    main()
