"""What `./play` was asked for, and who does it."""

import argparse
import os
import sys

from playground.launch import environment
from playground.launch.steps import PLAY, ROOT, SetupFailed

WORDS = ("do", "state", "test", "bench", "simulate", "fuzz", "engine", "tool")


def main(arguments: list[str], *, usage: str) -> int:
    """Runs one call of `./play`; returns its exit status."""
    try:
        if arguments and arguments[0] in WORDS:
            return _word(arguments[0], arguments[1:])
        from playground.launch.serve import serve

        return serve(_options(arguments, usage))
    except SetupFailed as error:
        print(f"play: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _options(arguments: list[str], usage: str) -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="play", usage=usage.split("\n\n", 1)[1], add_help=True)
    options.add_argument("--port", type=int, default=8000, help="of the page (8000)")
    options.add_argument("--kafka-port", type=int, default=9092, help="of the first broker, the next ones above it (9092)")
    options.add_argument("--brokers", type=int, default=3, help="how many on the first start (3)")
    options.add_argument("--profile", choices=("demo", "kafka"), default="demo", help="timings: quick to watch, or Kafka's own")
    options.add_argument("--data", default=str(PLAY / "data"), metavar="DIR", help="kept between runs")
    options.add_argument("--fresh", action="store_true", help="empty the data folder first")
    options.add_argument("--no-open", action="store_true", help="do not open a browser")
    return options.parse_args(arguments)


def _word(word: str, rest: list[str]) -> int:
    # Each word loads its own: what `engine` does not need would be a tenth of its start.
    if word in ("do", "state"):
        from playground.launch import remote

        return remote.do(" ".join(rest)) if word == "do" else remote.state()
    if word == "test":
        from playground.launch import suites

        return suites.test(rest)
    environment.python_packages(environment.REQUIREMENTS if word in ("engine", "tool") else environment.TEST_REQUIREMENTS)
    if word == "bench":
        from playground.launch import suites

        return suites.bench(rest)
    module = {"engine": "engine", "tool": "engine.tools", "simulate": "tests.simulation", "fuzz": "tests.fuzz"}[word]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    os.execv(environment.PYTHON, [str(environment.PYTHON), "-m", module, *rest])
