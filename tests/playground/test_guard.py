"""No other web page, and no other name for this machine, gets anywhere: HTTP and WebSocket."""

import pytest
from channels.testing import WebsocketCommunicator
from django.test import AsyncClient

from playground.asgi import application
from playground.origin import is_allowed_host, is_own_origin

HERE = "localhost:8000"


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        (None, True),
        ("http://localhost:8000", True),
        ("https://localhost:8000", True),
        ("http://localhost:3000", False),
        ("http://evil.example", False),
        ("http://localhost:8000.evil.example", False),
        ("null", False),
        ("", False),
        ("file://localhost:8000", False),
    ],
)
def test_origin(origin, own):
    assert is_own_origin(origin, HERE) is own


@pytest.mark.parametrize(
    ("host", "allowed"),
    [("localhost:8000", True), ("127.0.0.1:8000", True), ("[::1]:8000", True), ("evil.example:8000", False), ("", False)],
)
def test_host(host, allowed):
    assert is_allowed_host(host) is allowed


async def post(**headers):
    line = {"line": "kill broker 2"}
    return await AsyncClient().post("/api/commands", line, content_type="application/json", headers=headers)


async def test_our_own_page_may_command(host):
    assert (await post(origin="http://testserver")).status_code == 200
    assert [fact["kind"] for fact in host.sandbox.recent][-1] == "BrokerKilled"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"host": "evil.example"}, 400),
    ],
)
async def test_others_may_not(host, headers, status):
    assert (await post(**headers)).status_code == status
    assert "BrokerKilled" not in [fact["kind"] for fact in host.sandbox.recent]


async def test_pages_load_nothing_from_elsewhere(in_memory):
    response = await AsyncClient().get("/")
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "script" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    text = response.content.decode()
    assert "http://" not in text and "https://" not in text and 'id="settings"' in text


def socket(**headers):
    made = {"host": HERE} | headers
    named = [(name.encode(), value.encode()) for name, value in made.items()]
    return WebsocketCommunicator(application, "/ws/sandbox/main/", headers=named)


@pytest.mark.parametrize(
    "headers", [{"origin": "http://evil.example"}, {"origin": "http://localhost:3000"}, {"host": "evil.example"}, {"origin": "null"}]
)
async def test_foreign_sockets_are_refused(host, headers):
    connected, _ = await socket(**headers).connect()
    assert not connected


@pytest.mark.parametrize("headers", [{}, {"origin": "http://localhost:8000"}])
async def test_own_sockets_are_not(host, headers):
    viewer = socket(**headers)
    connected, _ = await viewer.connect()
    assert connected
    await viewer.disconnect()
