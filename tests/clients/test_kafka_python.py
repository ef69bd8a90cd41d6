"""kafka-python: produces, reads in a group, and shares with a second member."""

import threading

import pytest
from kafka import KafkaConsumer, KafkaProducer

from tests.clients.members import until
from tests.clients.traffic import PARTITIONS, create

RECORDS = 300


class Member(threading.Thread):
    """A consumer polled on its own thread until `stop`."""

    def __init__(self, engine, topic):
        super().__init__(daemon=True)
        self.consumer = KafkaConsumer(
            topic, bootstrap_servers=engine.bootstrap.split(","), group_id=topic, auto_offset_reset="earliest",
            session_timeout_ms=6000, heartbeat_interval_ms=500, auto_commit_interval_ms=300,
        )  # fmt: skip
        self.values, self.partitions = [], 0
        self._stopped = threading.Event()
        self.start()

    def run(self):
        while not self._stopped.is_set():
            for records in self.consumer.poll(timeout_ms=200).values():
                self.values += [record.value for record in records]
            self.partitions = len(self.consumer.assignment())
        self.consumer.close()

    def stop(self):
        self._stopped.set()
        self.join(15)


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_produce_and_read_in_a_group_of_two(engine, name, compression):
    create(engine.bootstrap, name)
    producer = KafkaProducer(bootstrap_servers=engine.bootstrap.split(","), acks="all", compression_type=compression)
    sent = [producer.send(name, key=b"%d" % number, value=b"%d" % number) for number in range(RECORDS)]
    assert {future.get(timeout=20).topic for future in sent} == {name}
    first = Member(engine, name)
    until(lambda: len(first.values) >= RECORDS, within_s=20, what="all records")
    second = Member(engine, name)
    until(lambda: first.partitions + second.partitions == PARTITIONS and second.partitions > 0, within_s=20, what="a share")
    for number in range(RECORDS, 2 * RECORDS):
        producer.send(name, key=b"%d" % number, value=b"%d" % number)
    producer.close(timeout=20)
    until(lambda: len(first.values) + len(second.values) >= 2 * RECORDS, within_s=20, what="the second half")
    second.stop()
    until(lambda: first.partitions == PARTITIONS, within_s=20, what="all partitions")
    first.stop()
    assert sorted(first.values + second.values, key=int) == [b"%d" % number for number in range(2 * RECORDS)]
