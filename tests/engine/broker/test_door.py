"""Requests come in, answers go out: in order, through pauses, and nothing is lost to a bad neighbour."""

import gc
from types import SimpleNamespace

from engine.broker.request_context import RequestContext
from engine.broker.routes import route
from engine.events.facts import ClientConnected, ClientDisconnected
from engine.protocol.codec import build
from engine.protocol.errors import ErrorCode, NotController
from engine.world.tasks import spawn
from tests.engine.broker.door import Door, Wire, module

BEAT = {"group_id": "g", "generation_id": 1, "member_id": "m"}


async def test_answers_keep_the_order_of_requests():
    door = Door()
    wire = Wire(door)
    wire.ask("ListGroups", 4)
    wire.ask("Heartbeat", 4, **BEAT)
    wire.ask("ListGroups", 4)
    door.release(1)
    assert wire.order == []
    door.release(0)
    assert wire.order == [1, 2, 3]


async def test_what_is_asked_of_the_moment_is_looked_up_when_all_earlier_answers_are_out():
    door = Door()
    wire, looked_up = Wire(door), []
    door.dispatch.table[10] = route(10, module(handle=lambda context, request: looked_up.append(request.key) or find_answer(context)))
    wire.ask("ListGroups", 4)
    wire.ask("FindCoordinator", 3, key="g", key_type=0)
    wire.ask("ListGroups", 4)
    wire.ask("FindCoordinator", 3, key="h", key_type=0)
    assert looked_up == []
    door.release(1)
    assert (looked_up, wire.order) == ([], [])
    door.release(0)
    assert (looked_up, wire.order) == (["g", "h"], [1, 2, 3, 4])


def find_answer(context):
    return build("FindCoordinator", "response", context.api_version)


async def test_a_client_never_hears_that_the_lead_was_lost_while_it_asked():
    door = Door()
    wire, passed_on = Wire(door), []

    async def create(context, request):
        door.controller.active = False
        raise NotController

    async def forward(context, frame, *, within_ms):
        passed_on.append(within_ms)
        return build("CreateTopics", "response", context.api_version)

    door.controller, door.controller_door = SimpleNamespace(active=True), SimpleNamespace(forward=forward)
    door.spawn = spawn
    door.dispatch.table[19] = route(19, module(handle=create))
    wire.ask("CreateTopics", 7, topics=[], timeout=500)
    for _ in range(3):
        await door.turn()
    assert (passed_on, wire.order) == ([500], [1])


async def test_a_kafka_error_and_a_bug_become_codes():
    door = Door()
    wire = Wire(door)
    wire.ask("FindCoordinator", 3, key="g", key_type=0)
    wire.ask("FindCoordinator", 3, key="bug", key_type=0)
    (_, first), (_, second) = wire.answers
    assert (first.error_code, first.error_message) == (ErrorCode.not_coordinator, "not here")
    assert second.error_code == ErrorCode.unknown_server_error
    assert "ZeroDivisionError" in door.log[0]


async def test_an_answer_that_cannot_be_written_ends_its_own_connection():
    door = Door()
    bad, good = Wire(door), Wire(door)
    door.dispatch.table[12] = route(12, module(handle=lambda context, request: build("FindCoordinator", "response", 3, host=None)))
    bad.ask("ListGroups", 4)
    bad.ask("Heartbeat", 4, **BEAT)
    door.release(0)
    assert bad.closed and "a bug" in door.log[0]
    good.ask("FindCoordinator", 3, key="g", key_type=0)
    assert good.order == [1]


async def test_a_request_that_is_answered_or_lost_leaves_no_garbage():
    door = Door()
    answered, lost = Wire(door), Wire(door)
    gc.collect()
    gc.disable()
    try:
        for wire in (answered, lost):
            wire.ask("ListGroups", 4)
        assert contexts() == 2
        door.release(0)
        lost.on_closed("closed by the other side")
        door.waiting.clear()
        assert contexts() == 0
    finally:
        gc.enable()


