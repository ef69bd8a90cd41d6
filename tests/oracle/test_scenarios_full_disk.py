"""The files of a leader cannot grow any more: Apache Kafka and ours refuse, halt, and have others lead; nothing acknowledged is lost."""

import pathlib
import resource
import time

import pytest

from engine.protocol.errors import ErrorCode
from engine.protocol.record_batch import Record, encode_batch
from tests.clients.members import until
from tests.clients.raw_client import RawClient
from tests.clients.traffic import create, read_all
from tests.scenarios.two_sides import ApacheKafka, Ours

pytestmark = pytest.mark.oracle
ROOM = 1_500_000  # bytes that a file may have: enough for everything but the topic
VALUE = b"x" * 50_000
RECORDS_MAX = 200


def produce(client, topic):
    """What is answered to one record that every in-sync replica must have."""
    records = bytes(encode_batch([Record(0, int(time.time() * 1000), None, VALUE, [])]))
    data = [{"name": topic, "partition_data": [{"index": 0, "records": records}]}]
    answer = client.ask("Produce", 9, acks=-1, timeout=5000, topic_data=data)
    return ErrorCode(answer.responses[0].partition_responses[0].error_code)


def leader_with_a_log(cluster, topic):
    """Who leads, once it has acknowledged a record: whole indexes, which would find no room later, are made with the log."""
    asked = []

    def acknowledged():
        asked.append(cluster.heard_of(topic)[0][0])
        with RawClient(cluster.address(asked[-1])) as client:
            return produce(client, topic) == ErrorCode.none

    until(acknowledged, 20, "a leader acknowledges")
    return asked[-1]


def fill_up(client, topic):
    """What was answered to each record until the broker was gone."""
    outcomes = []
    try:
        for _ in range(RECORDS_MAX):
            outcomes.append(produce(client, topic))
            time.sleep(0.02 * (outcomes[-1] != ErrorCode.none))
    except ConnectionError:
        return outcomes
    raise AssertionError(f"the broker lives on with a full disk: {outcomes[0]} … {outcomes[-1]}")


def has_gone(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


@pytest.mark.parametrize("side", [ApacheKafka, Ours])
def test_a_leader_whose_disk_is_full_refuses_and_halts(tmp_path, side):
    with side(tmp_path) as cluster:
        create(cluster.bootstrap, "full", partitions=1)
        leader = leader_with_a_log(cluster, "full")
        pid = cluster.pid(leader)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (ROOM, ROOM))
        with RawClient(cluster.address(leader)) as client:
            outcomes = fill_up(client, "full")
        accepted = outcomes.count(ErrorCode.none)
        assert accepted > 10 and set(outcomes[accepted:]) <= {ErrorCode.kafka_storage_error}  # ours is gone before it could say even that
        until(lambda: has_gone(pid), 10, "the broker halts")
        until(lambda: cluster.heard_of("full")[0][0] not in (leader, -1), 20, "another leads")
        cluster.start(leader)
        cluster.whole("full")
        assert read_all(cluster.bootstrap, "full", 1, at_least=1 + accepted)[0] == [VALUE] * (1 + accepted)
