"""A broker's files cannot grow any more: it halts as Apache Kafka does, leaders move, and nothing acknowledged is lost."""

import pathlib
import resource

import pytest

from engine.protocol.errors import ErrorCode
from engine.protocol.record_batch import Record, encode_batch
from tests.clients.engine_process import EngineProcess
from tests.clients.raw_client import RawClient
from tests.clients.traffic import create, read_all

ROOM = 300_000  # bytes that a file of the broker may have; only the topic's log comes near
VALUE = b"x" * 50_000

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux can limit the files of a running process")


@pytest.fixture
def full_disk():
    """Call it with a pid and a size: from then on no file of that process, and of those that it forks, grows beyond it. `free` ends it."""
    limited = []

    def fill(pid, room=ROOM):
        limited.append((pid, resource.prlimit(pid, resource.RLIMIT_FSIZE)))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (room, limited[-1][1][1]))

    def free():
        while limited:
            pid, before = limited.pop()
            if pathlib.Path(f"/proc/{pid}").exists():
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


def fill_up(address, topic):
    """Produces until the broker is gone; how many records were acknowledged, and what was answered besides."""
    outcomes = []
    try:
        with RawClient(address) as client:
            for _ in range(200):
                outcomes.append(produce(client, topic, VALUE))
    except ConnectionError:
        accepted = outcomes.count(ErrorCode.none)
        assert outcomes[:accepted] == [ErrorCode.none] * accepted  # nothing gets through once it is full
        return accepted, set(outcomes[accepted:])
    raise AssertionError("the broker lives on with a full disk")


def leader_of(picture, topic):
    partition = next(each for each in picture["topics"] if each["name"] == topic)["partitions"][0]
    return next((each for each in picture["brokers"] if each["id"] == partition["leader"]), None)


def parent_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_full_disk_halts_the_broker_and_its_leaders_move(engine, name, full_disk):
    create(engine.bootstrap, name, partitions=1)
    leader = leader_of(engine.state(), name)
    full_disk(leader["pid"])
    accepted, _ = fill_up(f"localhost:{leader['port']}", name)
    picture = engine.until(lambda picture: (leader_of(picture, name) or leader)["id"] != leader["id"])
    assert picture["brokers"][leader["id"] - 1]["state"] == "down"
    with RawClient(f"localhost:{leader_of(picture, name)['port']}") as client:
        assert produce(client, name, b"again") == ErrorCode.none
    assert engine.do(f"start broker {leader['id']}")["ok"]
    engine.until(lambda picture: in_sync(picture, name) == 3)
    assert accepted >= 3
    assert read_all(engine.bootstrap, name, 1, at_least=accepted + 1)[0] == [VALUE] * accepted + [b"again"]


def in_sync(picture, topic):
    return len(next(each for each in picture["topics"] if each["name"] == topic)["partitions"][0]["isr"])


def test_a_start_on_a_full_disk_says_so_and_with_room_again_everything_acknowledged_is_there(tmp_path, full_disk):
    with EngineProcess(tmp_path / "data", brokers=1) as engine:
        create(engine.bootstrap, "orders", partitions=1, replicas=1)
        broker = engine.state()["brokers"][0]
        nursery = parent_of(broker["pid"])
        full_disk(broker["pid"])
        accepted, _ = fill_up(f"localhost:{broker['port']}", "orders")
        engine.until(lambda picture: picture["brokers"][0]["state"] == "down")
        full_disk(nursery, 10)
        refused = engine.do("start broker 1")
        assert refused == {"ok": False, "message": "broker 1 cannot start: its log directory failed: File too large"}
        full_disk.free()
        assert engine.do("start broker 1")["ok"]
        engine.until(lambda picture: leader_of(picture, "orders") is not None)
        found = read_all(engine.bootstrap, "orders", 1, at_least=accepted)[0]
        assert found[:accepted] == [VALUE] * accepted and len(found) == accepted
