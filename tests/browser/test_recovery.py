"""The host and the web server die: they are started again, the page says so meanwhile, and comes back without a reload."""

import os
import signal
import time

import pytest
from playwright.sync_api import expect

from tests.browser.seen import believed, number, twin

BACK_SECONDS_MAX = 40


def is_back(page, before: int) -> None:
    """The page knows everything again, by itself."""
    page.wait_for_function(
        """(before) => playground.link === 'up' && playground.host === 'up' && playground.snapshot.number >= before
            && playground.snapshot.clusters[0].brokers.every((broker) => broker.state === 'up')""",
        arg=before, timeout=BACK_SECONDS_MAX * 1000,
    )
    assert page.evaluate("() => window.never_reloaded")
    assert len(twin(page)) == sum(len(part["replicas"]) for topic in believed(page)["clusters"][0]["topics"] for part in topic["partitions"])


@pytest.mark.parametrize(
    ("name", "said"),
    [("host", "The host does not answer."), ("web", "The page lost its server.")],
)
def test_what_dies_comes_back_and_the_page_with_it(screen, playground, console, name, said):
    console.forgiven = "WebSocket|ERR_CONNECTION_REFUSED|503"
    screen.evaluate("() => { window.never_reloaded = true }")
    before, victim, began = number(screen), playground.pid_of(name), time.monotonic()
    banner = screen.locator("div[role=status] .banner")
    if name == "host":
        # It is started again before its silence is told; so it stands still first.
        os.kill(victim, signal.SIGSTOP)
        expect(banner).to_contain_text(said, timeout=8_000)
    os.kill(victim, signal.SIGKILL)
    expect(banner).to_contain_text(said, timeout=8_000)
    told = time.monotonic() - began
    expect(banner).to_have_count(0, timeout=BACK_SECONDS_MAX * 1000)
    is_back(screen, before)
    print(f"\n{name}: said after {told:.1f} s, all there again after {time.monotonic() - began:.1f} s")
    assert f"{name} ended with status -9; it is started again" in playground.told()
    playground.healthy()


def test_a_host_that_is_killed_is_back_in_a_moment(screen, playground):
    screen.evaluate("() => { window.never_reloaded = true }")
    before, began = number(screen), time.monotonic()
    os.kill(playground.pid_of("host"), signal.SIGKILL)
    screen.wait_for_function("(before) => playground.snapshot.number > before", arg=before, timeout=BACK_SECONDS_MAX * 1000)
    is_back(screen, before)
    print(f"\nhost killed: all brokers up again after {time.monotonic() - began:.1f} s")
    playground.healthy()


def test_a_lost_worker_is_not_noticed_for_long(screen, playground):
    os.kill(playground.pid_of("worker"), signal.SIGKILL)
    screen.wait_for_function(
        "() => playground.facts.filter((fact) => fact.kind === 'AppResumed').length >= 3", timeout=BACK_SECONDS_MAX * 1000
    )
    playground.healthy()
