"""Shards in virtual time: loading, storing in order, giving up, and which partition a group lives on."""

from collections.abc import Awaitable, Callable

import pytest

from engine.coordination.groups.decision import Record
from engine.coordination.groups.limits import Limits
from engine.coordination.shard import Shard
from engine.coordination.shards import OFFSETS_TOPIC, Shards, java_hash, partition_for
from engine.coordination.timers import Timers
from engine.coordination.writer import Writer
from engine.events.facts import GroupLoaded
from engine.events.journal import Journal
from engine.events.traffic import Traffic
from engine.metadata.image import MetadataImage
from engine.protocol.errors import CoordinatorLoadInProgress, NotCoordinator, NotEnoughReplicas, RequestTimedOut
from engine.protocol.stored.groups import OffsetCommitKey, OffsetCommitValue, encode_key, encode_value
from engine.world.simulated import Simulation
from engine.world.tasks import Promise
from engine.world.virtual_loop import run_virtually
from tests.engine.coordination.fake_partition import FakePartition

CONFIG = {
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 6000,
    "group.max.session.timeout.ms": 1_800_000,
    "group.max.size": 100,
    "offset.metadata.max.bytes": 4096,
    "offsets.retention.minutes": 1,
    "offsets.retention.check.interval.ms": 1000,
    "offsets.topic.num.partitions": 50,
    "offsets.commit.timeout.ms": 5000,
}


def virtually(test: Callable[[Simulation], Awaitable[None]]) -> Callable[[], None]:
    """The test runs on the virtual loop."""

    def run() -> None:
        async def main() -> None:
            await test(Simulation(1))

        run_virtually(main())

    run.__name__ = test.__name__
    return run


def offset(partition: int, value: int | None, topic: str = "t") -> Record:
    key = OffsetCommitKey(group="g", topic=topic, partition=partition)
    return key, None if value is None else OffsetCommitValue(offset=value, metadata="", commit_timestamp=0)


def encoded(*records: Record) -> list[tuple[bytes, bytes | None]]:
    return [(encode_key(key), encode_value(value)) for key, value in records]


def shard_of(simulation: Simulation, partition: FakePartition) -> Shard:
    world = simulation.world("node-1")
    journal = Journal(node=1, incarnation=1, now_ms=world.clock.now_ms)
    return Shard(partition=partition, world=world, journal=journal, traffic=Traffic(), limits=Limits())


@pytest.mark.parametrize(("text", "value"), [("", 0), ("a", 97), ("billing", -109829509), ("\U0001f600", 1772899)])
def test_java_hash(text: str, value: int):
    assert java_hash(text) == value


def test_the_smallest_hash_has_no_positive_twin():
    assert java_hash("polygenelubricants") == -(2**31)
    assert partition_for("polygenelubricants", 50) == 0


@virtually
async def test_loading_takes_the_last_word_of_every_key_and_steps_over_what_it_does_not_know(simulation: Simulation):
    partition = FakePartition()
    partition.log.append(encoded(offset(0, 1), offset(1, 1), offset(0, 2)))
    partition.log.append([(b"\0\x09strange", b"x"), (None, b"no key"), (b"\0", b"short")])
    partition.log.append([(b"\0\0\0\0", b"\0" * 6)], control=True)
    partition.log.append(encoded(offset(1, None)))
    shard = shard_of(simulation, partition)
    with pytest.raises(CoordinatorLoadInProgress):
        shard.check_active()
    await simulation.sleep(10)
    shard.check_active()
    assert {topic: {at: one.offset for at, one in parts.items()} for topic, parts in shard.ledger.offsets["g"].items()} == {"t": {0: 2}}
    assert list(shard.groups) == ["g"]
    shard.resign()
    with pytest.raises(NotCoordinator):
        shard.check_active()


@virtually
async def test_what_may_still_be_lost_is_told_to_nobody(simulation: Simulation):
    partition = FakePartition()
    partition.log.append(encoded(offset(0, 1)))
    partition.log.append(encoded(offset(0, 2)))
    partition.log.uncommitted = 1
    shard = shard_of(simulation, partition)
    await simulation.sleep(5_000)
    with pytest.raises(CoordinatorLoadInProgress):
        shard.check_active()
    partition.commit()
    await simulation.sleep(1)
    shard.check_active()
    assert [value.offset for _, value in shard.ledger.keys_of("g")] == [2]


