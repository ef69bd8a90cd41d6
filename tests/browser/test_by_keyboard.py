"""The keys of the screen: each does what the sheet of keys says, none does it while somebody types; Tab goes region by region."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.seen import PATIENCE_MS, feed, head, in_theme, inspector, is_clean, seat

TABS_MAX = 40
# Where the keyboard is: a region, and inside the map which part of it.
STOP = """() => {
  const here = document.activeElement
  if (here.closest('.client, .ghost')) return 'producers'
  if (here.closest('.gh, .mem')) return 'groups'
  return here.closest('#top, #health, #map, #insp, #feed, #time, #cmd')?.id ?? ''
}"""


def dialog(page):
    """The why popover, or the sheet."""
    return page.get_by_role("dialog")


def test_each_region_is_one_stop_of_tab(screen):
    screen.get_by_role("banner").get_by_role("button").first.focus()
    stops = []
    for _ in range(TABS_MAX):
        stops.append(screen.evaluate(STOP))
        if stops[-1] == "cmd":
            break
        screen.keyboard.press("Tab")
    assert stops[-1] == "cmd", stops
    assert [stops.count(region) for region in ("map", "producers", "groups", "time")] == [1, 1, 1, 1], stops
    assert stops.count("feed") == 2, stops  # its filter, and its list


def test_arrows_walk_inside_a_region_and_tab_comes_back_to_where_one_was(screen):
    screen.locator("button.gh[data-group='billing']").focus()
    for member in ("billing-1", "billing-2"):
        screen.keyboard.press("ArrowDown")
        expect(seat(screen, member)).to_be_focused()
    screen.keyboard.press("Tab")
    screen.keyboard.press("Shift+Tab")
    expect(seat(screen, "billing-2")).to_be_focused()
    screen.keyboard.press("Enter")
    expect(inspector(screen).get_by_role("heading", level=2)).to_have_text("billing-2")
    first = feed(screen).locator("li.ev").nth(0).locator("a, button").first
    first.focus()
    screen.keyboard.press("ArrowDown")
    expect(feed(screen).locator("li.ev").nth(1).locator("a, button").first).to_be_focused()


def test_brackets_walk_the_facts_and_open_their_causes(screen, playground):
    playground.do("create topic parcels partitions=1 replication=3")
    lit = feed(screen).locator("li.ev[aria-current]")
    expect(feed(screen).locator("li.ev").first).to_contain_text("parcels", timeout=PATIENCE_MS)
    screen.keyboard.press("[")
    expect(lit).to_contain_text("Topic parcels created")
    expect(dialog(screen).locator("li .f")).to_have_text(["Command", "TopicCreated"])
    screen.keyboard.press("[")
    expect(lit).not_to_contain_text("parcels")
    older = lit.get_attribute("data-key")
    screen.keyboard.press("]")
    expect(lit).to_contain_text("Topic parcels created")
    assert int(older) < int(lit.get_attribute("data-key"))
    screen.keyboard.press("Escape")
    expect(dialog(screen)).to_have_count(0)
    playground.do("delete topic parcels")
    playground.healthy()


def test_w_asks_and_k_only_offers(screen, playground):
    head(screen, 2).click()
    screen.keyboard.press("w")
    expect(dialog(screen)).to_be_visible()
    screen.keyboard.press("w")
    expect(dialog(screen)).to_have_count(0)
    screen.keyboard.press("k")
    line = screen.get_by_role("combobox", name="command line")
    expect(line).to_be_focused()
    expect(line).to_have_attribute("placeholder", "kill broker 2")
    screen.keyboard.press("Escape")
    expect(head(screen, 2)).to_have_attribute("data-state", "up")
    seat(screen, "billing-1").click()
    screen.keyboard.press("k")
    expect(line).to_have_attribute("placeholder", "crash client billing-1")
    screen.keyboard.press("Escape")


def test_the_arrows_walk_the_map_from_where_nothing_has_the_keyboard(screen):
    screen.evaluate("document.activeElement.blur()")
    screen.keyboard.press("ArrowDown")
    expect(screen.get_by_role("img", name=re.compile("^Cluster map"))).to_be_focused()
    expect(inspector(screen).get_by_role("heading", level=2)).to_have_text("Broker 1")
    screen.keyboard.press("ArrowRight")
    expect(inspector(screen).get_by_role("heading", level=2)).to_have_text("Broker 2")


def test_no_key_is_heard_while_somebody_types(screen, playground):
    screen.keyboard.press("/")
    line = screen.get_by_role("combobox", name="command line")
    screen.keyboard.type("w k [ ] ? /")
    expect(line).to_have_value("w k [ ] ? /")
    expect(dialog(screen)).to_have_count(0)
    expect(screen.locator(".live-badge")).to_have_text("LIVE")
    screen.keyboard.press("Escape")
    expect(line).to_have_value("")
    # Nor in the field of a form.
    screen.evaluate("playground.select({ kind: 'cluster' })")
    inspector(screen).get_by_role("button", name="Create a topic").click()
    field = inspector(screen).locator("#word-topic")
    field.focus()
    screen.keyboard.type("wk[]? x")
    expect(field).to_have_value("wk[]? x")
    expect(dialog(screen)).to_have_count(0)
    assert not playground.state()["time"]["paused"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_sheet_of_keys_and_marks(screen, shot, theme):
    in_theme(screen, theme)
    screen.keyboard.press("?")
    sheet = screen.get_by_role("dialog", name="Keys and marks")
    expect(sheet).to_be_visible()
    expect(sheet.locator("canvas")).to_have_count(6)
    is_clean(screen)
    shot(f"help-{theme}-1440")
    screen.keyboard.press("w")
    screen.keyboard.press("k")
    expect(dialog(screen)).to_have_count(1)
    screen.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
