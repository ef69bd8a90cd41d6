"""Produce, and the APIs about offsets, as clients see them."""

import pytest

from engine.broker.producer_ids import ProducerIds
from engine.broker.waiting import Waiting
from engine.metadata.image import MetadataImage
from engine.protocol.codec import build, encode_request
from engine.protocol.errors import CoordinatorLoadInProgress
from engine.protocol.record_batch import Record, encode_batch
from engine.world.simulated import Simulation
from engine.world.tasks import spawn
from engine.world.virtual_loop import run_virtually
from tests.engine.replication.trio import TOPIC, story


@story()
async def test_all_versions_append(trio):
    for offset, version in enumerate(range(3, 14)):
        answer = await trio.produce(["x"], version=version)
        assert (answer.error_code, answer.base_offset) == (0, offset)
    assert len(trio.values(3)) == 11


@story()
async def test_refusals_are_by_partition_and_name_the_leader(trio):
    trio.change(leader=2)
    trio.tell()
    batch = bytes(encode_batch([Record(timestamp=1, value=b"x")]))
    partitions = [{"index": 0, "records": batch}, {"index": 7, "records": batch}, {"index": 0, "records": b""}]
    message = build("Produce", "request", 11, acks=-1, timeout=1000, topic_data=[{"name": TOPIC, "partition_data": partitions}])
    answer = await trio.ask(1, message)
    moved, unknown, empty = answer.responses[0].partition_responses
    assert moved.error_code.name == "not_leader_or_follower"
    assert (moved.current_leader.leader_id, moved.current_leader.leader_epoch) == (2, 1)
    assert [(node.node_id, node.host, node.port) for node in answer.node_endpoints] == [(2, "node-2", 9092)]
    assert unknown.error_code.name == "unknown_topic_or_partition"
    assert empty.error_code.name == "invalid_record"


@story()
async def test_strange_acks_and_transactions(trio):
    batch = bytes(encode_batch([Record(timestamp=1, value=b"x")]))
    topics = [{"name": TOPIC, "partition_data": [{"index": 0, "records": batch}]}]
    odd = await trio.ask(1, build("Produce", "request", 9, acks=2, timeout=1000, topic_data=topics))
    assert odd.responses[0].partition_responses[0].error_code.name == "invalid_required_acks"
    sent = await trio.ask(1, build("Produce", "request", 9, transactional_id="t", acks=-1, timeout=1000, topic_data=topics))
    assert sent.responses[0].partition_responses[0].error_code.name == "transactional_id_authorization_failed"
    internal = [{"name": "__consumer_offsets", "partition_data": [{"index": 0, "records": batch}]}]
    trio.nodes[1].image.topics["__consumer_offsets"] = trio.nodes[1].image.topics[TOPIC]
    refused = await trio.ask(1, build("Produce", "request", 9, acks=-1, timeout=1000, topic_data=internal))
    assert refused.responses[0].partition_responses[0].error_code.name == "invalid_topic_exception"
    assert trio.values(1) == []


@story()
async def test_no_acks_no_answer_but_an_error_closes(trio):
    batch = bytes(encode_batch([Record(timestamp=1, value=b"x")]))

    def message(index):
        topics = [{"name": TOPIC, "partition_data": [{"index": index, "records": batch}]}]
        return encode_request(build("Produce", "request", 9, acks=0, timeout=0, topic_data=topics), correlation_id=1, client_id="c")

    closed, frames = [], []
    connection = await trio.nodes[2].world.network.dial("node-1", 9092)
    connection.on_closed, connection.on_frame = closed.append, lambda frame: frames.append(bytes(frame))
    connection.send(message(0))
    await trio.until(lambda: trio.values(1) == ["x"])
    assert not closed and not frames
    connection.send(message(5))
    await trio.until(lambda: closed)
    assert not frames