@virtually
async def test_writes_are_stored_in_order_and_what_comes_meanwhile_goes_together(simulation: Simulation):
    partition, told, replayed = FakePartition(), [], []
    writer = Writer(partition=partition, clock=simulation.world("n").clock, timeout_ms=5000, on_committed=replayed.extend)
    partition.hold = Promise()
    for number in range(4):
        writer.write([offset(number, number)], lambda error, number=number: told.append((number, error)))
    writer.write([], lambda error: told.append(("settled", error)))
    await simulation.sleep(1)
    assert told == [] and len(partition.log.batches) == 1
    partition.hold.resolve(None)
    await simulation.sleep(1)
    assert told == [(0, None), (1, None), (2, None), (3, None), ("settled", None)]
    assert [key.partition for key, _ in replayed] == [0, 1, 2, 3]
    assert len(partition.log.batches) == 1, "asked for in one turn of the loop, they are one batch"


@virtually
async def test_a_refused_batch_is_not_replayed_and_the_next_one_is(simulation: Simulation):
    partition, told, replayed = FakePartition(), [], []
    writer = Writer(partition=partition, clock=simulation.world("n").clock, timeout_ms=5000, on_committed=replayed.extend)
    partition.refusal = NotEnoughReplicas()
    writer.write([offset(0, 1)], told.append)
    await simulation.sleep(1)
    partition.refusal = None
    writer.write([offset(0, 2)], told.append)
    await simulation.sleep(1)
    assert isinstance(told[0], NotEnoughReplicas) and told[1] is None
    assert [value.offset for _, value in replayed] == [2]


@virtually
async def test_a_write_that_takes_too_long_is_told_so_and_still_replayed_when_it_is_committed(simulation: Simulation):
    partition, told, replayed = FakePartition(), [], []
    writer = Writer(partition=partition, clock=simulation.world("n").clock, timeout_ms=5000, on_committed=replayed.extend)
    partition.hold = Promise()
    writer.write([offset(0, 1)], told.append)
    await simulation.sleep(1)
    writer.write([offset(0, 2)], told.append)
    await simulation.sleep(5001)
    assert [type(error) for error in told] == [RequestTimedOut, RequestTimedOut]
    partition.hold.resolve(None)
    await simulation.sleep(1)
    assert [value.offset for _, value in replayed] == [1], "the one in the log; the other was never written"
    writer.close()
    writer.write([offset(0, 3)], told.append)
    assert isinstance(told[-1], NotCoordinator)


@virtually
async def test_a_timer_of_the_same_name_is_replaced(simulation: Simulation):
    timers, rung = Timers(simulation.world("n").clock), []
    timers.set("a", 100, lambda: rung.append("first"))
    timers.set("a", 200, lambda: rung.append("second"))
    timers.set("b", 50, lambda: rung.append("b"))
    timers.cancel("b")
    await simulation.sleep(300)
    assert rung == ["second"] and timers.names() == []


@virtually
async def test_shards_follow_the_partitions_that_the_node_leads(simulation: Simulation):
    world = simulation.world("node-1")
    journal = Journal(node=1, incarnation=1, now_ms=world.clock.now_ms)
    shards = Shards(world=world, image=MetadataImage(), journal=journal, config=CONFIG)
    index = shards.partition_of("g")
    with pytest.raises(NotCoordinator):
        shards.shard_for("g")
    partition = FakePartition(index)
    shards.on_leading(partition)
    with pytest.raises(CoordinatorLoadInProgress):
        shards.shard_for("g")
    await simulation.sleep(1)
    shard = shards.shard_for("g")
    shards.on_leading(partition)
    assert shards.shard_for("g") is shard, "a newer epoch of the same lead changes nothing"
    shards.on_resigned("orders", index)
    assert shards.all() == [shard]
    shards.on_resigned(OFFSETS_TOPIC, index)
    with pytest.raises(NotCoordinator):
        shards.shard_for("g")
    assert [fact.partition for fact in journal.recent(GroupLoaded)] == [index]
    shards.close()


@virtually
async def test_offsets_are_checked_for_their_age_by_the_clock(simulation: Simulation):
    world = simulation.world("node-1")
    journal = Journal(node=1, incarnation=1, now_ms=world.clock.now_ms)
    shards = Shards(world=world, image=MetadataImage(), journal=journal, config=CONFIG)
    partition = FakePartition(shards.partition_of("g"))
    partition.log.append(encoded(offset(0, 1)))
    shards.on_leading(partition)
    await simulation.sleep(1500)
    shard = shards.shard_for("g")
    assert shard.ledger.count() == 0 and not shard.groups
    shards.close()
