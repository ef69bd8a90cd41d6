"""The JSON API: the same lines and answers as everywhere, and documentation that loads nothing from elsewhere."""

import pytest
from django.test import AsyncClient

from playground.host import door


@pytest.fixture
def client():
    return AsyncClient()


async def give(client, line):
    response = await client.post("/api/commands", {"line": line}, content_type="application/json")
    return response.status_code, response.json()


async def test_state(host, client):
    picture = (await client.get("/api/state")).json()
    assert [broker["pid"] for broker in picture["clusters"][0]["brokers"]] == [101, 102, 103]


async def test_commands(host, client):
    status, outcome = await give(client, "kill broker 2")
    assert (status, outcome["ok"], outcome["kafka"]) == (200, True, "kill -9 102")
    picture = (await client.get("/api/state")).json()
    assert picture["clusters"][0]["brokers"][1]["state"] == "down", "what was answered is in the picture"
    status, outcome = await give(client, "kill broker 2")
    assert (status, outcome["ok"]) == (409, False) and "down already" in outcome["message"]
    status, outcome = await give(client, "kil broker 2")
    assert (status, outcome["ok"], outcome["number"]) == (400, False, None) and "kill broker" in outcome["message"]


async def test_nonsense_is_refused(host, client):
    assert (await client.post("/api/commands", "nonsense", content_type="application/json")).status_code == 400
    assert (await client.post("/api/commands", {"lines": 1}, content_type="application/json")).status_code == 422
    assert (await give(client, "x" * 3_000))[0] == 422
    assert (await client.get("/api/nothing")).status_code == 404


async def test_facts(host, client):
    told = (await client.get("/api/facts?after=2&limit=3")).json()
    assert [fact["number"] for fact in told["facts"]] == [3, 4, 5]
    assert told["number"] == 9
    assert (await client.get("/api/facts?after=9")).json()["facts"] == []


async def test_lines_are_explained_without_being_done(host, client):
    answer = await client.post("/api/lines", {"line": "kill   broker 2"}, content_type="application/json")
    assert answer.json() == {"line": "kill broker 2", "kafka": "kill -9 102", "refusal": None}
    bad = await client.post("/api/lines", {"line": "kill"}, content_type="application/json")
    assert bad.status_code == 400 and "kill broker" in bad.json()["message"]
    assert "CommandGiven" not in [fact["kind"] for fact in host.sandbox.recent]


async def test_the_grammar_is_there(host, client):
    verbs = (await client.get("/api/commands")).json()["verbs"]
    assert "kill broker" in [verb["verb"] for verb in verbs]


async def test_it_is_documented(in_memory, client):
    schema = (await client.get("/api/openapi.json")).json()
    assert {"/api/state", "/api/facts", "/api/commands", "/api/lines", "/api/health"} <= set(schema["paths"])
    page = (await client.get("/api/docs")).content.decode()
    assert "/api/commands" in page and "<script" not in page and "https://" not in page


async def test_without_a_host(in_memory, client, monkeypatch):
    monkeypatch.setattr("playground.views.api.STATE_SECONDS_MAX", 0.05)
    monkeypatch.setattr(door, "HOST_SECONDS_MAX", 0.05)
    answer = await client.get("/api/state")
    assert answer.status_code == 503 and "host" in answer.json()["message"]
    status, outcome = await give(client, "pause")
    assert status == 503 and not outcome["ok"]
