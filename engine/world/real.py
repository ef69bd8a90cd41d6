"""The world as it is, and the loop that it runs on."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from engine.world.chance import Chance
from engine.world.clock import Clock
from engine.world.gates import Gates
from engine.world.links import NO_DELAY_MS, Links
from engine.world.os_disk import OsDisk
from engine.world.os_network import OsNetwork
from engine.world.world import World


def real_world(*, start_ms: int | None = None, log: Callable[[str], None] | None = None, name: str = "") -> World:
    """A world of this machine, inside a running loop. `start_ms`: what the clock shows now, if not the machine's time.

    `name`: what this process is called on the links.
    """
    clock, chance = Clock(start_ms=start_ms), Chance()
    links = Links(chance.split("links"), healthy_ms=NO_DELAY_MS)
    return World(
        clock=clock,
        network=OsNetwork(Gates(clock=clock, links=links, near=name)),
        disk=OsDisk(),
        chance=chance,
        log=log or _to_standard_error,
    )


def run(main: Coroutine[Any, Any, int | None]) -> int | None:
    """Runs `main` on uvloop where there is one, else on asyncio's own loop. A crashed task ends the process with status 70."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.get_loop().set_exception_handler(_crash)
        return runner.run(main)


def new_loop() -> asyncio.AbstractEventLoop:
    """The fastest loop that is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _to_standard_error(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _crash(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    loop.default_exception_handler(context)
    # EX_SOFTWARE: going on after a bug would show a cluster that is not what it says it is.
    if isinstance(context.get("exception"), Exception):
        sys.stderr.flush()
        raise SystemExit(70)
