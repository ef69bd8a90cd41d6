"""Wrong lines, wrong frames, wrong versions: each gets a clear answer or a closed connection, and the cluster goes on."""

import random
import socket
import struct

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from engine.protocol.api_keys import API_KEYS
from tests.clients.traffic import Traffic, create

FRAMES = 5_000
ANSWER_S = 10


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("explode broker 2", ("explode",)),
        ("kill", ("kill",)),
        ("kill broker", ("broker",)),
        ("kill broker two", ("two",)),
        ("kill broker 9", ("9", "1, 2, 3")),
        ("start broker 1", ("broker 1", "up")),
        ("thaw broker 1", ("broker 1", "up")),
        ("resume", ("time runs",)),
        ("create topic orders! partitions=3", ("orders!",)),
        ("create topic .. partitions=3 replication=3", ("..",)),
        ("create topic fine partitions=3 replication=4", ("INVALID_REPLICATION_FACTOR", "4", "3")),
        ("create topic fine partitions=0 replication=3", ("partitions",)),
        ("delete topic never-made", ("UNKNOWN_TOPIC_OR_PARTITION",)),
        ("remove broker 1", ("broker 1", "voter")),
    ],
)
def test_a_wrong_line_is_refused_in_words(engine, line, told):
    outcome = engine.do(line)
    assert outcome["ok"] is False
    assert all(word in outcome["message"] for word in told), outcome["message"]
    assert "Traceback" not in outcome["message"]


def test_a_broker_that_is_down_cannot_be_killed_again_and_replicas_need_brokers(engine, name):
    admin = AdminClient({"bootstrap.servers": engine.bootstrap, "log_level": 2})
    assert engine.do("kill broker 2")["ok"]
    again = engine.do("kill broker 2")
    assert not again["ok"] and "down" in again["message"] and "start" in again["message"]
    with pytest.raises(KafkaException, match=r"INVALID_REPLICATION_FACTOR.* 4 .*3 broker"):
        admin.create_topics([NewTopic(name, 3, 4)])[name].result(10)
    with pytest.raises(KafkaException, match="TOPIC_EXCEPTION.*no spaces"):
        admin.create_topics([NewTopic("no spaces", 1, 1)])["no spaces"].result(10)


def dial(engine, broker=0):
    host, _, port = engine.bootstrap.split(",")[broker].rpartition(":")
    return socket.create_connection((host, int(port)), timeout=ANSWER_S)


def is_closed(connection):
    """Waits for the broker's end of the connection; anything that it says before is read past."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


def answers(engine):
    """Does every broker answer ApiVersions?"""
    for broker in range(3):
        with dial(engine, broker) as connection:
            connection.sendall(frame(18, 0, b""))
            size, correlation_id, error = struct.unpack(">iih", read(connection, 10))
            assert (correlation_id, error) == (7, 0) and size > 100
    return True


def frame(key, version, body, *, flexible=False):
    header = struct.pack(">hhih", key, version, 7, 3) + b"bad" + (b"\0" if flexible else b"")
    return struct.pack(">i", len(header) + len(body)) + header + body


def read(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        assert part, f"closed after {data!r}"
        data += part
    return data


@pytest.mark.parametrize("size", [2**31 - 1, -(2**31), -1, 104_857_601])
def test_an_impossible_length_closes_the_connection(engine, size):
    with dial(engine) as connection:
        connection.sendall(struct.pack(">i", size) + b"x" * 100)
        assert is_closed(connection)
    assert answers(engine)


def test_half_a_frame_and_silence_harms_nobody(engine, name):
    create(engine.bootstrap, name)
    silent = [dial(engine, broker) for broker in range(3) for _ in range(5)]
    for connection in silent:
        connection.sendall(struct.pack(">i", 1000) + b"\0\3half")
    with Traffic(engine.bootstrap, name) as traffic:
        traffic.flows()
    assert traffic.differences() == (0, 0, 0)
    for connection in silent:
        connection.close()


def test_versions_that_are_not_served(engine):
    with dial(engine) as connection:  # KIP-511: in version 0, with what is served
        connection.sendall(frame(18, 99, b"\4any\0\2", flexible=True))
        _, correlation_id, error, keys = struct.unpack(">iihi", read(connection, 14))
        assert (correlation_id, error) == (7, 35)
        rows = [struct.unpack(">hhh", read(connection, 6)) for _ in range(keys)]
        assert (18, 0, 4) in rows
        connection.sendall(frame(18, 0, b""))  # the connection is still good
        assert struct.unpack(">iih", read(connection, 10))[1:] == (7, 0)
    for key, version in ((1, 3), (3, 99), (0, 2), (999, 0), (-1, 0)):
        with dial(engine) as connection:
            connection.sendall(frame(key, version, b"\0" * 40))
            assert is_closed(connection), (key, version)
    assert answers(engine)


def test_random_frames_of_every_api_kill_nobody(engine, name):
    create(engine.bootstrap, name)
    chance = random.Random(20)
    pids = [broker["pid"] for broker in engine.state()["brokers"]]
    served = [(api.key, version) for api in API_KEYS.values() for version in range(api.oldest, api.newest + 1)]
    with Traffic(engine.bootstrap, name) as traffic:
        connection = dial(engine)
        for number in range(FRAMES):
            key, version = served[number % len(served)]
            body = chance.randbytes(chance.choice((0, 1, 7, 40, 300)))
            try:
                connection.sendall(frame(key, version, body, flexible=chance.random() < 0.7))
                connection.setblocking(False)
                connection.recv(65536)
                connection.settimeout(ANSWER_S)
                closed = False
            except BlockingIOError:
                connection.settimeout(ANSWER_S)
                closed = False
            except OSError:
                closed = True
            if closed or number % 10 == 0:
                connection.close()
                connection = dial(engine, chance.randrange(3))
        connection.close()
        assert answers(engine)
        traffic.flows()
    assert traffic.differences() == (0, 0, 0)
    assert [broker["pid"] for broker in engine.state()["brokers"]] == pids


def test_random_bytes_kill_nobody(engine):
    chance = random.Random(21)
    for _ in range(200):
        with dial(engine, chance.randrange(3)) as connection:
            connection.sendall(chance.randbytes(chance.choice((1, 5, 50, 5000))))
    assert answers(engine)
