"""Leaders and followers in memory, on virtual time: what is acknowledged, who is in sync, and where logs are cut."""

from engine.events.facts import FollowerLagged, LogTruncated, WritesRefused
from tests.engine.replication.trio import story


@story()
async def test_a_record_is_acknowledged_when_all_have_it(trio):
    began = trio.simulation.now_ms()
    answer = await trio.produce(["a", "b"])
    assert (answer.error_code, answer.base_offset) == (0, 0)
    assert trio.simulation.now_ms() - began < 100, "a new partition must not wait for a follower's 500 ms"
    assert trio.values(2) == trio.values(3) == ["a", "b"]
    assert trio.log(1).high_watermark == 2
    await trio.produce(["c"])
    assert trio.log(2).high_watermark >= 2  # rides on the next answer
    await trio.simulation.sleep(600)
    assert trio.log(2).high_watermark == trio.log(3).high_watermark == 3


@story()
async def test_acks_of_one_wait_for_nobody(trio):
    trio.simulation.links.cut("node-1", "node-2")
    trio.simulation.links.cut("node-1", "node-3")
    answer = await trio.produce(["a"], acks=1)
    assert answer.error_code == 0 and trio.log(1).high_watermark == 0
    answer = await trio.produce(["b"], acks=-1, timeout_ms=1000)
    assert (answer.error_code.name, answer.base_offset) == ("request_timed_out", 1)
    trio.simulation.links.heal()
    await trio.until(lambda: trio.values(3) == ["a", "b"] and trio.log(1).high_watermark == 2)


@story(partitions=30)
async def test_many_partitions_at_once_and_added_ones(trio):
    for index in range(30):
        assert (await trio.produce([str(index)], index=index)).error_code == 0
    trio.partitions[30] = trio.partitions[0].__class__(leader=1, leader_epoch=0, partition_epoch=0, replicas=(1, 2, 3), isr=(1, 2, 3))
    for node in trio.nodes.values():
        node.image.topics["orders"].partitions[30] = trio.partitions[30]
    trio.tell()
    began = trio.simulation.now_ms()
    assert (await trio.produce(["new"], index=30)).error_code == 0
    assert trio.simulation.now_ms() - began < 100


@story(min_insync_replicas=2)
async def test_a_lagging_follower_leaves_the_isr_and_comes_back(trio):
    await trio.produce(["a"])
    trio.simulation.links.cut("node-1", "node-3")
    waiting = await trio.produce(["b"], timeout_ms=20_000)
    assert waiting.error_code == 0, "committed once the ISR had shrunk"
    assert trio.partitions[0].isr == (1, 2)
    [lagged] = trio.nodes[1].journal.recent(FollowerLagged)
    assert (lagged.follower, lagged.behind_records, lagged.configs) == (3, 1, {"replica.lag.time.max.ms": 3000})
    assert 3000 <= lagged.behind_ms <= 6000
    trio.simulation.links.heal()
    await trio.until(lambda: trio.partitions[0].isr == (1, 2, 3))
    assert trio.values(3) == ["a", "b"]


@story(min_insync_replicas=2)
async def test_quiet_followers_stay_in_sync(trio):
    await trio.produce(["a"])
    await trio.simulation.sleep(120_000)
    trio.simulation.links.slow("node-1", "node-3", low_ms=400, high_ms=400)
    assert (await trio.produce(["b"])).error_code == 0
    await trio.simulation.sleep(20_000)
    assert trio.partitions[0].isr == (1, 2, 3) and trio.asked == []


@story(min_insync_replicas=2)
async def test_too_few_replicas_refuse_writes(trio):
    await trio.produce(["a"])
    trio.crash(2), trio.crash(3)
    trio.alive |= {2: False, 3: False}
    trio.change(isr=(1,))
    trio.tell()
    for _ in range(3):
        assert (await trio.produce(["b"])).error_code.name == "not_enough_replicas"
    assert (await trio.produce(["c"], acks=1)).error_code == 0
    assert trio.log(1).high_watermark == 1, "KIP-966: nothing is committed below min.insync.replicas"
    [refused] = trio.nodes[1].journal.recent(WritesRefused)
    assert refused.isr == (1,)
    await trio.boot(2)
    await trio.until(lambda: trio.values(2) == ["a", "c"])
    assert trio.asked == [], "a fenced broker may not join"
    trio.alive[2] = True
    trio.tell()
    await trio.until(lambda: trio.partitions[0].isr == (1, 2) and trio.log(1).high_watermark == 2)
    assert (await trio.produce(["d"])).error_code == 0


@story(min_insync_replicas=2)
async def test_the_isr_may_shrink_while_nobody_answers(trio):
    """Asked again until a controller answers; meanwhile the larger ISR counts."""
    trio.deaf = True
    trio.crash(3)
    first = await trio.produce(["a"], timeout_ms=8000)
    assert first.error_code.name == "request_timed_out"
    trio.deaf = False
    await trio.until(lambda: trio.log(1).high_watermark == 1)
    assert trio.partitions[0].isr == (1, 2)


