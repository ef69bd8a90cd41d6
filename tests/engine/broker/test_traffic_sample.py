"""What a sample tells of logs: everything at first, then what has moved, and nothing of what is gone."""

from types import SimpleNamespace

from engine.broker.traffic_sample import QUIET_MS, Sampling, TrafficSample
from engine.events.traffic import Traffic
from engine.storage.epoch_history import EpochHistory, EpochStart
from engine.storage.segment import SegmentInfo
from engine.storage.segmented_log import Moves
from engine.world.clock import Clock
from engine.world.virtual_loop import run_virtually


class Log(SimpleNamespace):
    """As much of a log as a sample looks at."""

    __hash__ = object.__hash__

    def segments(self):
        return [SegmentInfo(0, self.size, 0)]


class Replicas(dict):
    """Logs by partition; those that were touched or came or went are told of once."""

    def __init__(self, logs):
        super().__init__(logs)
        self.moves = Moves()
        for log in logs.values():
            self.moves.note(log)

    def take_moved(self):
        return [(log, self.get(log.partition) is log) for log in self.moves.take()]


def log_of(index):
    """Two records in 100 bytes."""
    epochs = EpochHistory([EpochStart(0, 0)])
    return Log(topic="orders", partition=index, log_end_offset=2, high_watermark=2, log_start_offset=0, size=100, epochs=epochs)


def node_of(count, **others):
    """As much of a node as a sample looks at."""
    replicas = Replicas({index: log_of(index) for index in range(count)})
    return SimpleNamespace(
        traffic=Traffic(),
        replicas=replicas,
        lifecycle=SimpleNamespace(heard_at_ms=None),
        controller=SimpleNamespace(active=False),
        spec=SimpleNamespace(node_id=1),
        **others,
    )


def sampled(count):
    """(the sample, the replicas that it looks at)"""
    node = node_of(count)
    return TrafficSample(node), node.replicas


def test_the_first_sample_tells_everything_and_the_next_only_what_moved():
    sample, replicas = sampled(2)
    first = sample.take()
    assert first["offsets"] == {"orders": {"0": [2, 2, 0], "1": [2, 2, 0]}}
    assert first["epochs"] == {"orders": {"0": [[0, 0]], "1": [[0, 0]]}}
    assert first["segments"] == {"orders": {"0": [[0, 100]], "1": [[0, 100]]}}
    assert first["log_bytes"] == 200
    assert sample.take() is None
    replicas[1].log_end_offset, replicas[1].size = 3, 150
    replicas.moves.note(replicas[1])
    assert sample.take() == {
        "node": 1, "log_bytes": 250, "offsets": {"orders": {"1": [3, 2, 0]}}, "sizes": {"orders": {"1": 150}}
    }  # fmt: skip


def test_an_epoch_without_records_is_told():
    sample, replicas = sampled(1)
    sample.take()
    replicas[0].epochs.assign(4, 2)
    replicas.moves.note(replicas[0])
    assert sample.take()["epochs"] == {"orders": {"0": [[0, 0], [4, 2]]}}


def test_a_replica_that_went_counts_no_more_and_one_of_its_name_is_new():
    sample, replicas = sampled(2)
    sample.take()
    replicas.moves.note(replicas.pop(0))
    assert sample.take() is None  # its end is a fact, not traffic
    replicas[0] = log_of(0)
    replicas.moves.note(replicas[0])
    again = sample.take()
    assert again["offsets"] == {"orders": {"0": [2, 2, 0]}} and again["log_bytes"] == 200


def test_samples_come_ten_times_a_second_while_something_moves_and_at_once_when_it_begins_to():
    async def main():
        clock, told = Clock(start_ms=0), []
        node = node_of(1, clock=clock)
        Sampling(node, tell=lambda taken: told.append((clock.now_ms(), taken)), may_tell=lambda: True)
        await clock.sleep(2_000)
        for _ in range(50):
            node.replicas.moves.note(node.replicas[0])
            await clock.sleep(20)
        node.traffic.requested("Fetch")
        await clock.sleep(3_000)
        node.traffic.committed("billing", "orders", 0, 7)
        await clock.sleep(100)
        return told

    told = run_virtually(main())
    times = [at_ms for at_ms, _ in told]
    assert times[0] == 0 and 2_000 < times[1] <= 2_060, "nothing is told while nothing moves"
    moving = [at_ms for at_ms in times if 2_000 < at_ms < 3_100]
    assert len(moving) in (10, 11)
    [requests] = [at_ms for at_ms, taken in told if "requests" in taken]
    assert requests - times[-1] < 0 and requests < 3_000 + 100 + QUIET_MS
    assert "committed" in told[-1][1] and 6_000 < times[-1] <= 6_060
