"""Fetch as consumers and followers see it: waiting, limits, epochs, sessions."""

from uuid import UUID

from engine.protocol.codec import build
from engine.world.tasks import spawn
from tests.engine.replication.trio import TOPIC, TOPIC_ID, story, values_of


def session_request(version=13, *, session=(0, 0), wanted=(), forgotten=(), replica=-1, wait_ms=0, topic_id=TOPIC_ID, epoch=-1):
    rows = [
        {"partition": index, "fetch_offset": offset, "last_fetched_epoch": 0 if version >= 17 and replica < 0 else -1, "partition_max_bytes": 1 << 20}
        for index, offset in wanted
    ]
    return build(
        "Fetch", "request", version, replica_id=replica, replica_state={"replica_id": replica, "replica_epoch": epoch},
        max_wait=wait_ms, min_bytes=1, max_bytes=1 << 24, session_id=session[0], session_epoch=session[1],
        topics=[{"topic": TOPIC, "topic_id": topic_id, "partitions": rows}] if rows else [],
        forgotten_topics_data=[{"topic": TOPIC, "topic_id": topic_id, "partitions": forgotten}] if forgotten else [],
    )  # fmt: skip


def rows(answer):
    return {one.partition_index: one for topic in answer.responses for one in topic.partitions}


@story()
async def test_all_versions_read_the_same(trio):
    await trio.produce(["a", "b"])
    for version in range(4, 19):
        one, values = await trio.fetch(0, version=version)
        assert (one.error_code, one.high_watermark, values) == (0, 2, ["a", "b"])
        assert one.aborted_transactions in (None, ())


@story()
async def test_a_waiting_consumer_is_woken_by_the_high_watermark(trio):
    await trio.produce(["a"])
    peer = trio.nodes[1].directory.peer(1, "consumer")
    began = trio.simulation.now_ms()
    asked = build(
        "Fetch", "request", 12, max_wait=5000, min_bytes=1, max_bytes=1 << 20,
        topics=[{"topic": TOPIC, "partitions": [{"partition": 0, "fetch_offset": 1, "partition_max_bytes": 1 << 20}]}],
    )  # fmt: skip
    waiting = spawn(peer.ask(asked, within_ms=10_000), name="consumer")
    await trio.simulation.sleep(300)
    assert not waiting.done()
    await trio.produce(["b"])
    answer = await waiting
    assert trio.simulation.now_ms() - began < 400
    assert values_of(bytes(rows(answer)[0].records)) == ["b"]
    assert len(trio.nodes[1].replicas.find(TOPIC, 0).observers) == 2, "only the followers' sessions observe on"


@story()
async def test_an_empty_wait_ends_in_time_with_an_empty_answer(trio):
    began = trio.simulation.now_ms()
    one, values = await trio.fetch(0, wait_ms=500)
    assert (one.error_code, values) == (0, []) and 500 <= trio.simulation.now_ms() - began < 520


@story()
async def test_min_bytes_wait_for_enough(trio):
    await trio.produce(["a"])
    began = trio.simulation.now_ms()
    _, values = await trio.fetch(0, wait_ms=300, bytes_min=100_000)
    assert values == ["a"] and trio.simulation.now_ms() - began >= 300


@story()
async def test_offsets_out_of_range_and_epochs(trio):
    await trio.produce(["a", "b", "c"])
    assert (await trio.fetch(4))[0].error_code.name == "offset_out_of_range"
    assert (await trio.fetch(3))[0].error_code == 0
    assert (await trio.fetch(1))[1] == ["a", "b", "c"], "an offset inside a batch gives the whole batch"
    assert (await trio.fetch(0, current_leader_epoch=5))[0].error_code.name == "unknown_leader_epoch"
    trio.change(leader=1)
    trio.tell()
    fenced, _ = await trio.fetch(0, current_leader_epoch=0)
    assert fenced.error_code.name == "fenced_leader_epoch"
    assert (fenced.current_leader.leader_id, fenced.current_leader.leader_epoch) == (1, 1)
    moved, _ = await trio.fetch(0, at=2, version=10)
    assert moved.error_code.name == "not_leader_or_follower"
    assert (await trio.fetch(0, at=2, version=12))[0].error_code == 0, "KIP-392: a follower answers whoever could know"
    parted, _ = await trio.fetch(5, last_fetched_epoch=0)
    assert (parted.diverging_epoch.epoch, parted.diverging_epoch.end_offset) == (0, 3)


@story()
async def test_unknown_topics(trio):
    one, _ = await trio.fetch(0, index=9)
    assert one.error_code.name == "unknown_topic_or_partition"
    answer = await trio.ask(1, session_request(wanted=[(0, 0)], topic_id=UUID(int=99), session=(0, -1)))
    assert rows(answer)[0].error_code.name == "unknown_topic_id"


