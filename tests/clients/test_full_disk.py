"""A broker's files cannot grow any more: it says so by KAFKA_STORAGE_ERROR and lives on; with room again, writing goes on."""

import resource

import pytest

from engine.protocol.errors import ErrorCode
from engine.protocol.record_batch import Record, encode_batch
from tests.clients.raw_client import RawClient
from tests.clients.traffic import create, read_all

ROOM = 300_000  # bytes that a file of the broker may have; only the topic's log comes near
VALUE = b"x" * 50_000

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux can limit the files of a running process")


@pytest.fixture
def full_disk():
    """Call it with a pid: from then on no file of that process grows beyond ROOM, until it is called with False."""
    limited = []

    def fill(pid):
        limited.append((pid, resource.prlimit(pid, resource.RLIMIT_FSIZE)))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (ROOM, limited[-1][1][1]))

    def free():
        while limited:
            pid, before = limited.pop()
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)

    fill.free = free
    yield fill
    free()


def produce(client, topic, value):
    records = bytes(encode_batch([Record(0, 1, None, value, [])]))
    answer = client.ask(
        "Produce", 9, acks=-1, timeout=5000, topic_data=[{"name": topic, "partition_data": [{"index": 0, "records": records}]}]
    )
    return ErrorCode(answer.responses[0].partition_responses[0].error_code)


def test_a_full_disk_is_said_and_survived(engine, name, full_disk):
    create(engine.bootstrap, name, partitions=1, replicas=1)
    partition = next(each for each in engine.state()["topics"] if each["name"] == name)["partitions"][0]
    leader = next(each for each in engine.state()["brokers"] if each["id"] == partition["leader"])
    with RawClient(f"localhost:{leader['port']}") as client:
        full_disk(leader["pid"])
        outcomes = [produce(client, name, VALUE) for _ in range(12)]
        accepted = outcomes.count(ErrorCode.none)
        assert set(outcomes) == {ErrorCode.none, ErrorCode.kafka_storage_error}
        assert outcomes == sorted(outcomes, key=lambda code: code != ErrorCode.none)  # nothing gets through once it is full
        full_disk.free()
    broker = leader["id"]
    assert engine.state()["brokers"][broker - 1]["pid"] == leader["pid"]
    if (code := again(leader, name)) != ErrorCode.none:
        assert code == ErrorCode.kafka_storage_error  # as in Kafka, a log that failed once needs a restart
        assert engine.do(f"restart broker {broker}")["ok"]
        engine.until(lambda picture: picture["brokers"][broker - 1]["fenced"] is False)
        assert again(leader, name) == ErrorCode.none
    found = read_all(engine.bootstrap, name, 1, at_least=accepted + 1)[0]
    assert found == [VALUE] * accepted + [b"again"]


def again(leader, topic):
    with RawClient(f"localhost:{leader['port']}") as client:
        return produce(client, topic, b"again")
