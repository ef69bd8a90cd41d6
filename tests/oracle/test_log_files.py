"""Kafka's own kafka-dump-log reads the files that our storage writes, and finds in them what we put there."""

import re
import uuid
from pathlib import Path

import pytest

from engine.events.journal import Journal
from engine.protocol.record_batch import Record, encode_batch
from engine.storage.log_config import LogConfig
from engine.storage.partition_log import PartitionLog
from engine.world.os_disk import OsDisk
from tests.clients.apache_kafka import tool

pytestmark = pytest.mark.oracle
NOW = 1_800_000_000_000
BATCHES = 60


class StillClock:
    """Time does not matter here."""

    def now_ms(self) -> int:
        return NOW

    def monotonic_ms(self) -> float:
        return 0.0

    def call_later(self, ms, callback):
        return self

    def cancel(self) -> None:
        """No timer ever rings."""


def dump(*files: Path, options: tuple[str, ...]) -> str:
    return tool("kafka-dump-log", *options, "--files", ",".join(map(str, files)))


def opened(folder: Path, *, clean: bool, **config) -> PartitionLog:
    return PartitionLog.open(
        disk=OsDisk(),
        clock=StillClock(),
        folder=str(folder),
        topic="orders",
        partition=0,
        topic_id=uuid.UUID(int=77),
        config=LogConfig(segment_bytes=4000, index_interval_bytes=300, **config),
        clean=clean,
        journal=Journal(node=1, incarnation=1, now_ms=lambda: NOW),
    )


def fill(log: PartitionLog) -> None:
    """Every codec, headers, nulls, idempotent producers, two leader epochs, and a transaction's end."""
    for number in range(BATCHES):
        records = [
            Record(timestamp=NOW + number * 10 + one, key=b"key-%d" % one, value=b"v" * (number * 3), headers=(("h", b"x"), ("n", None)))
            for one in range(3)
        ] + [Record(timestamp=NOW + number * 10 + 3, value=None)]
        data = encode_batch(records, compression=number % 5, producer_id=40 + number % 2, producer_epoch=0, base_sequence=number // 2 * 4)
        log.append_as_leader(memoryview(data), leader_epoch=number // 40, now_ms=NOW)
    marker = Record(timestamp=NOW, key=b"\0\0\0\1", value=b"\0\0\0\0\0\7")
    end = encode_batch([marker], producer_id=41, producer_epoch=0, control=True, transactional=True)
    log.append_as_leader(memoryview(end), leader_epoch=1, now_ms=NOW, origin="coordinator")


@pytest.fixture(scope="module", params=["closed", "killed and recovered", "killed and torn"])
def folder(request, tmp_path_factory):
    """A log that was written by us and stopped in some way, then opened and closed again."""
    folder = tmp_path_factory.mktemp("data") / "orders-0"
    log = opened(folder, clean=False)
    fill(log)
    if request.param == "closed":
        log.close()
        return folder
    log.crash()
    if request.param == "killed and torn":
        last = sorted(folder.glob("*.log"))[-1]
        last.write_bytes(last.read_bytes() + b"\0\1torn" * 20)
    opened(folder, clean=False).close()
    return folder


def test_all_batches_and_records_are_read(folder):
    logs = sorted(folder.glob("*.log"))
    assert len(logs) > 2
    text = dump(*logs, options=("--deep-iteration", "--print-data-log"))
    assert "isvalid: false" not in text and "Found invalid" not in text and "corrupt" not in text.lower()
    assert len(re.findall(r"^baseOffset: ", text, re.M)) == BATCHES + 1
    offsets = [int(found) for found in re.findall(r"^\| offset: (\d+) ", text, re.M)]
    assert offsets == list(range(BATCHES * 4 + 1))
    assert {found for found in re.findall(r"compresscodec: (\w+)", text)} == {"none", "gzip", "snappy", "lz4", "zstd"}
    assert f"payload: {'v' * 3 * (BATCHES - 1)}" in text and "endTxnMarker: COMMIT coordinatorEpoch: 7" in text
    assert re.search(rf"partitionLeaderEpoch: 1 .*CreateTime: {NOW + (BATCHES - 1) * 10 + 3} ", text)


def test_the_indexes_agree_with_the_log(folder):
    indexes = sorted([*folder.glob("*.index"), *folder.glob("*.timeindex")])
    assert sum(path.stat().st_size for path in indexes) > 100
    for options in (("--deep-iteration", "--verify-index-only"), ("--index-sanity-check",)):
        text = dump(*indexes, options=options)
        assert not re.search(r"mismatch|not found|out of order|corrupt|invalid|exception", text, re.I), text


def test_the_producers_are_read(folder):
    text = dump(sorted(folder.glob("*.snapshot"))[-1], options=())
    rows = dict(re.findall(r"producerId: (\d+) (.*)", text))
    assert set(rows) == {"40", "41"}
    assert "lastSequence: 119" in rows["40"] and "lastOffset: 235" in rows["40"]
    assert "coordinatorEpoch: 7" in rows["41"]
