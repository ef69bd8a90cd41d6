"""Right click, hover and search: what can be done with a thing, what flies there, what a tile hides. Each by keyboard as well."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.seen import PATIENCE_MS, believed, head, inspector, is_clean, is_shown, seat

# A point of the page where a dot is drawn; null while none flies.
A_DOT = """() => {
  const canvas = document.querySelector('canvas.moving'), box = canvas.getBoundingClientRect()
  const { data, width } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
  for (let i = 3; i < data.length; i += 4) {
    if (data[i] < 255) continue
    const at = (i - 3) / 4, scale = canvas.width / box.width
    return { x: box.left + (at % width) / scale, y: box.top + Math.floor(at / width) / scale }
  }
  return null
}"""
MANY = 90  # partitions: too many for strips


def the_map(page):
    """The canvas."""
    return page.get_by_role("img", name=re.compile("^Cluster map"))


def menu(page, thing: str):
    """The menu of a thing."""
    return page.get_by_role("menu", name=f"What can be done with {thing}")


def lines(where) -> list[str]:
    """The command lines that are shown there, without what is noted beside them."""
    return where.locator("code").evaluate_all("all => all.map((one) => one.firstChild.textContent.trim())")


def test_right_click_offers_what_the_inspector_offers(screen, playground):
    head(screen, 3).click(button="right")
    expect(menu(screen, "Broker 3").get_by_role("menuitem")).to_have_count(4)
    expect(inspector(screen).get_by_role("heading", level=2)).to_have_text("Broker 3")
    assert lines(menu(screen, "Broker 3")) == ["kill broker 3", "stop broker 3", "freeze broker 3", "restart broker 3"]
    assert lines(menu(screen, "Broker 3")) == lines(inspector(screen).locator("> .acts"))
    is_clean(screen)
    menu(screen, "Broker 3").get_by_role("menuitem", name="Kill").click()
    expect(screen.get_by_role("menu")).to_have_count(0)
    is_shown(screen, 3, "down")
    head(screen, 3).click(button="right")
    menu(screen, "Broker 3").get_by_role("menuitem", name="Start").click()
    is_shown(screen, 3, "up")
    playground.healthy()


def stand_on_the_first_partition(screen, key):
    """Its menu is asked for by keyboard."""
    the_map(screen).focus()
    for arrow in ("ArrowDown", "ArrowDown"):
        screen.keyboard.press(arrow)
    screen.keyboard.press(key)


def led_as_preferred(state) -> bool:
    """Nobody is to be elected: no verb of that stands in a menu."""
    partitions = [part for topic in state["clusters"][0]["topics"] for part in topic["partitions"]]
    return all(part["leader"] == part["replicas"][0] for part in partitions)


def test_who_stands_on_a_verb_that_goes_stands_on_the_first_one(screen, playground):
    orders = next(topic for topic in playground.cluster()["topics"] if topic["name"] == "orders")
    preferred = orders["partitions"][0]["replicas"][0]
    playground.do(f"kill broker {preferred}")
    is_shown(screen, preferred, "down")
    playground.healthy()
    stand_on_the_first_partition(screen, "Shift+F10")
    playground.until(led_as_preferred, "leaders are back where they belong")
    expect(menu(screen, "orders-0").get_by_role("menuitem", name="Elect")).to_have_count(0)
    expect(menu(screen, "orders-0").get_by_role("menuitem").first).to_be_focused()
    screen.keyboard.press("Escape")
    expect(the_map(screen)).to_be_focused()


@pytest.mark.parametrize("key", ["Shift+F10", "ContextMenu"])
def test_the_menu_is_there_for_who_has_no_pointer(screen, playground, key):
    playground.until(led_as_preferred, "leaders are where they belong")
    stand_on_the_first_partition(screen, key)
    expect(menu(screen, "orders-0").get_by_role("menuitem", name="Kill")).to_be_focused()
    screen.keyboard.press("Escape")
    expect(screen.get_by_role("menu")).to_have_count(0)
    expect(the_map(screen)).to_be_focused()
    expect(inspector(screen).get_by_role("heading", level=2)).to_have_text("orders-0")
    seat(screen, "billing-2").focus()
    screen.keyboard.press(key)
    offered = menu(screen, "billing-2").get_by_role("menuitem")
    expect(offered.first).to_be_focused()
    for word in ("Change", "Close", "Crash", "Crash"):
        screen.keyboard.press("ArrowDown")
        expect(offered.filter(has_text=word).first).to_be_focused()
    screen.keyboard.press("Escape")
    expect(seat(screen, "billing-2")).to_be_focused()


def test_a_click_elsewhere_closes_the_menu(screen):
    screen.locator("button.client[data-client='shop']").click(button="right")
    expect(menu(screen, "shop")).to_be_visible()
    screen.get_by_role("heading", name="What happened").click()
    expect(screen.get_by_role("menu")).to_have_count(0)


def test_a_record_in_flight_tells_what_is_known_of_it(screen, playground):
    screen.wait_for_function(A_DOT, timeout=PATIENCE_MS)
    playground.do("pause")
    expect(screen.locator(".live-badge")).to_have_text("PAUSED")
    at = screen.wait_for_function(A_DOT).json_value()
    screen.mouse.move(at["x"], at["y"] + 2)
    told = screen.locator(".dot-tip")
    expect(told).to_contain_text("orders-")
    expect(told).to_contain_text("records")
    sort = told.get_attribute("data-sort")
    if sort == "produce":
        expect(told).to_contain_text("shop → broker")
        expect(told).to_contain_text(re.compile("acks *all"))
    assert "key" not in told.inner_text()
    screen.mouse.click(at["x"], at["y"] + 2)
    screen.mouse.move(at["x"] + 300, at["y"] + 200)
    expect(told).to_have_class(re.compile(r"\bpinned\b"))
    is_clean(screen)
    screen.keyboard.press("Escape")
    expect(told).to_have_count(0)
    playground.do("resume")


def test_a_large_map_is_searched_and_looked_at_through_a_lens(screen, playground):
    search = screen.get_by_role("search")
    expect(search).to_have_count(0)
    playground.do(f"create topic busy partitions={MANY} replication=3")
    expect(search).to_contain_text(f"{MANY + 6} partitions", timeout=PATIENCE_MS)
    playground.healthy()
    lens = screen.locator(".lens")

    # By keyboard: the cursor's tile.
    the_map(screen).focus()
    for arrow in ("ArrowDown", "ArrowDown", "ArrowDown"):
        screen.keyboard.press(arrow)
    expect(lens).to_have_attribute("data-topic", "busy")
    expect(lens).to_have_attribute("data-partition", "1")
    expect(lens.get_by_role("img")).to_have_attribute("aria-label", re.compile("^busy-1, broker"))
    is_clean(screen)
    # By pointer: the same tile, from where the lens found it.
    screen.keyboard.press("Escape")
    screen.get_by_role("button", name="Only broken").focus()
    expect(lens).to_have_count(0)
    card = head(screen, 1).bounding_box()
    for y in range(int(card["y"] + card["height"] + 30), int(card["y"] + card["height"] + 90), 3):
        screen.mouse.move(card["x"] + 20, y)
        if lens.count():
            break
    expect(lens).to_have_attribute("data-topic", "busy")
    screen.mouse.move(5, 5)

    # Search: what is found has room for strips again.
    the_map_region = screen.get_by_role("main")
    expect(the_map_region).to_have_attribute("data-density", re.compile("tiles|heat"))
    search.get_by_role("textbox").fill("busy-8")
    expect(search).to_contain_text(f"11 of {MANY + 6} partitions")
    expect(the_map_region).to_have_attribute("data-density", re.compile("full|line"))
    search.get_by_role("button", name="Only broken").press("Enter")
    expect(screen.get_by_text("No partition on the map is so.")).to_be_visible()
    is_clean(screen)
    playground.do("kill broker 3")
    expect(search).to_contain_text(f"11 of {MANY + 6} partitions", timeout=PATIENCE_MS)
    screen.keyboard.press("Escape")
    expect(search.get_by_role("textbox")).to_have_value("")
    expect(search.get_by_role("button", name="Only broken")).to_have_attribute("aria-pressed", "false")
    playground.healthy()
    playground.do("delete topic busy")
    expect(search).to_have_count(0, timeout=PATIENCE_MS)
    assert [topic["name"] for topic in believed(screen)["clusters"][0]["topics"] if not topic["internal"]] == ["orders"]
