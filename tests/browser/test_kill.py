"""Kill by button: seen, explained, survived; and how soon it is seen."""

import re

from playwright.sync_api import expect

from tests.browser.seen import PATIENCE_MS, feed, head, inspector, is_shown, press, tile, twin, twin_agrees

KILLS = 20
FAULT_TO_PIXEL_MS = 250  # the promise for an idle machine, and the median's bound on any; the worst may meet another process's turn
FAULT_TO_PIXEL_MS_MAX = 1_000


def test_a_broker_is_killed_explained_and_started_by_buttons(screen, playground):
    a_row_that_2_leads = screen.locator("#twin tr[data-topic='orders'][data-broker='2'][data-role='leader']")
    expect(a_row_that_2_leads).to_have_count(2, timeout=PATIENCE_MS)  # until its leaders are back from what tests before did
    led = [where for where, role in twin(screen).items() if role == "leader" and where[2] == 2 and where[0] == "orders"]
    press(screen, 2, "Kill")
    is_shown(screen, 2, "down")
    expect(head(screen, 2)).to_contain_text("Broker 2 is down")
    expect(tile(screen, "Brokers online")).to_have_class(re.compile(r"\bbad\b"))
    under = tile(screen, "Under-replicated")
    expect(under).to_have_class(re.compile(r"\bbad\b"), timeout=PATIENCE_MS)
    for topic, partition, _ in led:
        new_leader = screen.locator(f"#twin tr[data-topic='{topic}'][data-partition='{partition}'][data-role='leader']:not([data-broker='2'])")
        expect(new_leader).to_have_count(1, timeout=PATIENCE_MS)
    expect(feed(screen)).to_contain_text("Broker 2 killed by SIGKILL")
    expect(feed(screen)).to_contain_text("because kill broker 2, by button")
    expect(feed(screen)).to_contain_text("its session ran out")
    twin_agrees(screen, playground)

    under.click()
    why = screen.get_by_role("dialog", name=re.compile(r"^Why is .* under-replicated\?"))
    steps = why.locator("li .f").all_inner_texts()
    assert steps[:4] == ["Command", "BrokerKilled", "SessionExpired", "BrokerFenced"], steps
    assert set(steps[4:]) & {"IsrShrunk", "LeaderElected"}
    expect(why).to_contain_text("broker.session.timeout.ms = 800")
    expect(why).to_contain_text("Kafka: 9000")
    why.get_by_role("button", name="start broker 2").hover()
    screen.keyboard.press("Escape")
    expect(why).to_have_count(0)

    inspector(screen).get_by_role("button", name="Start", exact=True).click()
    is_shown(screen, 2, "up")
    expect(under).not_to_have_class(re.compile(r"\bbad\b"), timeout=PATIENCE_MS)
    expect(tile(screen, "Brokers online")).to_contain_text("all answering")
    playground.healthy()
    twin_agrees(screen, playground)


def test_what_ends_it_is_one_click_away(screen, playground):
    press(screen, 3, "Kill")
    is_shown(screen, 3, "down")
    head(screen, 3).click()
    why = screen.get_by_role("dialog", name="Why is broker 3 down?")
    expect(why.locator("li .f").first).to_have_text("Command")
    why.get_by_role("button", name="start broker 3").click()
    is_shown(screen, 3, "up")
    playground.healthy()


# From the click to the end of the frame that shows it; the button is pressed inside the page, so that no other process is timed.
CLICK_TO_PIXEL = """(broker) => new Promise((done) => {
  const button = [...document.querySelectorAll('#insp button')].find((one) => one.textContent.trim() === 'Kill')
  const began = performance.now()
  button.click()
  const look = () => {
    if (document.querySelector(`button.bh[data-broker="${broker}"]`).dataset.state !== 'down') return requestAnimationFrame(look)
    requestAnimationFrame(() => done(performance.now() - began))
  }
  requestAnimationFrame(look)
})"""


def test_a_fault_is_on_screen_within_a_quarter_of_a_second(screen, playground):
    took = []
    for turn in range(KILLS):
        broker = 2 + turn % 2
        head(screen, broker).click()
        inspector(screen).get_by_role("button", name="Kill", exact=True).wait_for()
        took.append(screen.evaluate(CLICK_TO_PIXEL, broker))
        playground.do(f"start broker {broker}")
        playground.healthy()
    playground.calm()
    took.sort()
    p95 = took[-(-len(took) * 95 // 100) - 1]
    print(f"\nfault to pixel over {KILLS} kills: p50 {took[len(took) // 2]:.0f} ms, p95 {p95:.0f} ms, worst {took[-1]:.0f} ms")
    assert took[len(took) // 2] <= FAULT_TO_PIXEL_MS and p95 <= FAULT_TO_PIXEL_MS_MAX, took
