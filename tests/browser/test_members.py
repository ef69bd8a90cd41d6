"""A consumer that crashes stays in its group until its session ends; one that closes is made up for at once. Both on screen."""

import time

from playwright.sync_api import expect

from tests.browser.real_playground import shares
from tests.browser.seen import PATIENCE_MS, SESSION_MS, feed, inspector, seat

AT_ONCE_MS = 4_000  # well before a session would end


def test_a_crashed_member_is_drawn_crashed_until_its_session_ends(screen, playground):
    playground.calm()
    seat(screen, "billing-2").click()
    inspector(screen).get_by_role("button", name="Crash", exact=True).click()
    expect(seat(screen, "billing-2")).to_have_attribute("data-look", "crashed")
    began = time.monotonic()
    expect(seat(screen, "billing-2")).to_contain_text("crashed: session runs out")
    expect(seat(screen, "billing-2").locator(".pc")).to_have_count(3)
    expect(seat(screen, "billing-1").locator(".pc")).to_have_count(3)
    expect(seat(screen, "billing-1").locator(".pc")).to_have_text(["p0–p5"], timeout=PATIENCE_MS)
    seconds = time.monotonic() - began
    print(f"\ncrashed: its partitions moved after {seconds:.1f} s")
    assert SESSION_MS / 1000 - 2 < seconds
    expect(feed(screen)).to_contain_text("billing-2 sent no heartbeat for")
    expect(seat(screen, "billing-2").locator(".pc")).to_have_count(0)
    inspector(screen).get_by_role("button", name="Resume", exact=True).click()
    expect(seat(screen, "billing-1").locator(".pc")).to_have_count(3, timeout=PATIENCE_MS)
    playground.healthy()


def test_a_closed_member_is_made_up_for_at_once(screen, playground):
    playground.calm()
    seat(screen, "billing-2").click()
    began = time.monotonic()
    inspector(screen).get_by_role("button", name="Close", exact=True).click()
    expect(seat(screen, "billing-1").locator(".pc")).to_have_text(["p0–p5"], timeout=AT_ONCE_MS)
    print(f"\nclosed: its partitions moved after {time.monotonic() - began:.2f} s")
    expect(seat(screen, "billing-2")).to_have_count(0)
    expect(feed(screen)).to_contain_text("billing-2 closed itself")
    assert shares(playground.cluster()) == {"billing-1": 6}
    playground.do("consume orders group=billing as billing-2")
    expect(seat(screen, "billing-2").locator(".pc")).to_have_count(3, timeout=PATIENCE_MS)
    playground.healthy()
