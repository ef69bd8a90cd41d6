"""What a first start shows without a click, and that all who look see the same."""

from playwright.sync_api import expect

from tests.browser.seen import PATIENCE_MS, believed, feed, head, number, seat, tile, twin, twin_agrees

FRAMES_APART_MS = 500  # two browsers that draw without a GPU take turns on the same cores


def test_three_brokers_a_topic_a_producer_and_a_group(screen, playground):
    cluster = playground.cluster()
    assert [(one["id"], one["rack"]) for one in cluster["brokers"]] == [(1, "a"), (2, "b"), (3, "c")]
    for broker, rack in ((1, "a"), (2, "b"), (3, "c")):
        expect(head(screen, broker)).to_contain_text(f"Broker {broker}")
        expect(head(screen, broker)).to_have_attribute("data-state", "up")
        expect(screen.get_by_text(f"rack {rack}", exact=True)).to_be_visible()
    rows = twin(screen)
    assert sorted((partition, broker) for topic, partition, broker in rows if topic == "orders") == [(p, b) for p in range(6) for b in (1, 2, 3)]
    twin_agrees(screen, playground)
    expect(screen.locator("button.client[data-client='shop']")).to_have_attribute("data-state", "running")
    for member in ("billing-1", "billing-2"):
        expect(seat(screen, member).locator(".pc")).to_have_count(3)
    expect(tile(screen, "Brokers online")).to_contain_text("all answering")
    expect(tile(screen, "Under-replicated")).to_contain_text("0")
    # By now other stories may have pushed it out of the list on screen.
    assert "orders" in {fact["topic"] for fact in playground.facts("TopicCreated")}
    expect(feed(screen).locator("li.ev").first).to_be_visible()


def test_the_producer_writes_and_the_group_reads(screen):
    for name in ("Produce", "Consume"):
        screen.wait_for_function(
            """([name]) => [...document.querySelectorAll('#health .h')].some((tile) =>
                 tile.querySelector('.l').textContent === name && parseFloat(tile.querySelector('.v').textContent) > 15)""",
            arg=[name], timeout=PATIENCE_MS,
        )
    before = sum(part["high_watermark"] for part in believed(screen)["clusters"][0]["topics"][-1]["partitions"])
    screen.wait_for_function(
        "before => playground.snapshot.clusters[0].topics.at(-1).partitions.reduce((sum, part) => sum + part.high_watermark, 0) > before + 20",
        arg=before, timeout=PATIENCE_MS,
    )


# When each state number came on screen, by the clock that all pages of a machine share.
DIARY = """() => {
  window.diary = {}
  const look = () => {
    const number = document.querySelector('#screen').dataset.number
    diary[number] ??= performance.timeOrigin + performance.now()
    requestAnimationFrame(look)
  }
  look()
}"""


def test_two_browsers_show_the_same_state_number(screen, browser, browser_context_args, playground, visit):
    second = visit(browser.new_context(**browser_context_args).new_page())
    for page in (screen, second):
        page.evaluate(DIARY)
    playground.do("kill broker 3")
    playground.healthy()
    for line in ("pause", "resume") * 3:  # a crowd of facts is one frame on a slow machine; each of these is one of its own
        playground.do(line)
    playground.do("pause")
    last = playground.state()["number"]
    for page in (screen, second):
        page.wait_for_function("number => Number(document.querySelector('#screen').dataset.number) >= number", arg=last)
    assert number(screen) == number(second) == playground.state()["number"]
    mine, theirs = screen.evaluate("diary"), second.evaluate("diary")
    both = sorted(set(mine) & set(theirs), key=int)[1:]
    apart = sorted(abs(mine[one] - theirs[one]) for one in both)
    print(f"\n{len(both)} state numbers on both screens, median {apart[len(apart) // 2]:.0f} ms apart, worst {apart[-1]:.0f} ms")
    assert len(both) > 3 and apart[len(apart) // 2] <= FRAMES_APART_MS
    playground.do("resume")
    second.context.close()
