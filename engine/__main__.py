"""`python -m engine`: a bare cluster in the foreground, without the web; its standard input takes command lines.

    python -m engine --brokers 3 --racks a,b,c --port 9092 --data DIR --profile kafka --set log.segment.bytes=1048576

Prints one JSON line when every broker is up and a controller is active. Ctrl-C stops all in good order.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

# phantom-types, which kio stands on, imports hypothesis where it is installed: 130 ms before a cluster can start.
sys.modules.setdefault("hypothesis", None)  # type: ignore[arg-type]

from engine.cluster import warm  # noqa: E402

if TYPE_CHECKING:
    from engine.cluster.launch import Launcher
    from engine.world.warm_parent import WarmParent

FRAME_MS = 50


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 after a stop, 1 when the cluster could not start."""
    options = parsed(arguments)
    parent = warm.begin()  # it loads what brokers need while this process loads what it needs itself
    from engine.world.real import run

    return run(live(options, parent)) or 0


async def live(options: argparse.Namespace, parent: "WarmParent") -> int:
    """From the start to the stop."""
    from engine.cluster.launch import Launcher, Refused
    from engine.storage.checkpoints import CheckpointError
    from engine.world.processes import on_input_lines, on_signals
    from engine.world.real import real_world
    from engine.world.tasks import Signal, spawn

    stop = Signal()
    on_signals(stop.set)
    launcher = Launcher(parent)
    world = real_world()
    sandbox, cluster = furnished(world, options, launcher)
    try:
        if not await first_of(begun(sandbox, cluster), stop.wait()):
            await cluster.close()
            return 0
    except (CheckpointError, Refused, OSError, ValueError) as error:
        print(f"engine: {error}", file=sys.stderr)
        await cluster.close()
        return 1
    brokers = [{"id": one.id, "pid": one.pid, "port": one.port, "rack": one.rack} for _, one in sorted(cluster.brokers.items())]
    say({"bootstrap_servers": cluster.bootstrap_servers, "brokers": brokers})
    on_input_lines(lambda line: line and spawn(do(sandbox, line), name=line))
    frames = spawn(take_frames(world, sandbox), name="frames")
    await stop.wait()
    frames.cancel()
    await sandbox.close()
    return 0


async def begun(sandbox: Any, cluster: Any) -> None:
    """Every broker is unfenced."""
    await sandbox.start()
    await cluster.ready()


async def first_of(work: Any, interruption: Any) -> bool:
    """Was the work done before the interruption came? It is cancelled then; its errors are raised."""
    from engine.world.tasks import Promise, spawn

    ended: Promise[bool] = Promise()

    async def watch(awaited: Any, meaning: bool) -> None:
        try:
            await awaited
            ended.resolve(meaning)
        except Exception as error:
            ended.refuse(error)

    tasks = [spawn(watch(work, True), name="start"), spawn(watch(interruption, False), name="interruption")]
    try:
        return await ended.wait()
    finally:
        for task in tasks:
            task.cancel()


def furnished(world: Any, options: argparse.Namespace, launcher: "Launcher") -> tuple[Any, Any]:
    """The sandbox and the cluster in it; nothing runs yet."""
    from engine.cluster.cluster import Cluster
    from engine.events.journal import Journal
    from engine.sandbox.sandbox import Sandbox
    from engine.sandbox.snapshot import blank

    racks = options.racks.split(",") if options.racks else [None]
    journal = Journal(node=0, incarnation=world.clock.now_ms(), now_ms=lambda: cluster.clock.now_ms())
    cluster = Cluster(
        world=world,
        folder=options.data,
        port=options.port,
        racks=[racks[number % len(racks)] or None for number in range(options.brokers)],
        profile=options.profile,
        journal=journal,
        config=dict(pair.split("=", 1) for pair in options.set),
        launcher=launcher,
    )
    picture = blank(
        sandbox="main", profile=options.profile, configs={}, cluster_id="", bootstrap_servers="", at_ms=world.clock.now_ms()
    )
    return Sandbox(world=world, cluster=cluster, journal=journal, state=picture), cluster


async def do(sandbox: Any, line: str) -> None:
    """One line of standard input; `state` prints the picture, `facts N` what happened after fact N, as far as it is remembered."""
    if line == "state":
        sandbox.take_frame()
        return say(sandbox.snapshot())
    if (asked := line.split())[0] == "facts" and all(word.isdecimal() for word in asked[1:]):
        since = int(asked[1]) if asked[1:] else 0
        return say({"facts": [fact for fact in sandbox.recent if fact["number"] > since]})
    outcome = await sandbox.do(line, by="standard input", door="line")
    return say({"ok": outcome.ok, "message": outcome.message})


async def take_frames(world: Any, sandbox: Any) -> None:
    """Keeps the picture new; nobody looks at the frames."""
    while True:
        await world.clock.sleep(FRAME_MS)
        sandbox.take_frame()


def say(values: dict[str, Any]) -> None:
    """One JSON line."""
    print(json.dumps(values), flush=True)


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The options, checked; wrong ones end the process with a usage line."""
    options = argparse.ArgumentParser(prog="python -m engine", description="A Kafka cluster of real processes.")
    options.add_argument("--brokers", type=int, default=3, help="how many, for a new data folder (3)")
    options.add_argument("--racks", default="", help="comma-separated, one a broker, again from the first when too few")
    options.add_argument("--port", type=int, default=9092, help="of the first broker, the next ones above; 0: free ones (9092)")
    options.add_argument("--data", required=True, help="folder that is kept between runs")
    options.add_argument("--profile", choices=("demo", "kafka"), default="kafka", help="timings to see, or Kafka's own (kafka)")
    options.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a broker config; may be repeated")
    chosen = options.parse_args(arguments)
    if not 1 <= chosen.brokers <= 32:
        options.error(f"--brokers {chosen.brokers}: 1 to 32 are possible")
    wrong = [pair for pair in chosen.set if "=" not in pair]
    if wrong:
        options.error(f"--set {wrong[0]}: NAME=VALUE is expected")
    return chosen


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
