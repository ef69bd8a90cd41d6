"""Who does not use a mouse, does not see well or does not want motion: axe, keyboard, reduced motion; and the pictures."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.seen import PATIENCE_MS, head, in_theme, inspector, is_clean, is_shown, number

SIZES = ((1280, 800), (1440, 900), (1920, 1080))
THEMES = ("light", "dark")
TABS_MAX = 40
# Is there any dot on the canvas that moves?
DOTS = """() => {
  const canvas = document.querySelector('canvas.moving')
  return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value !== 0)
}"""


def pictures(page, shot, scene: str) -> None:
    """All sizes in both themes, each theme judged by axe."""
    for theme in THEMES:
        in_theme(page, theme)
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
            shot(f"{scene}-{theme}-{width}")
        page.set_viewport_size({"width": 1440, "height": 900})
        # What has just turned red flashes for a moment, which is not what is judged.
        page.wait_for_function("() => document.getAnimations().every((one) => one.playState !== 'running')")
        is_clean(page)


def test_every_scene_is_clean_in_both_themes(screen, playground, shot):
    pictures(screen, shot, "healthy")
    playground.do("kill broker 2")
    is_shown(screen, 2, "down")
    under = screen.locator("#health button.h.bad", has_text="Under-replicated")
    expect(under).to_be_visible(timeout=PATIENCE_MS)
    pictures(screen, shot, "killed")
    under.click()
    expect(screen.get_by_role("dialog")).to_be_visible()
    pictures(screen, shot, "why")
    screen.keyboard.press("Escape")
    playground.healthy()
    playground.do("consume orders group=billing as billing-3")
    expect(screen.locator("button.mem[data-member='billing-3']")).to_be_visible(timeout=PATIENCE_MS)
    pictures(screen, shot, "rebalance")
    playground.do("close client billing-3")
    playground.healthy()


@pytest.mark.parametrize("kind", ["broker", "topic", "client", "group"])
def test_every_inspector_is_clean(screen, kind):
    chosen = {
        "broker": lambda: head(screen, 1).click(),
        "client": lambda: screen.locator("button.client[data-client='shop']").click(),
        "group": lambda: screen.locator("button.gh[data-group='billing']").click(),
        "topic": lambda: screen.evaluate("playground.select({ kind: 'topic', topic: 'orders' })"),
    }
    chosen[kind]()
    expect(inspector(screen).get_by_role("heading", level=2)).to_have_text({"broker": "Broker 1", "topic": "orders", "client": "shop", "group": "billing"}[kind])
    is_clean(screen)


def test_a_line_is_typed_completed_and_done(screen, playground):
    line = screen.get_by_role("combobox", name="command line")
    screen.keyboard.press("/")
    expect(line).to_be_focused()
    screen.keyboard.type("ki")
    offers = screen.get_by_role("listbox", name="suggestions").get_by_role("option")
    expect(offers).to_have_text(["kill"])
    screen.keyboard.press("Tab")
    expect(line).to_have_value("kill ")
    screen.keyboard.press("Tab")
    expect(line).to_have_value("kill broker ")
    expect(offers).to_have_text(["kill broker 1", "kill broker 2", "kill broker 3"])
    screen.keyboard.type("3")
    screen.keyboard.press("Enter")
    is_shown(screen, 3, "down")
    expect(line).to_have_value("")
    playground.healthy()


def test_a_wrong_line_says_what_would_be_right(screen):
    screen.keyboard.press("/")
    screen.keyboard.type("kil broker 2")
    screen.keyboard.press("Enter")
    expect(screen.locator("#cmd [role=status]")).to_contain_text("kill broker")
    screen.keyboard.type("kill broker 9")
    screen.keyboard.press("Enter")
    expect(screen.locator("#cmd [role=status]")).to_contain_text("there is no broker 9")
    expect(head(screen, 2)).to_have_attribute("data-state", "up")


def test_space_pauses_arrows_walk_and_escape_closes(screen, playground):
    canvas = screen.get_by_role("img", name=re.compile("^Cluster map"))
    canvas.focus()
    screen.keyboard.press("Space")
    expect(screen.locator(".live-badge")).to_have_text("PAUSED")
    before = number(screen)
    screen.keyboard.press("Space")
    expect(screen.locator(".live-badge")).to_have_text("LIVE")
    assert number(screen) > before
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        screen.keyboard.press(key)
    expect(inspector(screen).get_by_role("heading", level=2)).to_contain_text("orders")
    screen.keyboard.press("w")
    expect(screen.get_by_role("dialog")).to_be_focused()
    screen.keyboard.press("Escape")
    expect(screen.get_by_role("dialog")).to_have_count(0)
    screen.keyboard.press("Escape")
    expect(inspector(screen).get_by_role("heading", level=2)).not_to_contain_text("orders-")


WHERE = "() => document.activeElement.closest('#top, #health, #map, #insp, #feed, #time, #cmd')?.id ?? ''"


def reached(page, key: str, until: str) -> list[str]:
    """The regions that a key comes by, in order, up to one of them."""
    regions: list[str] = []
    for _ in range(TABS_MAX):
        region = page.evaluate(WHERE)
        if region not in regions:
            regions.append(region)
        if region == until:
            return regions
        page.keyboard.press(key)
    raise AssertionError(f"{until} is not among {regions}, which {TABS_MAX} times {key} reached")


def test_tab_reaches_every_region(screen, playground):
    playground.do("kill broker 2")
    expect(screen.locator("#health button.h.bad", has_text="Under-replicated")).to_be_visible(timeout=PATIENCE_MS)
    screen.get_by_role("banner").get_by_role("button").first.focus()
    assert reached(screen, "Tab", "feed") == ["top", "health", "map", "insp", "feed"]
    # Back from the end, past the timeline; the command line itself keeps Tab for completion.
    screen.get_by_role("combobox", name="command line").focus()
    assert reached(screen, "Shift+Tab", "feed") == ["cmd", "time", "feed"]
    playground.healthy()


def test_who_wants_no_motion_gets_none(browser, browser_context_args, playground, visit):
    playground.healthy()
    moving = visit(browser.new_context(**browser_context_args).new_page())
    moving.wait_for_function(DOTS, timeout=PATIENCE_MS)
    calm = visit(browser.new_context(**browser_context_args | {"reduced_motion": "reduce"}).new_page())
    produced = "() => playground.snapshot.clusters[0].topics.at(-1).partitions.reduce((sum, part) => sum + part.high_watermark, 0)"
    before = calm.evaluate(produced)
    for _ in range(5):
        calm.wait_for_function(f"before => ({produced})() > before + 5", arg=before)
        before = calm.evaluate(produced)
        assert not calm.evaluate(DOTS)
    moving.context.close()
    calm.context.close()
