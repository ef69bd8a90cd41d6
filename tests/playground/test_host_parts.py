"""Feed, journal on disk and measures: each by itself."""

import asyncio
import json

from playground.host import disk_journal
from playground.host.disk_journal import DiskJournal
from playground.host.feed import Feed
from playground.host.limits import FRAME_GAP_MS
from playground.host.minute import Minute
from playground.tasks.measures import Measures


def fact(number):
    return {"number": number, "kind": "ClusterPaused", "id": f"0.1.{number}", "causes": []}


def test_facts_survive(tmp_path):
    journal = DiskJournal(tmp_path)
    assert journal.load() == (None, [])
    assert journal.append([fact(1), fact(2)])
    journal.keep({"number": 1})
    assert not journal.append([fact(3)])
    journal.close()
    picture, facts = DiskJournal(tmp_path).load()
    assert (picture, [one["number"] for one in facts]) == ({"number": 1}, [1, 2, 3])


def test_a_torn_line_is_left_out(tmp_path):
    journal = DiskJournal(tmp_path)
    journal.append([fact(1), fact(2)])
    journal.close()
    path = next(tmp_path.glob("*.jsonl"))
    path.write_text(path.read_text()[:-9])
    assert [one["number"] for one in DiskJournal(tmp_path).load()[1]] == [1]


def test_it_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(disk_journal, "FACTS_A_SEGMENT", 10)
    monkeypatch.setattr(disk_journal, "SEGMENTS_KEPT", 3)
    journal = DiskJournal(tmp_path)
    for number in range(1, 101):
        if journal.append([fact(number)]):
            journal.keep({"number": number})
    assert [one["number"] for one in journal.read(0, 1_000)] == list(range(71, 101))
    monkeypatch.setattr(disk_journal, "FACTS_LOOKED_BACK_ON", 5)
    assert [one["number"] for one in journal.load()[1]] == list(range(87, 101)), "behind the picture (91), and five before it"
    assert [one["number"] for one in journal.read(85, 4)] == [86, 87, 88, 89]
    assert journal.read(100, 5) == []
    journal.close()


def test_starts_are_counted(tmp_path):
    assert DiskJournal(tmp_path).next_start() == {"starts": 1, "scenario": False}
    journal = DiskJournal(tmp_path)
    noted = journal.next_start()
    journal.note(noted | {"scenario": True})
    assert DiskJournal(tmp_path).next_start() == {"starts": 3, "scenario": True}


def feed(published):
    def take():
        return {"from": 0, "number": 0, "at_ms": 0, "facts": [], "traffic": {}}

    return Feed(run="r", take=take, publish=published.append, keep=lambda facts: None)


async def test_a_rested_feed_publishes_at_once_and_then_at_most_every_gap():
    published = []
    made = feed(published)
    loop = asyncio.get_running_loop()
    moments = []
    for _ in range(6):
        made.stir()
        made.stir()
        await made.settled()
        moments.append(loop.time())
    gaps = [after - before for before, after in zip(moments, moments[1:], strict=False)]
    assert [message["sequence"] for message in published] == [1, 2, 3, 4, 5, 6]
    assert min(gaps) > FRAME_GAP_MS / 1000 - 0.005
    assert json.loads(published[0]["text"])["type"] == "frame"
    made.close()


async def test_a_quiet_feed_beats(monkeypatch):
    monkeypatch.setattr("playground.host.feed.BEAT_MS", 10)
    published = []
    made = feed(published)
    while not published:
        await asyncio.sleep(0.005)
    assert published[0]["type"] == "host.beat"
    made.close()


def test_measures():
    measures = Measures()
    assert measures.report() == {"rate": 0.0, "last_error": None}
    for ms in range(100):
        measures.latency(ms / 1000)
    measures.count("acked", 100)
    measures.error("boom")
    report = measures.report()
    assert (report["acked"], report["ack_p50_ms"], report["ack_p99_ms"], report["last_error"]) == (100, 50.0, 99.0, "boom")


class PlayedSandbox:
    """Two frames a second, each of which moves the same."""

    def __init__(self):
        self.at_ms = 0

    def take_frame(self):
        moved = [["shop", "orders", 0, 5, 500], ["shop", "orders", 1, 4, 400], ["kafka", "__consumer_offsets", 0, 7, 70]]
        self.at_ms += 500
        return {"at_ms": self.at_ms, "facts": [], "traffic": {"appended": moved} if self.at_ms < 70_000 else {}}

    def snapshot(self):
        end = self.at_ms // 100
        topics = [{"name": "orders", "partitions": [{"high_watermark": end}, {"high_watermark": 3}]}]
        offsets = {"orders": {"0": end - 6, "1": 5, "2": 0}, "deleted": {"0": 1}}
        return {"clusters": [{"topics": topics, "groups": [{"offsets": offsets}, {"offsets": {}}]}]}


def test_the_last_minute_is_kept_second_by_second():
    sandbox = PlayedSandbox()
    minute = Minute(sandbox)
    assert minute.seconds() == []
    while sandbox.at_ms < 69_500:
        assert minute.take_frame()["traffic"]
    seconds = minute.seconds()
    assert [one["second"] for one in seconds] == list(range(10, 70))
    assert {one["lag"] for one in seconds} == {6}, "a partition read beyond its end and ones that are gone have none"
    assert all(one["produced"] == {"shop": {"orders": 18}} and one["consumed"] == {} for one in seconds), "internal topics are left out"
    minute.take_frame()
    assert minute.seconds()[-1] == {"second": 70, "produced": {}, "consumed": {}, "lag": 6}