@story()
async def test_kip_101_a_follower_drops_what_the_new_leader_never_had(trio):
    """Scenario 1: the old leader comes back with records that were never committed, under another leader's epoch."""
    await trio.produce(["a"])
    trio.simulation.links.cut("node-1", "node-2"), trio.simulation.links.cut("node-1", "node-3")
    await trio.produce(["lost-1", "lost-2"], acks=1)
    await trio.produce(["lost-3"], acks=1)
    trio.change(leader=2, isr=(2, 3))
    trio.tell(2, 3)
    assert (await trio.produce(["b"], to=2)).error_code == 0
    trio.simulation.links.heal()
    trio.tell(1)
    await trio.until(lambda: trio.partitions[0].isr == (2, 3, 1))
    assert trio.values(1) == trio.values(2) == trio.values(3) == ["a", "b"]
    [cut] = trio.nodes[1].journal.recent(LogTruncated)
    assert (cut.to_offset, cut.was_log_end_offset) == (1, 4)


@story()
async def test_kip_279_fast_failovers_leave_epochs_that_only_one_knows(trio):
    """The follower's last epoch is unknown to the leader and the leader's to the follower: they compare twice."""
    await trio.produce(["a"])
    links = trio.simulation.links
    links.cut("node-1", "node-2"), links.cut("node-1", "node-3"), links.cut("node-2", "node-3")
    await trio.produce(["only-1"], acks=1)  # epoch 0 at node 1
    trio.change(leader=2, isr=(2,))
    trio.tell(2)
    await trio.produce(["only-2"], to=2, acks=1)  # epoch 1 at node 2
    trio.change(leader=1, isr=(1,))
    trio.tell(1)
    await trio.produce(["again-1"], to=1, acks=1)  # epoch 2 at node 1
    trio.change(leader=2, isr=(2,))
    trio.tell(2)
    await trio.produce(["again-2"], to=2, acks=1)  # epoch 3 at node 2
    links.heal()
    trio.tell()
    await trio.until(lambda: set(trio.partitions[0].isr) == {1, 2, 3})
    assert trio.values(1) == trio.values(2) == trio.values(3) == ["a", "only-2", "again-2"]
    assert [tuple(entry) for entry in trio.log(1).epochs.entries] == [tuple(entry) for entry in trio.log(2).epochs.entries]


@story()
async def test_a_leader_without_the_epoch_start_of_its_own_reign_sends_nobody_back(trio):
    await trio.produce(["a", "b"])
    trio.change(leader=2)
    trio.tell()
    one, values = await trio.fetch(0, at=2)
    assert one.error_code == 0 and values in (["a", "b"], [])
    await trio.until(lambda: trio.log(2).high_watermark == 2)
    assert (await trio.produce(["c"], to=1)).error_code.name == "not_leader_or_follower"


@story()
async def test_an_emptied_leader_makes_followers_begin_at_its_start(trio):
    for value in "abcdef":
        await trio.produce([value])
    trio.simulation.links.cut("node-1", "node-3")
    await trio.produce(["g"], timeout_ms=30_000)
    trio.nodes[1].replicas.find("orders", 0).delete_before(7)
    await trio.produce(["h"])
    trio.crash(3)
    disk = trio.simulation.disk("node-3")
    disk.remove("/data-3")
    trio.simulation.links.heal()
    await trio.boot(3)
    await trio.until(lambda: trio.values(3) == ["h"])
    assert trio.log(3).log_start_offset == 7


@story()
async def test_a_killed_follower_recovers_from_its_files(trio):
    for value in "abc":
        await trio.produce([value])
    trio.crash(2)
    await trio.produce(["d"], acks=1)
    await trio.boot(2)
    await trio.until(lambda: trio.values(2) == ["a", "b", "c", "d"])
    await trio.produce(["e"])
    assert trio.values(1) == trio.values(2) == trio.values(3) == list("abcde")


@story()
async def test_a_pause_loses_nothing_and_nobody(trio):
    await trio.produce(["a"])
    for node in trio.nodes.values():
        node.clock.pause()
    await trio.simulation.sleep(30_000)
    for node in trio.nodes.values():
        node.clock.resume()
    assert (await trio.produce(["b"])).error_code == 0
    assert trio.asked == []


@story()
async def test_a_leader_that_wrote_nothing_follows_the_next_one(trio):
    """Its epoch stands at its log's end without a record, and the next leader never heard of it."""
    await trio.produce(["a"])
    trio.simulation.links.cut("node-2", "node-1"), trio.simulation.links.cut("node-2", "node-3")
    trio.change(leader=2)
    trio.tell(2)
    trio.change(leader=3)
    trio.tell()
    trio.simulation.links.heal()
    assert (await trio.produce(["b"], to=3)).error_code == 0
    assert trio.values(2) == ["a", "b"]
