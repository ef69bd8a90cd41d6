"""A class looks on: many viewers of one playground with live traffic; how late a frame comes, and what it costs the web server.

    ./play bench viewers [--viewers 1,10,30,60] [--seconds 10]
"""

import argparse
import asyncio
import json
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path

from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol

from playground.host.limits import FRAMES_AHEAD_MAX
from tests.bench.beside_kafka import pss_mib
from tests.browser.real_playground import Playground

SETTLED_S = 2.0
CONFIRM_EVERY = FRAMES_AHEAD_MAX // 10  # a page confirms each of its own frames, which are three or fewer of ours


class Viewer(WebSocketClientProtocol):
    """Takes frames as a page does, and notes how late they come."""

    def onConnect(self, response):  # noqa: N802
        """A new viewer."""
        self.late_ms: list[float] = []
        self.snapshots = 0
        self.factory.viewers.append(self)

    def onMessage(self, payload, isBinary):  # noqa: N802, N803
        """The time of a frame is that of the cluster's clock, which is the system's while nobody has paused it."""
        message = json.loads(payload)
        if message["type"] == "frame":
            self.late_ms.append(time.time() * 1000 - message["at_ms"])
            if message["sequence"] % CONFIRM_EVERY == 0:
                self.sendMessage(json.dumps({"type": "seen", "sequence": message["sequence"]}).encode())
        self.snapshots += message["type"] == "snapshot"


def cpu_seconds(pid: int) -> float:
    """User and system, until now (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def watch(playground: Playground, viewers: int, seconds: float) -> dict:
    """What `viewers` of them see in that time."""
    factory = WebSocketClientFactory(f"ws://localhost:{playground.port}/ws/sandbox/main/", origin=playground.address)
    factory.protocol, factory.viewers = Viewer, []
    loop = asyncio.get_running_loop()
    transports = [(await loop.create_connection(factory, "localhost", playground.port))[0] for _ in range(viewers)]
    await asyncio.sleep(SETTLED_S)
    for viewer in factory.viewers:
        viewer.late_ms.clear()
    web = playground.pid_of("web")
    before, began = cpu_seconds(web), time.monotonic()
    await asyncio.sleep(seconds)
    took, spent = time.monotonic() - began, cpu_seconds(web) - before
    late = sorted(one for viewer in factory.viewers for one in viewer.late_ms)
    for transport in transports:
        transport.close()
    await asyncio.sleep(SETTLED_S)
    return {
        "viewers": len(factory.viewers), "frames_s_each": len(late) / took / max(1, viewers), "p50_ms": statistics.median(late),
        "p99_ms": late[int(len(late) * 0.99)], "snapshots_each": max(viewer.snapshots for viewer in factory.viewers),
        "web_cpu": spent / took, "web_pss_mib": pss_mib([web]),
    }


def main() -> None:
    """Prints a line for each number of viewers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--viewers", default="1,10,30,60")
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        playground = Playground(Path(folder) / "data")
        try:
            for viewers in map(int, options.viewers.split(",")):
                own = resource.getrusage(resource.RUSAGE_SELF)
                seen = asyncio.run(watch(playground, viewers, options.seconds))
                now = resource.getrusage(resource.RUSAGE_SELF)
                measuring = (now.ru_utime + now.ru_stime - own.ru_utime - own.ru_stime) / (options.seconds + 2 * SETTLED_S)
                print(
                    f"{seen['viewers']:3} viewers: {seen['frames_s_each']:.1f} frames/s each, late p50 {seen['p50_ms']:.0f} p99 {seen['p99_ms']:.0f} ms, "
                    f"snapshots {seen['snapshots_each']}, web server {seen['web_cpu']:.0%} of a processor, PSS {seen['web_pss_mib']:.0f} MiB "
                    f"(this measuring: {measuring:.0%})",
                    flush=True,
                )
        finally:
            playground.stop()


if __name__ == "__main__":
    main()
