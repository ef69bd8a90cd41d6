"""Links cut and answers crooked by buttons: seen, explained, healed. Each button shows the line that it gives."""

import re

from playwright.sync_api import expect

from tests.browser.seen import PATIENCE_MS, feed, head, inspector, is_clean, tile, twin_agrees

IN_FLIGHT = "playground.snapshot.clusters[0].clients.find((one) => one.name === 'shop').report.in_flight"


def broken(page):
    """What the inspector lists as broken on purpose."""
    return inspector(page).locator("ul.broken li")


def unfold(page, broker: int) -> None:
    """Selects a broker and opens what can be broken about its network."""
    head(page, broker).click()
    inspector(page).get_by_text("Network and errors").click()


def press_beside(page, word: str, line: str) -> None:
    """Presses a button that says its line."""
    expect(inspector(page).locator("code", has_text=line)).to_be_visible()
    inspector(page).get_by_role("button", name=word, exact=True).click()


def test_a_broker_is_cut_off_explained_and_healed(screen, playground):
    unfold(screen, 3)
    is_clean(screen)
    press_beside(screen, "Cut", "cut broker 3 from brokers")
    expect(head(screen, 3)).to_have_attribute("data-cut", "true", timeout=PATIENCE_MS)
    expect(head(screen, 3)).to_contain_text("cut off")
    expect(head(screen, 3)).to_contain_text("cannot reach 1, 2")
    expect(head(screen, 1)).to_contain_text("cannot reach 3")
    expect(head(screen, 1)).not_to_have_attribute("data-cut", "true")
    expect(broken(screen)).to_have_text(["broker 1: cut, both ways", "broker 2: cut, both ways"])
    under = tile(screen, "Under-replicated")
    expect(under).to_have_class(re.compile(r"\bbad\b"), timeout=PATIENCE_MS)
    is_clean(screen)
    under.click()
    steps = screen.get_by_role("dialog").locator("li .f")
    expect(steps.filter(has_text="LinkCut")).to_have_count(1)
    screen.get_by_role("dialog").get_by_role("button", name="heal broker 3").click()
    screen.keyboard.press("Escape")
    expect(head(screen, 3)).not_to_have_attribute("data-cut", "true", timeout=PATIENCE_MS)
    expect(under).not_to_have_class(re.compile(r"\bbad\b"), timeout=PATIENCE_MS)
    expect(feed(screen)).to_contain_text("are whole again")
    playground.healthy()
    twin_agrees(screen, playground)


def test_an_api_answers_with_an_error_until_it_is_healed(screen, playground):
    unfold(screen, 2)
    inspector(screen).get_by_label("share of the requests").select_option("100%")
    inspector(screen).get_by_label("error", exact=True).select_option("NOT_ENOUGH_REPLICAS")
    press_beside(screen, "Fail", "fail Produce on broker 2 with NOT_ENOUGH_REPLICAS")
    expect(broken(screen)).to_have_text(["every Produce answered with NOT_ENOUGH_REPLICAS"], timeout=PATIENCE_MS)
    expect(head(screen, 2)).to_contain_text("errors")
    # What broker 2 leads is sent again and again, and never acknowledged.
    screen.wait_for_function(f"() => {IN_FLIGHT} > 10", timeout=PATIENCE_MS)
    inspector(screen).get_by_label("what happens").select_option("drop")
    expect(inspector(screen).locator("code", has_text="drop Produce on broker 2")).to_be_visible()
    press_beside(screen, "Heal", "heal broker 2")
    expect(broken(screen)).to_have_count(0, timeout=PATIENCE_MS)
    expect(inspector(screen).get_by_role("button", name="Heal")).to_have_count(0)
    screen.wait_for_function(f"() => {IN_FLIGHT} < 10", timeout=PATIENCE_MS)
    playground.healthy()
