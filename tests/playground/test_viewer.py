"""One live viewer over a channel layer in memory: hello, snapshot, frames that fold, commands, silence, a new host."""

import asyncio
import json

import pytest
from channels.testing import WebsocketCommunicator

from engine.sandbox.apply import apply_frame
from playground.asgi import application
from playground.consumers import viewer as viewer_module
from playground.host.limits import FRAMES_AHEAD_MAX

HEADERS = [(b"host", b"localhost:8000"), (b"origin", b"http://localhost:8000")]


class Browser:
    """Folds what it gets, as a page does."""

    def __init__(self, *, confirms=True):
        self.socket = WebsocketCommunicator(application, "/ws/sandbox/main/", headers=HEADERS)
        self.confirms = confirms
        self.picture = None
        self.sequence = 0
        self.snapshots = 0

    async def open(self):
        connected, _ = await self.socket.connect()
        assert connected
        assert (await self.next("hello"))["version"] == 1
        await self.next("snapshot")
        return self

    async def next(self, kind):
        while True:
            message = json.loads(await self.socket.receive_from(timeout=5))
            if message["type"] == "snapshot":
                self.picture, self.sequence = message["snapshot"], message["sequence"]
                self.snapshots += 1
            elif message["type"] == "frame":
                assert message["sequence"] == self.sequence + 1
                assert message["from"] == self.picture["number"]
                self.picture, self.sequence = apply_frame(self.picture, message), message["sequence"]
                if self.confirms:
                    await self.say(type="seen", sequence=self.sequence)
            if message["type"] == kind:
                return message

    async def say(self, **message):
        await self.socket.send_to(json.dumps(message))


@pytest.fixture
async def browser(host):
    opened = await Browser().open()
    yield opened
    await opened.socket.disconnect()


async def test_it_sees_the_picture(browser, host):
    assert [broker["state"] for broker in browser.picture["clusters"][0]["brokers"]] == ["up"] * 3


async def test_a_command_and_what_it_does(browser, host):
    await browser.say(type="command", id="c1", line="kill broker 2", door="button")
    outcome = await browser.next("outcome")
    assert (outcome["id"], outcome["ok"], outcome["message"]) == ("c1", True, "broker 2 is killed")
    assert browser.picture == host.sandbox.snapshot()
    assert browser.picture["clusters"][0]["brokers"][1]["state"] == "down"
    given = next(fact for fact in host.sandbox.recent if fact["kind"] == "CommandGiven")
    assert given["door"] == "button"


async def test_two_viewers_see_the_same_number(browser, host):
    other = await Browser().open()
    await browser.say(type="command", id="c", line="kill broker 1")
    await asyncio.gather(browser.next("frame"), other.next("frame"))
    assert browser.picture["number"] == other.picture["number"] == host.sandbox.snapshot()["number"]
    await other.socket.disconnect()


async def test_who_comes_late_is_told_of_the_last_minute(host):
    host.cluster.on_traffic({"node": 1, "appended": [["shop", "orders", 0, 3, 300]], "fetched": [["billing", "orders", 0, 2, 200]]})
    late = Browser()
    await late.socket.connect()
    minute = (await late.next("snapshot"))["minute"]
    assert [second["produced"] for second in minute if second["produced"]] == [{"shop": {"orders": 3}}]
    assert [second["consumed"] for second in minute if second["consumed"]] == [{"billing": {"orders": 2}}]
    await late.socket.disconnect()


async def test_a_slow_viewer_gets_one_snapshot_and_no_queue(host):
    slow = await Browser(confirms=False).open()
    before = slow.sequence
    for number in range(FRAMES_AHEAD_MAX + 20):
        host.cluster.on_traffic({"node": 1, "log_bytes": number})
        host.feed._frame()
        await asyncio.sleep(0)
    for _ in range(FRAMES_AHEAD_MAX):
        await slow.next("frame")
    assert slow.sequence == before + FRAMES_AHEAD_MAX
    assert await slow.socket.receive_nothing(timeout=0.3), "no more until it has confirmed"
    await slow.say(type="seen", sequence=slow.sequence)
    await slow.next("snapshot")
    assert slow.snapshots == 2
    assert slow.picture == host.sandbox.snapshot()
    await slow.socket.disconnect()


async def test_a_lost_frame_is_made_up_for(browser, host):
    host.feed.sequence += 1
    host.cluster.on_traffic({"node": 1, "log_bytes": 5})
    await browser.next("snapshot")
    assert browser.picture == host.sandbox.snapshot()


async def test_nonsense_closes_the_socket(browser):
    await browser.socket.send_to("{}")
    while (message := await browser.socket.receive_output(timeout=5))["type"] != "websocket.close":
        pass
    assert message["code"] == 4400


async def test_it_tells_when_the_host_is_gone_and_back(host, another_host, monkeypatch):
    monkeypatch.setattr(viewer_module, "HOST_GONE_MS", 100)
    monkeypatch.setattr(viewer_module, "WATCH_SECONDS", 0.05)
    monkeypatch.setattr(viewer_module, "ASK_AGAIN_SECONDS", 0.1)
    browser = await Browser().open()
    await host.stop()
    assert (await browser.next("host"))["state"] == "gone"
    await browser.say(type="command", id="c9", line="pause")
    again = another_host()
    await again.start()
    again.feed._say_alive()
    assert (await browser.next("host"))["state"] == "up"
    await browser.next("snapshot")
    assert browser.picture == again.sandbox.snapshot()
    await browser.socket.disconnect()
    await again.stop()
