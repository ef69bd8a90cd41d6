"""Named errors, delays and silence on purpose, as clients meet them."""

import dataclasses
import typing
from types import SimpleNamespace

import pytest

from engine.broker.handlers import TABLE
from engine.broker.intercept import Intercept
from engine.protocol.codec import build, encode_request, message_class
from engine.protocol.errors import ErrorCode
from engine.protocol.record_batch import Record, encode_batch
from engine.world.chance import Chance
from engine.world.tasks import spawn
from tests.engine.broker.door import Door, Wire
from tests.engine.broker.test_fetching import rows, session_request
from tests.engine.replication.trio import TOPIC, TOPIC_ID, story


def rule(api, how, *, share=100, error=None, delay_ms=0):
    return {"api": api, "how": how, "share": share, "error": error, "delay_ms": delay_ms}


def intercepted(node, *rules):
    """The node's interception, following these."""
    made = Intercept(node)
    made.follow(rules)
    return made


def door():
    made = Door()
    made.world.chance, made.spec = Chance(7), SimpleNamespace(folder="/data")
    return made


# ---- every API


def filled(cls):
    """One row wherever a request has a list, so that errors of single rows have a place."""
    fields = {}
    for part in dataclasses.fields(cls):
        kind = typing.get_type_hints(cls)[part.name]
        inner = next((one for one in typing.get_args(kind) if typing.get_origin(one) is tuple), kind)
        if typing.get_origin(inner) is tuple:
            fields[part.name] = [item(typing.get_args(inner)[0])]
    return fields


def item(kind):
    """Something to stand in a list of these."""
    if dataclasses.is_dataclass(kind):
        return filled(kind)
    kind = getattr(kind, "__supertype__", kind)
    return "x" if issubclass(kind, str) else kind(0)


def codes_in(value):
    """Every error code anywhere in an answer."""
    if isinstance(value, tuple):
        return [code for one in value for code in codes_in(one)]
    if not dataclasses.is_dataclass(value):
        return [value] if isinstance(value, ErrorCode) else []
    return [code for part in dataclasses.fields(value) for code in codes_in(getattr(value, part.name, None))]


APIS = [(route.api.name, version) for route in TABLE.values() if not route.api.for_nodes
        for version in range(route.api.oldest, route.api.newest + 1) if route.serves(version) and route.api.name not in ("Produce", "Fetch")]


@pytest.mark.parametrize(("api", "version"), APIS, ids=[f"{api}-{version}" for api, version in APIS])
async def test_the_error_is_in_the_answer_of_every_api_at_every_version(api, version):
    made = door()
    made.dispatch.table = TABLE
    intercepted(made, rule(api, "fail", error="CLUSTER_AUTHORIZATION_FAILED"))
    wire = Wire(made)
    wire.ask(api, version, **filled(message_class(api, "request", version)))
    assert not wire.closed, made.log
    [(_, answer)] = wire.answers
    found = set(codes_in(answer))
    assert ErrorCode.cluster_authorization_failed in found, answer
    assert found <= {ErrorCode.cluster_authorization_failed, ErrorCode.none}


# ---- produce and fetch


@story()
async def test_a_produce_fails_for_each_partition_and_appends_nothing(trio):
    intercept = intercepted(trio.nodes[1], rule("Produce", "fail", error="NOT_ENOUGH_REPLICAS"))
    for version in range(3, 14):
        answer = await trio.produce(["x"], version=version)
        assert (answer.error_code.name, answer.base_offset) == ("not_enough_replicas", -1)
    assert trio.values(1) == []
    intercept.follow([])
    assert (await trio.produce(["x"])).error_code == 0


@story()
async def test_a_failed_produce_without_acks_closes_the_connection(trio):
    intercepted(trio.nodes[1], rule("Produce", "fail", error="NOT_LEADER_OR_FOLLOWER"))
    closed = []
    connection = await trio.nodes[2].world.network.dial("node-1", 9092)
    connection.on_closed = closed.append
    records = bytes(encode_batch([Record(timestamp=1, value=b"x")]))
    topics = [{"name": TOPIC, "partition_data": [{"index": 0, "records": records}]}]
    connection.send(encode_request(build("Produce", "request", 9, acks=0, timeout=0, topic_data=topics), correlation_id=1, client_id="c"))
    await trio.until(lambda: closed)
    assert trio.values(1) == []


