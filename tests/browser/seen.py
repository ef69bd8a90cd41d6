"""What the page shows, as data: the table twin, heads of brokers, seats of members, and the state that it believes."""

import time

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

SESSION_MS = 6_000  # of a consumer's membership in the first scenario
AGREES_SECONDS_MAX = 5
PATIENCE_MS = 20_000  # a fault and its end, on a machine that does other things too


def twin(page: Page) -> dict[tuple[str, int, int], str]:
    """(topic, partition, broker) -> role, from the table that stands for the canvas."""
    rows = page.eval_on_selector_all("#twin tbody tr", "rows => rows.map((row) => ({...row.dataset}))")
    return {(row["topic"], int(row["partition"]), int(row["broker"])): row["role"] for row in rows}


def roles(cluster: dict) -> dict[tuple[str, int, int], str]:
    """The same from a snapshot: what every replica is."""
    found = {}
    up = {broker["id"]: broker["state"] not in {"down", "stopped", "added"} for broker in cluster["brokers"]}
    for topic in cluster["topics"]:
        for part in topic["partitions"]:
            for broker in part["replicas"]:
                role = "leader" if part["leader"] == broker else "follower" if broker in part["isr"] else "out"
                role = role if part["leader"] >= 0 else "none"
                found[topic["name"], part["partition"], broker] = role if up[broker] else "offline"
    return found


def twin_agrees(page: Page, playground) -> None:
    """The table says what GET /api/state says; leaders that move between the two looks are looked at again."""
    deadline = time.monotonic() + AGREES_SECONDS_MAX
    while (shown := twin(page)) != (told := roles(playground.cluster())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert shown == told


def head(page: Page, broker: int):
    """The head of a broker's card."""
    return page.locator(f"button.bh[data-broker='{broker}']")


def is_shown(page: Page, broker: int, state: str) -> None:
    """Waits until the head says so."""
    expect(head(page, broker)).to_have_attribute("data-state", state, timeout=PATIENCE_MS)


def tile(page: Page, name: str):
    """A tile of the health strip."""
    return page.get_by_role("region", name="cluster health").locator(".h", has_text=name)


def seat(page: Page, member: str):
    """A member's place in its group."""
    return page.locator(f"button.mem[data-member='{member}']")


def inspector(page: Page):
    """The panel of the one selected thing."""
    return page.locator("section[aria-label=inspector]")


def feed(page: Page):
    """What happened."""
    return page.get_by_role("region", name="what happened")


def believed(page: Page) -> dict:
    """The snapshot that the page has folded."""
    return page.evaluate("playground.snapshot")


def number(page: Page) -> int:
    """The number of the state on screen."""
    return int(page.locator("#screen").get_attribute("data-number"))


def press(page: Page, broker: int, word: str) -> None:
    """Selects a broker and presses a button of the inspector."""
    head(page, broker).click()
    inspector(page).get_by_role("button", name=word, exact=True).click()


def in_theme(page, theme: str) -> None:
    """Chooses it by its button."""
    if page.locator("html").get_attribute("data-theme") != theme:
        page.get_by_role("button", name=f"{theme} theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", theme)


def is_clean(page) -> None:
    """Axe finds nothing to complain about. What the why popover dims is out of focus on purpose, as behind any dialog."""
    found = Axe().run(page, context={"exclude": [[".dim"]]})
    assert found.violations_count == 0, found.generate_report()
