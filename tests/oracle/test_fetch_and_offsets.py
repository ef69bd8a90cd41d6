"""The same words about records and offsets to Apache Kafka and to us: Produce, Fetch, ListOffsets, OffsetForLeaderEpoch, DeleteRecords.

What is compared are error codes, offsets, epochs and which fields are filled; not texts, ids, or how many bytes fit.
"""

import time
import uuid
from typing import Any

import pytest

from engine.protocol.errors import ErrorCode
from engine.protocol.record_batch import Record, encode_batch
from tests.clients.raw_client import RawClient

pytestmark = pytest.mark.oracle

PATIENCE_S = 30
FAR = 10**15
STRANGE_ID = uuid.UUID(int=12345)


class Talk:
    """A topic of one partition on three brokers, its leader and another broker; `said` collects what is compared."""

    def __init__(self, bootstrap: str) -> None:
        self.said: list[str] = []
        self.topic = f"oracle-{uuid.uuid4().hex[:8]}"
        with RawClient(bootstrap.split(",")[0]) as first:
            row = {"name": self.topic, "num_partitions": 1, "replication_factor": 3, "assignments": [], "configs": []}
            first.ask("CreateTopics", 7, topics=[row], timeout=10_000)
            known, brokers = self._known(first)
        self.topic_id = known.topic_id
        leader = known.partitions[0].leader_id
        self.leader = RawClient(brokers[leader])
        self._known(self.leader)  # the leader may hear of its topic a moment after the one we asked
        self.other = RawClient(brokers[next(number for number in sorted(brokers) if number != leader)])
        self.began = int(time.time() * 1000)

    def _known(self, client: RawClient) -> tuple[Any, dict[int, str]]:
        for _ in range(PATIENCE_S * 10):
            answer = client.ask("Metadata", 12, topics=[{"name": self.topic, "topic_id": None}])
            [topic] = answer.topics
            if topic.error_code == 0 and topic.partitions[0].leader_id >= 0 and len(topic.partitions[0].isr_nodes) == 3:
                return topic, {broker.node_id: f"{broker.host}:{broker.port}" for broker in answer.brokers}
            time.sleep(0.1)
        raise AssertionError(f"{self.topic} has no leader after {PATIENCE_S} s")

    def say(self, what: str, *shown: Any) -> None:
        self.said.append(f"{what}: {' '.join(map(str, shown))}")

    # ---- Produce

    def produce(self, what: str, version: int, records: bytes | None, *, at: RawClient | None = None, index: int = 0, acks: int = -1, topic: str | None = None):
        data = {"name": topic or self.topic, "topic_id": self.topic_id, "partition_data": [{"index": index, "records": records}]}
        answer = (at or self.leader).ask("Produce", version, transactional_id=None, acks=acks, timeout=10_000, topic_data=[data])
        one = answer.responses[0].partition_responses[0]
        led = one.current_leader.leader_id >= 0
        shown = (one.base_offset, one.log_start_offset, len(one.record_errors), led, len(answer.node_endpoints))
        self.say(f"produce v{version} {what}", one.error_code.name, *shown)

    def producing(self) -> None:
        good = batch("a", at=self.began)
        for version in range(3, 14):
            self.produce("good", version, good)
        self.produce("acks 1", 9, good, acks=1)
        self.produce("acks 2", 9, good, acks=2)
        for version in (9, 12, 13):
            self.produce("elsewhere", version, good, at=self.other)
            self.produce("no such partition", version, good, index=7)
        self.produce("no such topic", 9, good, topic="nowhere")
        self.produce("internal topic", 9, good, topic="__consumer_offsets")
        self.produce("nothing", 9, b"")
        self.produce("two batches", 9, good + good)
        self.produce("cut", 9, good[:-3])
        self.produce("bad checksum", 9, good[:-1] + b"\xff")
        self.produce("magic 1", 9, good[:16] + b"\1" + good[17:])
        self.produce("too large", 9, batch("x" * 1_100_000, at=self.began))
        self.produce("zstd too early", 6, batch("z" * 50, at=self.began, compression=4))
        self.produce("zstd", 7, batch("z" * 50, at=self.began, compression=4))
        self.produce("several", 9, batch("b", "c", "d", at=self.began + 10))
        self.produce("future", 9, batch("f", at=self.began + 10**9))

    # ---- Fetch

    def fetch(self, what: str, version: int, offset: int, *, at: RawClient | None = None, index: int = 0, session: tuple[int, int] = (0, -1), topic_id: uuid.UUID | None = None, isolation: int = 0, name: str | None = None, **more: Any) -> int:
        wanted = {"partition": index, "fetch_offset": offset, "partition_max_bytes": 1 << 20} | more
        topics = [{"topic": name or self.topic, "topic_id": topic_id or self.topic_id, "partitions": [wanted]}] if offset >= 0 else []
        answer = (at or self.leader).ask(
            "Fetch", version, replica_id=-1, max_wait=100, min_bytes=1, max_bytes=1 << 24, isolation_level=isolation,
            session_id=session[0], session_epoch=session[1], topics=topics,
        )  # fmt: skip
        shown: list[Any] = [answer.error_code.name, "session" if answer.session_id else "-"]
        for one in (one for topic in answer.responses for one in topic.partitions):
            shown += (one.error_code.name, one.high_watermark, one.last_stable_offset, one.log_start_offset, one.preferred_read_replica)
            shown += (bool(one.records), one.aborted_transactions is None, one.current_leader.leader_id >= 0)
            shown += (one.diverging_epoch.epoch, one.diverging_epoch.end_offset)
        self.say(f"fetch v{version} {what}", *shown, len(answer.node_endpoints))
        return answer.session_id

    def fetching(self) -> None:
        for version in range(4, 19):
            self.fetch("all", version, 0)
            self.fetch("end", version, 16)
            self.fetch("behind the end", version, 99)
            self.fetch("committed", version, 0, isolation=1)
        for version in (9, 12, 16):
            self.fetch("too young an epoch", version, 0, current_leader_epoch=99)
            self.fetch("elsewhere with the epoch", version, 0, at=self.other, current_leader_epoch=0)
        self.fetch("elsewhere, old", 10, 0, at=self.other)
        self.fetch("elsewhere, new", 12, 0, at=self.other)
        self.fetch("no such partition", 12, 0, index=9)
        self.fetch("no such topic", 12, 0, name="nowhere")
        self.fetch("no such id", 13, 0, topic_id=STRANGE_ID)
        self.fetch("no such partition by id", 13, 0, index=9)
        self.fetch("other epoch fetched last", 12, 5, last_fetched_epoch=7)
        self.fetch("parted", 12, 99, last_fetched_epoch=0)
        session = self.fetch("new session", 13, 0, session=(0, 0))
        self.fetch("its next", 13, 16, session=(session, 1))
        self.fetch("nothing new", 13, -1, session=(session, 2))
        self.fetch("epoch left out", 13, -1, session=(session, 9))
        self.fetch("by name", 12, -1, session=(session, 3))
        self.fetch("no such session", 13, -1, session=(session + 1, 1))
        self.fetch("no session any more", 13, 16, session=(session, -1))
        self.fetch("ended", 13, -1, session=(session, 3))

    # ---- offsets

    def offsets(self, what: str, version: int, timestamp: int, *, at: RawClient | None = None, index: int = 0, epoch: int = -1, times: int = 1, replica: int = -1) -> None:
        row = {"partition_index": index, "current_leader_epoch": epoch, "timestamp": timestamp}
        topics = [{"name": self.topic, "partitions": [row] * times}]
        answer = (at or self.leader).ask("ListOffsets", version, replica_id=replica, isolation_level=0, topics=topics, timeout=1000)
        for one in answer.topics[0].partitions:
            later = one.timestamp - self.began if one.timestamp >= 0 else one.timestamp
            self.say(f"offsets v{version} {what}", one.error_code.name, one.offset, later, one.leader_epoch)

    def listing(self) -> None:
        for version in range(1, 12):
            for special in range(-7, 0):
                self.offsets(f"special {special}", version, special)
            self.offsets("time", version, self.began + 5)
            self.offsets("no such time", version, FAR)
        self.offsets("twice", 7, -1, times=2)
        self.offsets("elsewhere", 7, -1, at=self.other)
        self.offsets("elsewhere, debugging", 7, -2, at=self.other, replica=-2)
        self.offsets("no such partition", 7, -1, index=9)
        self.offsets("young epoch", 7, -1, epoch=9)

    def epochs(self) -> None:
        for version in (2, 3, 4):
            for what, epoch, current, index in (("known", 0, 0, 0), ("unknown", 5, 0, 0), ("negative", -1, 0, 0), ("young", 0, 9, 0), ("nowhere", 0, 0, 9)):
                row = {"partition": index, "current_leader_epoch": current, "leader_epoch": epoch}
                answer = self.leader.ask("OffsetForLeaderEpoch", version, replica_id=-1, topics=[{"topic": self.topic, "partitions": [row]}])
                one = answer.topics[0].partitions[0]
                self.say(f"epoch v{version} {what}", one.error_code.name, one.leader_epoch, one.end_offset)

    def deleting(self) -> None:
        for what, version, offset, index, topic in (
            ("one", 0, 1, 0, None), ("some", 1, 5, 0, None), ("again", 2, 3, 0, None), ("too many", 2, 999, 0, None), ("negative", 2, -5, 0, None),
            ("nowhere", 2, 0, 9, None), ("internal", 2, 0, 0, "__consumer_offsets"), ("all", 2, -1, 0, None),
        ):  # fmt: skip
            rows = [{"name": topic or self.topic, "partitions": [{"partition_index": index, "offset": offset}]}]
            one = self.leader.ask("DeleteRecords", version, topics=rows, timeout=20_000).topics[0].partitions[0]
            self.say(f"delete v{version} {what}", one.error_code.name, one.low_watermark)
        self.fetch("deleted", 12, 0)
        self.offsets("first", 7, -2)
        self.offsets("time of what is deleted", 7, self.began)

    def producer_ids(self) -> None:
        for version in range(6):
            for _ in range(PATIENCE_S * 10):
                answer = self.leader.ask("InitProducerId", version, transactional_id=None, transaction_timeout=1000, producer_id=-1, producer_epoch=-1)
                if answer.error_code != ErrorCode.coordinator_load_in_progress:
                    break
                time.sleep(0.1)
            self.say(f"producer id v{version}", answer.error_code.name, answer.producer_id >= 0, answer.producer_epoch)


def batch(*values: str, at: int, compression: int = 0) -> bytes:
    return bytes(encode_batch([Record(timestamp=at, key=b"k", value=value.encode()) for value in values], compression=compression))


def conversation(bootstrap: str) -> list[str]:
    talk = Talk(bootstrap)
    talk.producing()
    time.sleep(1)  # so that followers know the high watermark, which rides on their next fetch
    talk.fetching()
    talk.listing()
    talk.epochs()
    talk.deleting()
    talk.producer_ids()
    return talk.said


def test_records_and_offsets_are_answered_as_by_apache_kafka(apache, ours):
    theirs, said = conversation(apache), conversation(ours)
    different = [f"Kafka: {kafka}\n ours: {own}" for kafka, own in zip(theirs, said, strict=True) if kafka != own]
    assert not different, "\n".join(different)
