"""A minute of hostile requests: every API at every version is asked, and nothing fails that should not."""

import pytest

from engine.broker.handlers import TABLE
from engine.protocol.codec import build, encode_request
from engine.protocol.errors import ErrorCode
from engine.world.virtual_loop import run_virtually
from tests.fuzz.batches import bomb
from tests.fuzz.campaign import one_round, plan_of
from tests.fuzz.in_process import Line, Plan, Round, make_topics
from tests.fuzz.requests import SERVED
from tests.fuzz.tally import Tally

REQUESTS = 25_000  # a round; twelve of them are a minute of one processor
MEBIBYTES = {1: 200, 2: 40, 3: 200, 4: 200}  # unpacked, by codec; snappy shrinks by twenty at most


@pytest.mark.parametrize("seed", range(1, 13))
def test_a_round_finds_nothing(seed):
    tally = one_round(plan_of(seed, REQUESTS, ""))
    assert [finding.what for finding in tally.findings] == []
    asked = {(api, version) for api, version in tally.requests}
    assert asked == {(TABLE[key].api.name, version) for key, version in SERVED}
    assert tally.answers > REQUESTS / 2, "most requests reach their handler"


def test_the_same_seed_asks_the_same():
    first, second = (one_round(plan_of(8, 2_000, "")) for _ in range(2))
    assert (first.requests, first.errors, first.answers, first.closes) == (second.requests, second.errors, second.answers, second.closes)


@pytest.mark.parametrize("topic", ["compacted", "gzipped", "aged"])
def test_bombs_are_refused_where_records_are_looked_at(topic):
    async def throw():
        fuzz = Round(Plan(seed=1, requests=0), Tally())
        await fuzz.universe.start()
        await make_topics(fuzz)
        codes = []
        for codec, mebibytes in MEBIBYTES.items():
            if topic == "gzipped" and codec == 1:
                continue  # it is stored as it is
            answer = await fuzz.ask("Produce", 9, acks=1, timeout=1000, topic_data=[produced(topic, bomb(codec, mebibytes << 20))])
            codes.append(answer.responses[0].partition_responses[0].error_code)
        await fuzz.pause()
        await fuzz.others_go_on()
        assert fuzz.tally.findings == []
        return set(codes)

    assert run_virtually(throw()) == {ErrorCode.message_too_large}


def test_a_request_that_is_cut_anywhere_closes_its_connection_or_is_answered():
    async def cut():
        fuzz = Round(Plan(seed=1, requests=0), Tally())
        await fuzz.universe.start()
        await make_topics(fuzz)
        for api, version, values in (
            ("Metadata", 12, {"topics": [{"topic_id": None, "name": "plain"}]}),
            ("OffsetCommit", 8, {"group_id": "billing", "topics": [{"name": "plain", "partitions": [{"partition_index": 0}]}]}),
            ("Produce", 9, {"acks": 1, "topic_data": [produced("plain", bytes(100))]}),
            ("Fetch", 12, {"topics": [{"topic": "plain", "partitions": [{"partition": 0}]}]}),
        ):
            whole = encode_request(build(api, "request", version, **values), correlation_id=1, client_id="cut")[4:]
            for length in range(len(whole)):
                answers = []
                line = Line(fuzz.universe.nodes[1], lambda line, answer, answers=answers: answers.append(answer))
                line.raw(whole[:length])
                await fuzz.universe.sleep(1)
                assert line.closed and not answers, f"{api}: {length} of {len(whole)} bytes were enough"
        await fuzz.others_go_on()
        assert fuzz.tally.findings == []

    run_virtually(cut())


def produced(topic, records):
    return {"name": topic, "partition_data": [{"index": 0, "records": records}]}
