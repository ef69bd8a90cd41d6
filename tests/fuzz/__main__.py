"""python -m tests.fuzz, or ./play fuzz: hostile requests for as long as you like, from one seed, with a summary at the end."""

import argparse
import sys

from tests.fuzz.campaign import Campaign, run


def main() -> int:
    """1 when something was found."""
    options = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    options.add_argument("--seconds", type=float, default=60, help="no new round after that (60)")
    options.add_argument("--requests", type=int, default=0, help="as many instead of by time")
    options.add_argument("--seed", type=int, default=1, help="of the first round, the next ones above it (1)")
    options.add_argument("--api", default="", help="of this name alone")
    options.add_argument("--jobs", type=int, default=1, help="processes (1)")
    options.add_argument("--sockets", action="store_true", help="three real brokers over TCP, with another client's latency and memory")
    options.add_argument("--pace", type=float, default=0, help="requests a second over sockets, to see whether bad ones hold others up (0: a flood)")
    chosen = options.parse_args()
    if chosen.sockets:
        from tests.fuzz.sockets import fuzz_processes

        return fuzz_processes(seed=chosen.seed, seconds=chosen.seconds, requests=chosen.requests, pace=chosen.pace)
    campaign = Campaign(seed=chosen.seed, seconds=chosen.seconds, requests=chosen.requests, api=chosen.api, jobs=chosen.jobs)
    tally = run(campaign, lambda line: print(line, flush=True))
    print(tally.summary())
    return 1 if tally.findings else 0


if __name__ == "__main__":
    sys.exit(main())
