"""Our cluster beside Apache Kafka in one run: start, memory, throughput, latency and CPU, as ratios.

    ./play bench beside_kafka [--rounds 3] [--only produce_1k,...] [--port 19292]

Needs Java, Maven and the peer's scripts (KAFKA_PEER_SCRIPT, default ../shared/peer/kafka, with bench.py beside it).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.clients.apache_kafka import PEER, ROOT, ApacheKafkaProcess


def pss_mib(pids: list[int]) -> float:
    """Proportional set size of the processes together."""
    total = 0.0
    for pid in pids:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024
    return total


def start_ours(port: int, data: str) -> tuple[subprocess.Popen, dict, float]:
    """(process, its JSON line, seconds from exec to the line)."""
    began = time.monotonic()
    command = [str(ROOT / "play"), "engine", "--brokers", "3", "--racks", "a,b,c", "--port", str(port), "--data", data, "--profile", "kafka"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    ready = json.loads(process.stdout.readline())
    return process, ready, time.monotonic() - began


def main() -> None:
    """Prints each figure of both, and the ratios."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", default="3")
    options.add_argument("--only", default="")
    options.add_argument("--port", type=int, default=19292)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ours, ready, ours_seconds = start_ours(chosen.port, f"{folder}/ours")
        our_pids = [broker["pid"] for broker in ready["brokers"]]
        try:
            with ApacheKafkaProcess(Path(folder)) as kafka:
                times = kafka.listening_s / ours_seconds
                print(f"start: ours {ours_seconds:.2f} s, kafka {kafka.listening_s} s, {times:.1f} times faster")
                time.sleep(5)
                print(f"idle PSS: ours {pss_mib(our_pids):.0f} MiB, kafka {pss_mib(kafka.pids):.0f} MiB", flush=True)
                pids = [f"ours={','.join(map(str, our_pids))}", f"kafka={','.join(map(str, kafka.pids))}"]
                command = [
                    sys.executable, str(PEER.parent / "bench.py"), f"kafka={kafka.bootstrap}", f"ours={ready['bootstrap_servers']}",
                    "--pids", pids[0], "--pids", pids[1], "--rounds", chosen.rounds, "--only", chosen.only,
                ]
                subprocess.run(command, check=True)
                print(f"PSS after load: ours {pss_mib(our_pids):.0f} MiB, kafka {pss_mib(kafka.pids):.0f} MiB")
        finally:
            ours.terminate()
            ours.wait(10)


if __name__ == "__main__":
    main()
