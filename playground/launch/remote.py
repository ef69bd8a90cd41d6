"""Talking to the playground that runs: where it is, and what it answers."""

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from playground.launch.steps import PLAY, SetupFailed

RUNNING = PLAY / "running"  # one file for each running playground, by its port: {"address", "pid", "data"}
ANSWER_SECONDS_MAX = 30


def do(line: str) -> int:
    """Gives one command line; prints what came of it; 0 when it was done."""
    if not line.strip():
        raise SetupFailed('which command? For example: ./play do "kill broker 2"')
    status, answer = call("/api/commands", {"line": line})
    print(answer.get("message", answer), file=sys.stdout if status == 200 else sys.stderr)
    return 0 if status == 200 and answer.get("ok") else 1


def state() -> int:
    """Prints the snapshot as JSON."""
    status, answer = call("/api/state")
    try:
        print(json.dumps(answer, indent=2), flush=True)
    except BrokenPipeError:  # whoever reads has seen enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0 if status == 200 else 1


def call(path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    """(HTTP status, JSON answer) of the running playground. Raises SetupFailed when none runs."""
    cards = sorted(RUNNING.glob("*.json"), key=lambda card: card.stat().st_mtime)
    if not cards:
        raise SetupFailed("no playground runs from this folder; start one with ./play")
    return fetch(json.loads(cards[-1].read_text())["address"] + path, body)


def announce(port: int, *, address: str, data: str) -> Path:
    """Tells `./play do` and `./play state` where we are, until the returned file is removed. The newest is asked."""
    RUNNING.mkdir(parents=True, exist_ok=True)
    card = RUNNING / f"{port}.json"
    card.write_text(json.dumps({"address": address, "pid": os.getpid(), "data": data}))
    return card


def fetch(url: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    """(HTTP status, JSON answer). Raises SetupFailed when nobody answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    # Loopback needs no proxy, whatever the environment says.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=ANSWER_SECONDS_MAX) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")
        try:
            return error.code, json.loads(text)
        except ValueError:
            return error.code, {"message": text.strip()[:500]}
    except OSError as error:
        raise SetupFailed(f"the playground does not answer at {url}: {error}") from error
