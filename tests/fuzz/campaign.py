"""Rounds of hostile requests, each on a fresh cluster with a seed of its own, on as many processes as asked for."""

import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass

from engine.protocol.api_keys import API_KEYS
from tests.fuzz.in_process import CLIENT_APIS, NODE_APIS, Plan, run_round
from tests.fuzz.tally import Tally

ROUND_REQUESTS = 25_000  # so that a finding's round is soon replayed
NODES = (1, 3)  # a cluster of one reaches more of the handlers, a cluster of three forwards and replicates


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """`requests` 0: as many as the time allows. `api` "": all of them."""

    seed: int = 1
    seconds: float = 60.0
    requests: int = 0
    api: str = ""
    jobs: int = 1

    def plans(self) -> Iterator[Plan]:
        """Round after round, until the requests or the time are used up. Raises KeyError when nobody serves the API."""
        ends, left, seed = time.monotonic() + self.seconds, self.requests, self.seed
        while left > 0 if self.requests else time.monotonic() < ends:
            size = min(left, ROUND_REQUESTS) if self.requests else ROUND_REQUESTS
            yield plan_of(seed, size, self.api)
            left, seed = left - size, seed + 1


def plan_of(seed: int, requests: int, api: str) -> Plan:
    """A round is decided by its seed."""
    plan = Plan(seed=seed, requests=requests, nodes=NODES[seed % len(NODES)])
    if api:
        plan.apis = [pair for pair in CLIENT_APIS if API_KEYS[pair[0]].name == api]
        plan.node_apis = [pair for pair in NODE_APIS if API_KEYS[pair[0]].name == api]
        if not plan.apis and not plan.node_apis:
            raise KeyError(f"no API {api!r} is served")
    return plan


def one_round(plan: Plan) -> Tally:
    """In a process of its own, perhaps."""
    tally = Tally()
    run_round(plan, tally)
    tally.measure()
    for finding in tally.findings:
        finding.what = f"seed {plan.seed}, {plan.nodes} nodes: {finding.what}"
    return tally


def run(campaign: Campaign, tell=print) -> Tally:
    """All rounds together; tells a line after each."""
    whole = Tally()
    if campaign.jobs == 1:
        for plan in campaign.plans():
            whole.add(one_round(plan))
            tell(whole.line())
        return whole
    with multiprocessing.get_context("fork").Pool(campaign.jobs, maxtasksperchild=1) as pool:
        # Lazily, so that a plan is only made when somebody can take it: it is how the campaign knows the time.
        plans, running = campaign.plans(), []
        while True:
            while len(running) < campaign.jobs and (plan := next(plans, None)) is not None:
                running.append(pool.apply_async(one_round, (plan,)))
            if not running:
                return whole
            whole.add(running.pop(0).get())
            tell(whole.line())
