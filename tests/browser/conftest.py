"""The real stack for browser tests: `./play` as a subprocess, and a page in headless Chromium."""

import json
import os
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from playground.launch import ports

ROOT = Path(__file__).parents[2]
START_SECONDS_MAX = 90
SHOTS = ROOT / "test-results"


class Playground:
    """A running playground, driven over its own doors."""

    def __init__(self, data: Path, *extra: str) -> None:
        self.port = ports.any_free()
        self.kafka_port = ports.free_run(19092 + os.getpid() % 1000, 12)
        self.address = f"http://localhost:{self.port}"
        self.data = data
        self._log = open(data.parent / "play.log", "ab")
        self._command = [
            str(ROOT / "play"), "--no-open", "--port", str(self.port), "--kafka-port", str(self.kafka_port), "--data", str(data), *extra,
        ]
        self.start()

    def start(self) -> None:
        """Starts it and waits for its card."""
        self.process = subprocess.Popen(self._command, cwd=ROOT, stdout=self._log, stderr=self._log, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"./play ended:\n{Path(self._log.name).read_text()[-3000:]}"
            try:
                if any(cluster["controller"] >= 0 for cluster in self.state()["clusters"]):
                    return
            except (OSError, ValueError, KeyError):
                pass
            time.sleep(0.1)
        raise TimeoutError(f"./play was not ready after {START_SECONDS_MAX} s:\n{Path(self._log.name).read_text()[-3000:]}")

    def stop(self) -> float:
        """As Ctrl-C does; returns the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        return time.monotonic() - began

    def state(self) -> dict:
        """The snapshot."""
        return self._ask("/api/state")

    def facts(self, after: int = 0) -> list[dict]:
        """The facts after that number."""
        answer = self._ask(f"/api/facts?after={after}&limit=5000")
        return answer["facts"] if isinstance(answer, dict) else answer

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
        raise AssertionError(f"not so after {seconds} s: {sentence}\n{json.dumps(self.state())[:3000]}")

    def healthy(self) -> dict:
        """All brokers up and every replica in sync; starts what is down."""
        for broker in self.state()["clusters"][0]["brokers"]:
            if broker["state"] in {"down", "stopped"}:
                self.do(f"start broker {broker['id']}")
            if broker["state"] == "frozen":
                self.do(f"thaw broker {broker['id']}")
        return self.until(is_healthy, "all brokers are up and every replica is in sync")

    def _ask(self, path: str, body: dict | None = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data=data, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def is_healthy(state: dict) -> bool:
    """All brokers up, every partition led, every replica in sync."""
    cluster = state["clusters"][0]
    partitions = [part for topic in cluster["topics"] for part in topic["partitions"]]
    return (
        all(broker["state"] == "up" for broker in cluster["brokers"])
        and bool(partitions)
        and all(part["leader"] >= 0 and len(part["isr"]) == len(part["replicas"]) for part in partitions)
    )


@pytest.fixture(scope="session")
def playground(tmp_path_factory):
    """One playground for all browser tests; each test leaves it healthy."""
    running = Playground(tmp_path_factory.mktemp("play") / "data")
    yield running
    assert running.stop() < 8


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return browser_type_launch_args | {
        "executable_path": os.environ["CHROMIUM"],
        "args": ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
    }


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return browser_context_args | {"locale": "en-US", "viewport": {"width": 1440, "height": 900}}


@pytest.fixture
def screen(page, playground):
    """The page, alive, with every console error collected and refused at the end."""
    errors = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    playground.healthy()
    page.goto(playground.address)
    page.wait_for_function("Number(document.documentElement.dataset.number ?? document.querySelector('[data-number]')?.dataset.number) > 0")
    yield page
    assert errors == [], f"the console says: {errors}"


@pytest.fixture
def shot(page):
    """Keeps a screenshot under test-results."""
    SHOTS.mkdir(exist_ok=True)
    return lambda name: page.screenshot(path=SHOTS / f"{name}.png")
