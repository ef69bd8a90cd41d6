"""Starts again what died; gives up on what dies too often."""

import sys
import time

from playground.launch import processes

DEATHS_PER_MINUTE_MAX = 3  # what dies more often is broken, and its log says how
LOOK_SECONDS = 0.2
# Without the data store the others cannot find each other again: its end is the end of all.
IRREPLACEABLE = {"valkey"}


def watch(children: list[processes.Child]) -> int:
    """Returns the exit status when a process cannot be replaced; until then it keeps `children` running, in place."""
    deaths: dict[str, list[float]] = {}
    while True:
        time.sleep(LOOK_SECONDS)
        for place, child in enumerate(children):
            if (status := child.process.poll()) is None:
                continue
            told = f"{child.name} ended with status {status}"
            before = deaths.setdefault(child.name, [])
            before.append(time.monotonic())
            if child.name in IRREPLACEABLE or not may_live_again(before):
                print(f"{told}; see {child.log}\n{processes.last_words(child)}", file=sys.stderr)
                return 1
            print(f"{told}; it is started again", file=sys.stderr, flush=True)
            children[place] = processes.again(child)


def may_live_again(deaths: list[float]) -> bool:
    """`deaths`: when it died, in seconds, the last one just now."""
    return sum(deaths[-1] - at < 60 for at in deaths) <= DEATHS_PER_MINUTE_MAX