@story()
async def test_a_fetch_fails_in_each_partition_of_its_session_which_goes_on(trio):
    await trio.produce(["a"])
    ask = trio.ask
    first = await ask(1, session_request(wanted=[(0, 0)]))
    assert first.session_id and rows(first)[0].error_code == 0
    intercept = intercepted(trio.nodes[1], rule("Fetch", "fail", error="KAFKA_STORAGE_ERROR"))
    failed = await ask(1, session_request(session=(first.session_id, 1)))
    assert failed.error_code == 0 and failed.session_id == first.session_id
    assert rows(failed)[0].error_code.name == "kafka_storage_error"
    for version in range(4, 19):
        one, values = await trio.fetch(0, version=version)
        assert (one.error_code.name, values) == ("kafka_storage_error", [])
    intercept.follow([])
    again = await ask(1, session_request(session=(first.session_id, 2), wanted=[(0, 0)]))
    assert rows(again)[0].error_code == 0 and rows(again)[0].records


@story()
async def test_a_fetch_of_the_metadata_log_is_spared(trio):
    asked = []
    trio.nodes[1].raft = SimpleNamespace(answer_fetch=lambda message, version: answered(asked, message, version))
    intercepted(trio.nodes[1], rule("Fetch", "fail", error="KAFKA_STORAGE_ERROR"))
    topics = [{"topic": "__cluster_metadata", "topic_id": TOPIC_ID.__class__(int=1), "partitions": [{"partition": 0}]}]
    answer = await trio.ask(1, build("Fetch", "request", 17, topics=topics))
    assert asked and answer.error_code == 0 and answer.responses == ()


async def answered(asked, message, version):
    asked.append(message)
    return build("Fetch", "response", version)


# ---- delay and drop


@story()
async def test_a_delayed_request_keeps_the_later_ones_of_its_connection_waiting_and_their_order(trio):
    intercept = intercepted(trio.nodes[1], rule("Produce", "delay", delay_ms=400, share=50))
    began = trio.simulation.now_ms()
    sent = [spawn(trio.produce([f"v{number}"]), name="produce") for number in range(8)]
    for one in sent:
        assert (await one).error_code == 0
    took = trio.simulation.now_ms() - began
    assert trio.values(1) == [f"v{number}" for number in range(8)]
    assert took >= 400 and took % 400 < 100, "each that waits waits for itself"
    intercept.follow([])
    began = trio.simulation.now_ms()
    await trio.produce(["x"])
    assert trio.simulation.now_ms() - began < 100


async def test_a_dropped_request_is_never_answered_and_keeps_later_answers_of_its_connection():
    made = door()
    intercept = intercepted(made, rule("Heartbeat", "drop"))
    wire, other = Wire(made), Wire(made)
    wire.ask("Heartbeat", 4)
    intercept.follow([])
    wire.ask("Heartbeat", 4)
    other.ask("Heartbeat", 4)
    assert (wire.answers, wire.closed, other.order) == ([], False, [1])


async def test_a_share_is_a_share():
    made = door()
    intercepted(made, rule("Heartbeat", "fail", error="REBALANCE_IN_PROGRESS", share=30))
    wire = Wire(made)
    for _ in range(1000):
        wire.ask("Heartbeat", 4)
    failed = sum(answer.error_code == ErrorCode.rebalance_in_progress for _, answer in wire.answers)
    assert len(wire.answers) == 1000 and 250 < failed < 350


async def test_without_rules_the_door_leads_straight_to_dispatch():
    made = door()
    made.connections.on_request = straight = made.dispatch.take
    intercept = Intercept(made)
    assert made.connections.on_request is straight
    intercept.follow([rule("Heartbeat", "fail", error="REBALANCE_IN_PROGRESS")])
    assert made.connections.on_request == intercept.take
    intercept.follow([])
    assert made.connections.on_request == straight


async def test_a_connection_that_closes_while_its_request_waits_is_forgotten():
    made = door()
    intercept = intercepted(made, rule("Heartbeat", "delay", delay_ms=1))
    wire = Wire(made)
    wire.ask("Heartbeat", 4)
    assert wire.held
    wire.on_closed("gone")
    intercept.follow([])
    await made.clock.sleep(2)
    while made.connections.on_request != made.dispatch.take:
        await made.turn()
    assert wire.answers == []
