"""The fixtures of the browser tests: one playground, a page that is alive, and its console, where any error is refused."""

import os
import re
from pathlib import Path

import pytest

from tests.browser.real_playground import Playground

SHOTS = Path(__file__).parents[2] / "test-results"
ALIVE = "() => playground.snapshot !== null && document.querySelectorAll('button.bh').length > 0"


@pytest.fixture(scope="session")
def playground(tmp_path_factory):
    """One playground for all browser tests; each test leaves it healthy."""
    running = Playground(tmp_path_factory.mktemp("play") / "data")
    try:
        yield running
    finally:
        seconds = running.stop()
    assert seconds < 8


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return browser_type_launch_args | {
        "executable_path": os.environ["CHROMIUM"],
        "args": ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
    }


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return browser_context_args | {"locale": "en-US", "viewport": {"width": 1440, "height": 900}, "color_scheme": "light"}


class Console:
    """What pages complain about. `forgiven`: what a test provokes on purpose."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.forgiven: str | None = None

    def listen(self, page) -> None:
        """Hears this page too."""
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def complaints(self) -> list[str]:
        """What is not forgiven."""
        return [error for error in self.errors if not (self.forgiven and re.search(self.forgiven, error))]


@pytest.fixture
def console():
    """Every error that a page's console tells fails the test."""
    heard = Console()
    yield heard
    assert heard.complaints() == []


@pytest.fixture
def visit(playground, console):
    """Opens the playground in a page and waits until it is alive there."""

    def go(page):
        console.listen(page)
        page.goto(playground.address)
        page.wait_for_function(ALIVE)
        return page

    return go


@pytest.fixture
def screen(page, playground, visit):
    """The page, alive, on a healthy cluster."""
    playground.healthy()
    return visit(page)


@pytest.fixture
def shot(page):
    """Keeps a screenshot under test-results."""
    SHOTS.mkdir(exist_ok=True)
    return lambda name: page.screenshot(path=SHOTS / f"{name}.png")
