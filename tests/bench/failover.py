"""Leaders are killed under acks=all traffic, on our cluster and on Apache Kafka in the same run: silence, lost, duplicated, reordered.

    ./play bench failover [--kills 5] [--profile kafka|demo] [--only ours|kafka] [--victim leader|controller]

Profile `kafka` is Kafka's own timing on both sides; `demo` is ours alone. Victim `controller`: the node that leads the metadata log
dies each time, whatever else it leads; read `gap` and `others` as one.
Needs Java, Maven and the peer's scripts (KAFKA_PEER_SCRIPT, default ../shared/peer/kafka, with failover.py beside it).
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from tests.clients.apache_kafka import PEER, ROOT, ApacheKafkaProcess
from tests.clients.raw_client import RawClient


class Ours:
    """`python -m engine` whose command lines come through a named pipe, so that a shell command can kill a broker."""

    def __init__(self, folder: str, profile: str) -> None:
        self.pipe = str(Path(folder) / "lines")
        os.mkfifo(self.pipe)
        self._lines = os.open(self.pipe, os.O_RDWR)
        command = [str(ROOT / "play"), "engine", "--brokers", "3", "--racks", "a,b,c", "--port", "0", "--data", f"{folder}/data", "--profile", profile]
        self.process = subprocess.Popen(command, stdin=self._lines, stdout=subprocess.PIPE, text=True)
        self.bootstrap = json.loads(self.process.stdout.readline())["bootstrap_servers"]
        self._answers = threading.Thread(target=self.process.stdout.read, daemon=True)  # nobody asks for them, and a full pipe would stop it
        self._answers.start()

    def shell(self, verb: str, broker: str) -> str:
        """The shell command that gives the order."""
        return f"echo {verb} broker {broker} > {self.pipe}"

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self._answers.join()
        os.close(self._lines)


def orders(shell: Callable[[str, str], str], bootstrap: str, victim: str, folder: str) -> tuple[str, str]:
    """What failover.py is to run to kill the victim and to start it again; it puts the leader's number for {broker}."""
    if victim == "leader":
        return inside(shell("kill", "{broker}")), inside(shell("start", "{broker}"))
    noted = f"{folder}/victim"
    ask = f"{shlex.quote(sys.executable)} {shlex.quote(__file__)} --who-leads-metadata {bootstrap} > {noted}"
    return inside(f"{ask} && {shell('kill', f'$(cat {noted})')}"), inside(shell("start", f"$(cat {noted})"))


def inside(line: str) -> str:
    """A line for a program that knows no shell."""
    return f"sh -c {shlex.quote(line)}"


def who_leads_metadata(bootstrap: str) -> int:
    """The active controller's node, by any broker that answers."""
    log = {"topic_name": "__cluster_metadata", "partitions": [{"partition_index": 0}]}
    for address in bootstrap.split(","):
        try:
            with RawClient(address) as client:
                return client.ask("DescribeQuorum", 1, topics=[log]).topics[0].partitions[0].leader_id
        except OSError:
            continue
    raise ConnectionError(f"none of {bootstrap} answers")


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
    options.add_argument("--who-leads-metadata", metavar="BOOTSTRAP", help="print its number, and nothing else")
    chosen = options.parse_args()
    if chosen.who_leads_metadata:
        return print(who_leads_metadata(chosen.who_leads_metadata))
    if chosen.profile == "kafka" and chosen.only != "ours":
        with tempfile.TemporaryDirectory() as folder, ApacheKafkaProcess(Path(folder)) as kafka:
            measure(f"Apache Kafka, {chosen.victim}", kafka.bootstrap, *orders(kafka.shell, kafka.bootstrap, chosen.victim, folder), chosen.kills)
    if chosen.only != "kafka":
        with tempfile.TemporaryDirectory() as folder:
            ours = Ours(folder, chosen.profile)
            try:
                how = orders(ours.shell, ours.bootstrap, chosen.victim, folder)
                measure(f"ours, profile {chosen.profile}, {chosen.victim}", ours.bootstrap, *how, chosen.kills)
            finally:
                ours.close()
    return None


if __name__ == "__main__":
    main()
