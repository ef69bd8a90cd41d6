"""Acknowledged traffic: an idempotent acks=all producer that notes what was acknowledged and when, and a reading of it all."""

import json
import threading
import time
from collections import Counter, defaultdict

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

PARTITIONS = 6
MOVING = (KafkaError.OFFSET_NOT_AVAILABLE, KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
QUICK = {"topic.metadata.refresh.interval.ms": 1000, "log_level": 2}
STATISTICS_MS = 200


def create(bootstrap, topic, *, partitions=PARTITIONS, replicas=3, config=None):
    """Returns when every partition has a leader that clients are told of."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    settings = {"min.insync.replicas": "2"} if replicas == 3 else {}
    admin.create_topics([NewTopic(topic, partitions, replicas, config=settings | (config or {}))])[topic].result(15)
    deadline = time.monotonic() + 15
    while True:
        known = admin.list_topics(topic, timeout=10).topics[topic].partitions
        if len(known) == partitions and all(one.leader >= 0 and len(one.isrs) == replicas for one in known.values()):
            return
        assert time.monotonic() < deadline, f"{topic} is not there: {known}"
        time.sleep(0.05)


class Traffic:
    """Numbered records, `rate` a second, round robin over the partitions, until the `with` ends (then all is flushed)."""

    def __init__(self, bootstrap, topic, *, rate=200, partitions=PARTITIONS, settings=None):
        self.topic, self.rate, self.partitions = topic, rate, partitions
        self.bootstrap = bootstrap
        self.settings = settings or {}
        self.acked = defaultdict(list)  # partition -> values
        self.offsets = defaultdict(list)  # partition -> where each was said to stand
        self.times = defaultdict(list)  # partition -> when each was acknowledged
        self.failed, self.errors, self.left = [], [], 0
        self.epoch = 0  # the producer's own
        self.stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        settings = {"bootstrap.servers": self.bootstrap, "acks": "all", "linger.ms": 0, "enable.idempotence": True}
        settings |= {"statistics.interval.ms": STATISTICS_MS, "stats_cb": self._note_statistics, "error_cb": self.errors.append}
        producer = Producer(settings | QUICK | self.settings)
        number, began = 0, time.monotonic()
        while not self.stopped.is_set():
            partition = number % self.partitions
            producer.produce(self.topic, str(number).encode(), partition=partition, on_delivery=self._note)
            number += 1
            producer.poll(max(0, min(0.1, began + number / self.rate - time.monotonic())))
        self.left = producer.flush(60)
        producer.poll(2 * STATISTICS_MS / 1000)  # what became of its epoch in the end

    def _note_statistics(self, told):
        self.epoch = max(self.epoch, json.loads(told)["eos"]["producer_epoch"])

    @property
    def excused(self):
        """What librdkafka itself may have done. Refused one batch (NOT_ENOUGH_REPLICAS), it hears that those behind it are out of order, takes a
        new epoch (KIP-360), and sends anew what was unsettled anywhere, though it may stand there: with Apache Kafka too, after a power cut."""
        return {"duplicated", "reordered"} if self.epoch > 0 else set()

    def _note(self, error, message):
        if error is not None:
            self.failed.append(error)
        else:
            self.times[message.partition()].append(time.monotonic())
            self.offsets[message.partition()].append(message.offset())
            self.acked[message.partition()].append(message.value())

    @property
    def count(self):
        return sum(len(values) for values in list(self.acked.values()))

    def flows(self, within_s=10):
        """Waits until every partition has been acknowledged once more; how long that took."""
        began = time.monotonic()
        before = {partition: len(self.acked[partition]) for partition in range(self.partitions)}
        while any(len(self.acked[partition]) == count for partition, count in before.items()):
            assert time.monotonic() - began < within_s, f"no acknowledgement within {within_s} s"
            time.sleep(0.01)
        return time.monotonic() - began

    def worst_gap(self, since):
        """The longest silence of any partition that ended after `since`, in seconds."""
        gaps = [
            later - earlier
            for times in self.times.values()
            for earlier, later in zip(times, [*times[1:], time.monotonic()], strict=False)
            if later >= since
        ]
        return max(gaps)

    def __enter__(self):
        self._thread.start()
        self.flows()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self._thread.join(70)
        assert self.left == 0 and self.failed == [], f"{self.left} left, failed: {self.failed[:3]}"

    def differences(self, *, lost=0):
        """(lost, duplicated, reordered) of what was acknowledged, against the whole topic; 0 where it is excused. `lost`: so many are not waited for."""
        found = read_all(self.bootstrap, self.topic, self.partitions, at_least=self.count - lost)
        lost = sum(len(set(self.acked[partition]) - set(found[partition])) for partition in self.acked)
        duplicated = sum(times - 1 for values in found.values() for times in Counter(values).values())
        reordered = sum(int(b) < int(a) for values in found.values() for a, b in zip(values, values[1:], strict=False))
        return lost, 0 if "duplicated" in self.excused else duplicated, 0 if "reordered" in self.excused else reordered


def read_all(bootstrap, topic, partitions, *, at_least, within_s=20):
    """Everything up to the high watermarks of now, by partition."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "enable.auto.commit": False} | QUICK)
    found, deadline = defaultdict(list), time.monotonic() + within_s
    ends = {index: end_of(consumer, TopicPartition(topic, index), deadline) for index in range(partitions)}
    consumer.assign([TopicPartition(topic, index, OFFSET_BEGINNING) for index in range(partitions)])
    while sum(map(len, found.values())) < max(at_least, sum(ends.values())) and time.monotonic() < deadline:
        for message in consumer.consume(5000, timeout=0.5):
            if not message.error():
                found[message.partition()].append(message.value())
    consumer.close()
    return found


def end_of(consumer, partition, deadline):
    """The high watermark; asked again while leaders move, and while the new one does not know it yet (KIP-207)."""
    while True:
        try:
            return consumer.get_watermark_offsets(partition, timeout=10)[1]
        except KafkaException as error:
            if error.args[0].code() not in MOVING or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
