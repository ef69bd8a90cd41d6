"""What a sample tells of logs: everything at first, then what has moved, and nothing of what is gone."""

from types import SimpleNamespace

from engine.broker.traffic_sample import TrafficSample
from engine.events.traffic import Traffic
from engine.storage.epoch_history import EpochHistory, EpochStart
from engine.storage.segment import SegmentInfo


class Log(SimpleNamespace):
    """As much of a log as a sample looks at."""

    def segments(self):
        return [SegmentInfo(0, self.size, 0)]


class Replica:
    """A hosted partition with two records in 100 bytes."""

    def __init__(self, index):
        epochs = EpochHistory([EpochStart(0, 0)])
        self.topic, self.index = "orders", index
        self.log = Log(log_end_offset=2, high_watermark=2, log_start_offset=0, size=100, epochs=epochs)


def sampled(*replicas):
    """(the sample, the list of hosted replicas that it looks at)"""
    hosted = list(replicas)
    node = SimpleNamespace(
        traffic=Traffic(),
        hosted_partitions=lambda: iter(hosted),
        lifecycle=SimpleNamespace(heard_at_ms=None),
        controller=SimpleNamespace(active=False),
        spec=SimpleNamespace(node_id=1),
    )
    return TrafficSample(node), hosted


def test_the_first_sample_tells_everything_and_the_next_only_what_moved():
    one, two = Replica(0), Replica(1)
    sample, _ = sampled(one, two)
    first = sample.take()
    assert first["offsets"] == {"orders": {"0": [2, 2, 0], "1": [2, 2, 0]}}
    assert first["epochs"] == {"orders": {"0": [[0, 0]], "1": [[0, 0]]}}
    assert first["segments"] == {"orders": {"0": [[0, 100]], "1": [[0, 100]]}}
    assert first["log_bytes"] == 200
    assert sample.take() is None
    two.log.log_end_offset, two.log.size = 3, 150
    assert sample.take() == {
        "node": 1, "log_bytes": 250, "offsets": {"orders": {"1": [3, 2, 0]}}, "sizes": {"orders": {"1": 150}}
    }  # fmt: skip


def test_an_epoch_without_records_is_told():
    one = Replica(0)
    sample, _ = sampled(one)
    sample.take()
    one.log.epochs.assign(4, 2)
    assert sample.take()["epochs"] == {"orders": {"0": [[0, 0], [4, 2]]}}


def test_a_replica_that_went_counts_no_more_and_one_of_its_name_is_new():
    one, two = Replica(0), Replica(1)
    sample, hosted = sampled(one, two)
    sample.take()
    hosted[:] = [two]
    assert sample.take() is None  # its end is a fact, not traffic
    hosted[:] = [Replica(0), two]
    again = sample.take()
    assert again["offsets"] == {"orders": {"0": [2, 2, 0]}} and again["log_bytes"] == 200