@story()
async def test_limits_of_bytes(trio):
    for value in "abc":
        await trio.produce([value * 1000])
    one, values = await trio.fetch(0, partition_max_bytes=10)
    assert [value[0] for value in values] == ["a"], "the first batch is always whole"
    _, values = await trio.fetch(0, partition_max_bytes=2200)
    assert [value[0] for value in values] == ["a", "b"]


@story(partitions=3)
async def test_a_session_names_only_what_has_changed(trio):
    first = await trio.ask(1, session_request(wanted=[(0, 0), (1, 0), (2, 0)]))
    session = first.session_id
    assert session and sorted(rows(first)) == [0, 1, 2]
    quiet = await trio.ask(1, session_request(session=(session, 1)))
    assert rows(quiet) == {}
    await trio.produce(["a"], index=1)
    news = rows(await trio.ask(1, session_request(session=(session, 2))))
    assert list(news) == [1] and values_of(bytes(news[1].records)) == ["a"]
    again = rows(await trio.ask(1, session_request(session=(session, 3))))
    assert list(again) == [1], "the reader has not said that it took it"
    assert rows(await trio.ask(1, session_request(session=(session, 4), wanted=[(1, 1)]))) == {}
    await trio.ask(1, session_request(session=(session, 5), forgotten=[1]))
    await trio.produce(["b"], index=1)
    assert rows(await trio.ask(1, session_request(session=(session, 6)))) == {}


@story(partitions=2)
async def test_session_errors(trio):
    session = (await trio.ask(1, session_request(wanted=[(0, 0), (1, 0)]))).session_id
    assert (await trio.ask(1, session_request(session=(session, 7)))).error_code.name == "invalid_fetch_session_epoch"
    assert (await trio.ask(1, session_request(session=(session + 1, 1)))).error_code.name == "fetch_session_id_not_found"
    assert (await trio.ask(1, session_request(12, session=(session, 1)))).error_code.name == "fetch_session_topic_id_error"
    ended = await trio.ask(1, session_request(session=(session, 1), forgotten=[0, 1]))
    assert ended.session_id == 0
    assert (await trio.ask(1, session_request(session=(session, 2)))).error_code.name == "fetch_session_id_not_found"
    other = (await trio.ask(1, session_request(wanted=[(0, 0)]))).session_id
    assert (await trio.ask(1, session_request(wanted=[(0, 0)], session=(other, -1)))).session_id == 0
    assert (await trio.ask(1, session_request(session=(other, 1)))).error_code.name == "fetch_session_id_not_found"


@story()
async def test_a_late_request_of_a_connection_given_up_does_not_stay_the_last_word_of_a_follower(trio):
    await trio.produce(["a", "b"])
    follower = trio.nodes[1].replicas.find(TOPIC, 0).leading.followers[2]
    assert follower.log_end_offset == 2
    await trio.ask(1, session_request(17, wanted=[(0, 0)], replica=2))
    assert follower.log_end_offset == 0, "the leader believes what came last"
    await trio.simulation.sleep(2_000)
    assert follower.log_end_offset == 2, "the follower found its session gone and began anew"


@story()
async def test_what_came_with_a_refusal_is_told_again(trio):
    await trio.produce(["a", "b", "c"])
    ahead = session_request(17, wanted=[(0, 5)])
    parted = await trio.ask(1, ahead)
    assert (rows(parted)[0].diverging_epoch.end_offset, rows(parted)[0].high_watermark) == (3, 3)
    cut = rows(await trio.ask(1, session_request(17, session=(parted.session_id, 1), wanted=[(0, 3)])))
    assert cut[0].high_watermark == 3, "the reader cut its log and could not take it before"
    assert rows(await trio.ask(1, session_request(17, session=(parted.session_id, 2)))) == {}


@story(config={"max.incremental.fetch.session.cache.slots": "1000"})
async def test_sessions_have_a_limit(trio):
    sessions = trio.nodes[1].fetch_sessions
    sessions._slots = 4  # two followers are in
    ids = [(await trio.ask(1, session_request(wanted=[(0, 0)]))).session_id for _ in range(3)]
    assert ids[0] and ids[1] and ids[2] == 0
    await trio.simulation.sleep(121_000)
    assert (await trio.ask(1, session_request(wanted=[(0, 0)]))).session_id
    assert len(sessions) == 4 and trio.partitions[0].isr == (1, 2, 3)


@story()
async def test_a_stranger_is_no_follower(trio):
    answer = await trio.ask(1, session_request(17, wanted=[(0, 0)], replica=9, session=(0, -1)))
    assert rows(answer)[0].error_code.name == "not_leader_or_follower"


@story()
async def test_an_older_incarnation_of_a_follower_does_not_count(trio):
    await trio.produce(["a"])
    trio.epochs[2] = 500
    trio.tell(1)
    answer = await trio.ask(1, session_request(17, wanted=[(0, 1)], replica=2, epoch=12, session=(0, -1)))
    assert rows(answer)[0].error_code.name == "not_leader_or_follower"