@story(min_insync_replicas=2)
async def test_a_leader_that_moves_tells_who_waits(trio):
    trio.simulation.links.cut("node-1", "node-2"), trio.simulation.links.cut("node-1", "node-3")
    waiting = spawn(trio.produce(["x"], timeout_ms=60_000), name="produce")
    await trio.simulation.sleep(100)
    trio.change(leader=2, isr=(2, 3))
    trio.tell(1)
    answer = await waiting
    assert answer.error_code.name == "not_leader_or_follower" and answer.current_leader.leader_id == 2


@story(min_insync_replicas=2)
async def test_the_same_leader_again_keeps_who_waits(trio):
    trio.simulation.links.cut("node-1", "node-2"), trio.simulation.links.cut("node-1", "node-3")
    waiting = spawn(trio.produce(["x"], timeout_ms=60_000), name="produce")
    await trio.simulation.sleep(100)
    trio.change(leader=1)
    trio.tell()
    trio.simulation.links.heal()
    assert (await waiting).error_code == 0


def offsets_request(version, timestamp, *, replica=-1, epoch=-1, isolation=0, twice=False):
    row = {"partition_index": 0, "current_leader_epoch": epoch, "timestamp": timestamp}
    topics = [{"name": TOPIC, "partitions": [row, row] if twice else [row]}]
    return build("ListOffsets", "request", version, replica_id=replica, isolation_level=isolation, topics=topics)


async def offset(trio, version, timestamp, **more):
    answer = await trio.ask(more.pop("at", 1), offsets_request(version, timestamp, **more))
    one = answer.topics[0].partitions[0]
    return one.error_code.name, one.offset, one.timestamp


@story()
async def test_list_offsets(trio):
    began = trio.simulation.now_ms()
    for value in "abc":
        await trio.produce([value])
        await trio.simulation.sleep(1000)
    for version in range(1, 12):
        assert await offset(trio, version, -1) == ("none", 3, -1)
        assert await offset(trio, version, -2) == ("none", 0, -1)
        found = await offset(trio, version, began + 500)
        assert found[:2] == ("none", 1) and found[2] >= began + 1000
        assert await offset(trio, version, began + 10**6) == ("none", -1, -1)
        assert (await offset(trio, version, -3))[0] == ("none" if version >= 7 else "unsupported_version")
    assert (await offset(trio, 7, -3))[:2] == ("none", 2)
    assert await offset(trio, 8, -4) == ("none", 0, -1)
    assert await offset(trio, 9, -5) == ("none", -1, -1)
    assert await offset(trio, 11, -6) == ("none", -1, -1)
    assert (await offset(trio, 11, -7))[0] == "unsupported_version"
    assert (await offset(trio, 5, -1, twice=True))[0] == "invalid_request"
    assert (await offset(trio, 5, -1, epoch=3))[0] == "unknown_leader_epoch"
    assert (await offset(trio, 5, -1, at=2))[0] == "not_leader_or_follower"
    assert (await offset(trio, 5, -1, at=2, replica=-2))[0] == "none"


@story()
async def test_a_fresh_leader_does_not_send_readers_back(trio):
    """KIP-207: its high watermark is from before its election."""
    for value in "ab":
        await trio.produce([value])
    trio.simulation.links.cut("node-2", "node-1"), trio.simulation.links.cut("node-2", "node-3")
    behind = trio.log(2).high_watermark
    trio.change(leader=2)
    trio.tell(2)
    if behind < 2:
        assert (await offset(trio, 5, -1, at=2))[0] == "offset_not_available"
    trio.simulation.links.heal()
    trio.tell()
    await trio.until(lambda: trio.log(2).high_watermark == 2)
    assert await offset(trio, 5, -1, at=2) == ("none", 2, -1)


