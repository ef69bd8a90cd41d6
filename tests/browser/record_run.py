"""Records what a page is told during a kill, a start and a rebalance, for the tests of the fold: python -m tests.browser.record_run

Needs a running playground's address; writes tests/shared/recorded_run.json: {before: snapshot, frames, after: fresh snapshot}.
"""

import json
import os
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

RECORDED = Path(__file__).parents[1] / "shared" / "recorded_run.json"
# A quiet producer, so that the recording is about what happens, not about how many frames there are.
LINES = (
    ("kill broker 2", 3.0), ("start broker 2", 4.0), ("crash client billing-2", 7.5), ("resume client billing-2", 4.0),
    ("create topic parcels partitions=2 replication=2", 1.0), ("stop broker 3", 2.0), ("start broker 3", 3.0), ("close client billing-1", 1.5),
)


def listen(page, address: str) -> list[dict]:
    """Opens the page and returns the list that all its messages are put into."""
    told: list[dict] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda payload: told.append(json.loads(payload))))
    page.goto(address)
    page.wait_for_function("() => playground.snapshot !== null")
    return told


def record(address: str) -> dict:
    """The run, as the first page heard it, until the second page was given its snapshot."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=["--no-sandbox"])
        page = browser.new_page()
        first = listen(page, address)
        for line, seconds in LINES:
            body = json.dumps({"line": line}).encode()
            asked = urllib.request.Request(f"{address}/api/commands", body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(asked, timeout=30) as answer:
                assert json.load(answer)["ok"], line
            page.wait_for_timeout(seconds * 1000)
        second = listen(browser.new_page(), address)
        after = next(one for one in second if one["type"] == "snapshot")
        before = next(one for one in first if one["type"] == "snapshot")
        began = time.monotonic()
        while not any(one.get("sequence") == after["sequence"] for one in first if one["type"] == "frame"):
            assert time.monotonic() - began < 10, "the first page has not heard what the second knows"
            page.wait_for_timeout(50)
        browser.close()
    frames = [one for one in first if one["type"] == "frame" and before["sequence"] < one["sequence"] <= after["sequence"]]
    kept = [{name: frame[name] for name in ("from", "number", "at_ms", "facts", "traffic")} for frame in frames]
    return {"before": before["snapshot"], "frames": kept, "after": after["snapshot"]}


if __name__ == "__main__":
    RECORDED.write_text(json.dumps(record(sys.argv[1]), separators=(",", ":")) + "\n")
    print(f"{RECORDED}: {RECORDED.stat().st_size} bytes")
