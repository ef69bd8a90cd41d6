"""What a node has on disk, and when it lets go of it."""

from contextlib import asynccontextmanager
from dataclasses import replace
from unittest.mock import patch
from uuid import UUID

import pytest

from engine.events.facts import LogRecovered
from engine.metadata.delta import Delta
from engine.metadata.image import TopicImage
from engine.protocol.errors import KafkaStorageError, NotLeaderOrFollower, UnknownTopicOrPartition
from engine.storage import checkpoints, recovery
from engine.world.tasks import spawn, turn
from tests.engine.replication.trio import TOPIC, TOPIC_ID, story


@story()
async def test_a_clean_stop_keeps_the_high_watermark_and_leaves_its_marker(trio):
    await trio.produce(["a", "b"])
    await trio.simulation.sleep(600)
    node = trio.nodes[2]
    await node.replicas.stop()
    disk = node.world.disk
    assert checkpoints.read_offsets(disk, "/data-2/replication-offset-checkpoint") == {(TOPIC, 0): 2}
    assert checkpoints.read_offsets(disk, "/data-2/recovery-point-offset-checkpoint") == {(TOPIC, 0): 2}
    assert disk.exists("/data-2/.kafka_cleanshutdown")
    trio.nodes.pop(2)
    node.directory.close()
    trio.simulation.crash(node.world)
    await trio.boot(2)
    assert trio.log(2).high_watermark == 2
    assert trio.values(2) == ["a", "b"]


@story()
async def test_a_cut_below_the_recovery_point_is_on_disk_at_once(trio):
    await trio.produce(["a"])
    await trio.produce(["b"])
    replica = trio.nodes[2].replicas.find(TOPIC, 0)
    replica.log.sync()
    replica.cut(1)
    await trio.simulation.sleep(1)
    trio.crash(2)
    assert checkpoints.read_offsets(trio.simulation.disk("node-2"), "/data-2/recovery-point-offset-checkpoint") == {(TOPIC, 0): 0}


@story()
async def test_a_kill_is_seen_at_the_next_start(trio):
    await trio.produce(["a"])
    trio.crash(3)
    await trio.boot(3)
    [recovered] = trio.nodes[3].journal.recent(LogRecovered)
    assert (recovered.log_end_offset, recovered.cut_bytes) == (1, 0)


@asynccontextmanager
async def recovering(trio, records=5):
    """Node 3 was killed and is in the middle of walking its log."""
    for number in range(records):
        await trio.produce([str(number)])
    trio.crash(3)
    with patch.object(recovery, "STEP_BATCHES", 1):
        start = spawn(trio.boot(3), name="start")
        for _ in range(3):
            await turn()
        assert not start.done()
        yield start


@story()
async def test_a_recovery_leaves_turns_to_others(trio):
    async with recovering(trio) as start:
        turns = 0
        while not start.done():
            await turn()
            turns += 1
        assert turns >= 5
        await trio.until(lambda: trio.values(3) == ["0", "1", "2", "3", "4"])
        assert len(trio.nodes[3].journal.recent(LogRecovered)) == 1


@story()
async def test_a_topic_that_is_deleted_while_its_log_is_recovered_goes_too(trio):
    async with recovering(trio) as start:
        image = trio.nodes[3].image
        del image.topics[TOPIC], image.topic_names[TOPIC_ID]
        await start
        await trio.simulation.sleep(10)
        assert not [name for name in trio.simulation.disk("node-3").list("/data-3") if TOPIC in name]


@story()
async def test_a_topic_that_is_recreated_while_its_log_is_recovered_begins_anew(trio):
    async with recovering(trio) as start:
        image, anew = trio.nodes[3].image, UUID(int=99)
        image.topics[TOPIC] = replace(image.topics[TOPIC], id=anew)
        image.topic_names = {anew: TOPIC}
        await start
        await trio.simulation.sleep(10)
        log = trio.nodes[3].replicas.find(TOPIC, 0).log
        assert (log.topic_id, log.log_end_offset) == (anew, 0)
        assert [name for name in trio.simulation.disk("node-3").list("/data-3") if TOPIC in name] == ["orders-0"]


@story(partitions=2)
async def test_a_kill_during_a_recovery_is_recovered_from(trio):
    async with recovering(trio) as start:
        start.cancel()
        trio.crash(3)
        await trio.boot(3)
        await trio.until(lambda: trio.values(3) == ["0", "1", "2", "3", "4"])