@story()
async def test_ends_of_epochs(trio):
    await trio.produce(["a", "b"])
    trio.change(leader=2)
    trio.tell()
    await trio.produce(["c"], to=2)

    async def end(epoch, *, current=-1, at=2):
        row = {"partition": 0, "current_leader_epoch": current, "leader_epoch": epoch}
        message = build("OffsetForLeaderEpoch", "request", 4, replica_id=-1, topics=[{"topic": TOPIC, "partitions": [row]}])
        one = (await trio.ask(at, message)).topics[0].partitions[0]
        return one.error_code.name, one.leader_epoch, one.end_offset

    assert await end(0) == ("none", 0, 2)
    assert await end(1) == ("none", 1, 3)
    assert await end(9) == ("none", -1, -1)
    assert (await end(0, current=0))[0] == "fenced_leader_epoch"
    assert (await end(0, at=1))[0] == "not_leader_or_follower"


async def delete(trio, before, *, version=2, timeout=5000, at=1):
    rows = [{"partition_index": 0, "offset": before}]
    message = build("DeleteRecords", "request", version, timeout=timeout, topics=[{"name": TOPIC, "partitions": rows}])
    one = (await trio.ask(at, message)).topics[0].partitions[0]
    return one.error_code.name, one.low_watermark


@story()
async def test_deleting_waits_for_the_replicas(trio):
    for value in "abcd":
        await trio.produce([value])
    assert await delete(trio, 2) == ("none", 2)
    assert [trio.log(number).log_start_offset for number in (1, 2, 3)] == [2, 2, 2]
    assert await delete(trio, 9) == ("offset_out_of_range", -1)
    assert await delete(trio, -1, version=0) == ("none", 4)
    assert (await delete(trio, 1, at=2))[0] == "not_leader_or_follower"
    assert (await trio.fetch(0))[0].error_code.name == "offset_out_of_range"
    await trio.produce(["e"])
    trio.simulation.links.cut("node-1", "node-3")
    assert await delete(trio, 4) == ("none", 4)
    assert (await delete(trio, -1, timeout=400))[0] in ("none", "request_timed_out")


def test_limits_end_in_order_and_done_requests_cost_nothing():
    class Waiter:
        def __init__(self):
            self.done, self.ended = False, None

        def expire(self):
            self.done, self.ended = True, clock.monotonic_ms()

        def woken(self):
            self.done = True

    async def main():
        nonlocal clock
        simulation = Simulation(1)
        clock = simulation.world("n").clock
        waiting = Waiting(clock)
        first, second, other = Waiter(), Waiter(), Waiter()
        waiting.until(500, first)
        await simulation.sleep(100)
        waiting.until(500, second)
        waiting.until(50, other)
        waiting.wake(first)
        assert not first.done, "never inside the append"
        await simulation.sleep(1000)
        assert (first.done, first.ended, round(second.ended), round(other.ended)) == (True, None, 600, 150)
        waiting.until(500, late := Waiter())
        await simulation.sleep(600)
        assert late.ended and repr(waiting) == "<Waiting {}>"

    clock = None
    run_virtually(main())


def test_producer_ids_come_in_blocks_asked_for_ahead():
    asked = []

    async def ask(request):
        asked.append(request.broker_id)
        if len(asked) == 1:
            raise TimeoutError("no controller")
        return build("AllocateProducerIds", "response", 0, producer_id_start=len(asked) * 1000, producer_id_len=1000)

    async def main():
        simulation = Simulation(1)
        ids = ProducerIds(node_id=3, image=MetadataImage(), ask=ask)
        with pytest.raises(CoordinatorLoadInProgress):
            await ids.take()
        taken = [await ids.take() for _ in range(899)]
        assert taken == list(range(2000, 2899)) and len(asked) == 2
        taken = [await ids.take() for _ in range(2)]
        await simulation.sleep(1)
        assert len(asked) == 3
        taken += [await ids.take() for _ in range(500)]
        assert taken == [*range(2899, 3000), *range(3000, 3401)] and len(asked) == 3

    run_virtually(main())