def contexts():
    return sum(isinstance(each, RequestContext) for each in gc.get_objects())


async def test_what_is_not_understood_closes_its_connection_only():
    door = Door()
    good = Wire(door)
    unknown_key = b"\x00\xc8\x00\x00\x00\x00\x00\x01\xff\xff"
    old_version = b"\x00\x0c\x00\x63\x00\x00\x00\x01\xff\xff"
    cut_body = b"\x00\x0c\x00\x00\x00\x00\x00\x01\xff\xff\x7f\xff"
    not_a_header = b"\x00\x0c\x00"
    for frame in (unknown_key, old_version, cut_body, not_a_header):
        bad = Wire(door)
        bad.raw(frame)
        assert bad.closed and not bad.sent
    assert len(door.log) == 4
    good.ask("Heartbeat", 4, **BEAT)
    assert good.order == [1]


async def test_a_paused_node_keeps_requests_and_answers():
    door = Door()
    wire = Wire(door)
    wire.ask("ListGroups", 4)
    door.clock.pause()
    door.release(0)
    wire.ask("ListGroups", 4)
    assert wire.order == [] and len(door.waiting) == 1
    door.clock.resume()
    assert wire.order == [1] and len(door.waiting) == 2


async def test_heartbeats_are_answered_through_a_pause_in_order_or_past_librdkafka_s_queue():
    door = Door()
    free, queued, librdkafka = Wire(door), Wire(door), Wire(door)
    door.connections.by_id[3].software_version = "2.16.1-rdkafka-2.16.0"
    for wire in (queued, librdkafka):
        wire.ask("ListGroups", 4)
    door.clock.pause()
    for wire in (free, queued, librdkafka):
        wire.ask("Heartbeat", 3, **BEAT)
    assert (free.order, queued.order, librdkafka.order) == ([1], [], [2])
    door.clock.resume()
    door.release(0)
    assert queued.order == [1, 2]


async def test_a_heartbeat_that_waited_when_the_pause_came_is_answered_once():
    door = Door()
    wire = Wire(door)
    door.connections.by_id[1].software_version = "2.16.1-rdkafka-2.16.0"
    wire.ask("ListGroups", 4)
    wire.ask("Heartbeat", 3, **BEAT)
    door.clock.pause()
    assert wire.order == [2]
    door.clock.resume()
    door.release(0)
    assert wire.order == [2, 1]


async def test_a_flood_is_held_back_and_let_in_again():
    door = Door()
    wire = Wire(door)
    for _ in range(100):
        wire.ask("ListGroups", 4)
    assert wire.held
    door.release(0)
    assert not wire.held


async def test_clients_are_told_when_they_come_and_go_and_nodes_are_not():
    door = Door()
    wire = Wire(door)
    wire.ask("Heartbeat", 4, **BEAT)
    wire.on_closed("closed by the other side")
    node = Wire(door)
    node.raw(b"\x00\x0c\x00\x00\x00\x00\x00\x01\x00\x06node-2" + b"\x00\x01g\x00\x00\x00\x01\x00\x01m")
    node.on_closed("closed by the other side")
    kinds = [(type(fact), fact.client_id) for fact in door.journal.recent()]
    assert kinds == [(ClientConnected, "me"), (ClientDisconnected, "me")]


async def test_a_node_hears_other_nodes_at_once_and_clients_when_it_is_open():
    door = Door(open_to_clients=False)
    client, node = Wire(door), Wire(door)
    client.ask("ListGroups", 4)
    client.ask("Heartbeat", 4, **BEAT)
    assert not door.waiting
    node.ask("Vote", 2, cluster_id="c", voter_id=1, topics=())
    assert node.order == [1]
    door.clock.pause()
    door.connections.open()
    assert not door.waiting, "the pause holds them still"
    door.clock.resume()
    door.release(0)
    assert client.order == [1, 2]