@story()
async def test_a_deleted_topic_goes_with_its_files_and_whoever_waits_is_told(trio):
    await trio.produce(["a"])
    waiting = spawn(trio.fetch(1, wait_ms=5000), name="consumer")
    await trio.simulation.sleep(100)
    old = TopicImage(id=TOPIC_ID, name=TOPIC, partitions=dict(trio.partitions))
    began = trio.simulation.now_ms()
    for node in trio.nodes.values():
        del node.image.topics[TOPIC], node.image.topic_names[TOPIC_ID]
        node.replicas.apply(Delta(topics_deleted={TOPIC: old}))
    one, _ = await waiting
    assert one.error_code.name == "unknown_topic_or_partition" and trio.simulation.now_ms() - began < 50
    assert [name for name in trio.nodes[1].world.disk.list("/data-1") if name.startswith(f"{TOPIC}-0.")] == [], "removed in a later turn"
    assert not [name for name in trio.nodes[1].world.disk.list("/data-1") if TOPIC in name]
    with pytest.raises(UnknownTopicOrPartition):
        trio.nodes[1].replicas.find(TOPIC, 0)


@story()
async def test_a_topic_recreated_while_a_node_was_away_begins_anew_there(trio):
    await trio.produce(["old"])
    trio.crash(3)
    disk = trio.simulation.disk("node-3")
    other = "AAAAAAAAAAAAAAAAAAAAAQ"
    disk.replace("/data-3/orders-0/partition.metadata", f"version: 0\ntopic_id: {other}\n".encode())
    await trio.boot(3)
    await trio.until(lambda: trio.values(3) == ["old"])
    assert checkpoints.read_partition_metadata(disk, "/data-3/orders-0/partition.metadata") == TOPIC_ID


@story()
async def test_a_replica_moved_away_is_deleted(trio):
    await trio.produce(["a"])
    log = trio.log(3)
    assert (log, True) in trio.nodes[3].replicas.take_moved()
    assert trio.nodes[3].replicas.take_moved() == []
    trio.change(replicas=(1, 2), isr=(1, 2))
    trio.tell()
    with pytest.raises(NotLeaderOrFollower):
        trio.nodes[3].replicas.find(TOPIC, 0)
    assert not trio.nodes[3].world.disk.exists("/data-3/orders-0")
    assert trio.nodes[3].replicas.take_moved() == [(log, False)]
    assert (await trio.produce(["b"])).error_code == 0


@story(partitions=2)
async def test_a_disk_that_refuses_is_answered_and_nothing_is_lost(trio):
    await trio.produce(["a"])
    disk = trio.simulation.disk("node-1")
    disk.failing = True
    assert (await trio.produce(["b"])).error_code.name == "kafka_storage_error"
    disk.failing = False
    assert (await trio.produce(["c"])).base_offset == 1
    trio.crash(3)
    trio.simulation.disk("node-3").remove("/data-3")
    trio.simulation.disk("node-3").failing = True
    await trio.boot(3)
    for partition in (0, 1):
        with pytest.raises(KafkaStorageError):
            trio.nodes[3].replicas.find(TOPIC, partition)


@story()
async def test_leading_and_resigning_is_told(trio):
    told = []
    node = trio.nodes[1]
    node.replicas.on_leading = lambda partition: told.append(("leads", partition.leader_epoch))
    node.replicas.on_resigned = lambda topic, index: told.append(("resigned", index))
    trio.change(leader=2)
    trio.tell()
    trio.change(leader=1)
    trio.tell()
    trio.change(isr=(1, 2))
    trio.tell()
    assert told == [("resigned", 0), ("leads", 2)]


@story(min_insync_replicas=2)
async def test_coordinators_append_and_wait(trio):
    partition = trio.nodes[1].replicas.leader(TOPIC, 0)
    assert await partition.append_and_commit([(b"k", b"one"), (b"k", b"two")]) == 0
    assert trio.log(1).high_watermark == 2
    trio.nodes[1].clock.call_later(0, lambda: (trio.change(leader=2), trio.tell(1)))
    with pytest.raises(NotLeaderOrFollower):
        await partition.append_and_commit([(b"k", b"three")])


@story(partitions=8)
async def test_many_changes_are_followed_in_several_turns_and_the_last_word_counts(trio):
    waiting, clock = [], trio.nodes[3].world.clock
    replicas = trio.nodes[3].replicas
    clock.call_soon, clock.monotonic_ms = waiting.append, iter(range(0, 10_000, 100)).__next__  # every look at it takes 100 ms
    for index in range(8):
        trio.change(index, leader=3)
    trio.tell(3)
    assert [one.is_leader for one in replicas.all()] == [True] + [False] * 7
    trio.change(7, leader=2)
    trio.tell(3)
    replicas.apply(Delta())
    while waiting:
        waiting.pop(0)()
    assert [one.leader for one in replicas.all()] == [3] * 7 + [2]
    del clock.call_soon, clock.monotonic_ms
