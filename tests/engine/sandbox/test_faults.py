"""The verbs that cut, slow, fail, delay, drop and heal: how they read, what they refuse, what they do to the picture."""

import pytest

from engine.cluster.trouble import Trouble
from engine.events.journal import Journal
from engine.sandbox.apply import apply_frame
from engine.sandbox.commands import BadLine, parse
from engine.sandbox.sandbox import Sandbox
from engine.sandbox.snapshot import blank
from engine.world.real import real_world
from tests.engine.sandbox.test_commands import broker, picture
from tests.engine.sandbox.test_sandbox import FakeCluster


@pytest.mark.parametrize(
    ("line", "canonical"),
    [
        ("cut broker 1 from broker 3, 2", "cut broker 1 from broker 2,3"),
        ("cut broker 1 from brokers", "cut broker 1 from brokers"),
        ("cut broker 1 from clients", "cut broker 1 from clients"),
        ("cut broker 1 to broker 02", "cut broker 1 to broker 2"),
        ("slow broker 1 to broker 2 0.2s", "slow broker 1 to broker 2 200ms"),
        ("slow broker 1 to clients 50ms", "slow broker 1 to clients 50ms"),
        ("slow ×1/4", "slow ×1/4"),
        ("fail PRODUCE on broker 2 with not_enough_replicas 30%", "fail Produce on broker 2 with NOT_ENOUGH_REPLICAS 30%"),
        ("fail list-offsets on broker 2 with NOT-LEADER-OR-FOLLOWER 100%", "fail ListOffsets on broker 2 with NOT_LEADER_OR_FOLLOWER"),
        ("delay fetch on broker 2 by 1.5s", "delay Fetch on broker 2 by 1500ms"),
        ("delay joingroup on broker 2 by 1s 5%", "delay JoinGroup on broker 2 by 1000ms 5%"),
        ("drop offset_commit on broker 2", "drop OffsetCommit on broker 2"),
        ("heal", "heal"),
        ("heal broker 2", "heal broker 2"),
    ],
)
def test_a_line_in_its_canonical_form(line, canonical):
    assert parse(line).format() == canonical
    assert parse(canonical) == parse(line)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("cut", 'lines that begin with cut: "cut broker BROKER from|to broker OTHERS|brokers|clients"'),
        ("cut broker 1", "is not complete"),
        ("cut broker 1 off broker 2", "from cuts both ways"),
        ("cut broker 1 from", "is not complete"),
        ("cut broker 1 from 2", "the other side is broker 2"),
        ("cut broker 1 from broker 2 3", "the other side is"),
        ("slow broker 1 to broker 2", "1ms to 60s is needed"),
        ("slow broker 1 to broker 2 200", "such as 200ms"),
        ("slow broker 1 to", "is not complete"),
        ("slow broker 1 to broker 2 61s", "1ms to 60s"),
        ("fail produced on broker 2 with NOT_ENOUGH_REPLICAS", "near it: Produce"),
        ("fail offset on broker 2 with NOT_COORDINATOR", "near it: OffsetCommit, OffsetFetch, OffsetForLeaderEpoch, OffsetDelete"),
        ("fail vote on broker 2 with NOT_CONTROLLER", "cut or slow their link"),
        ("fail produce on broker 2 with NOT_ENOUGH", "near it: NOT_ENOUGH_REPLICAS, NOT_ENOUGH_REPLICAS_AFTER_APPEND"),
        ("fail produce on broker 2 with NONE", "no such error"),
        ("fail produce on broker 2 with NOT_ENOUGH_REPLICAS 0%", "1% to 100%"),
        ("fail produce on broker 2 with NOT_ENOUGH_REPLICAS 30% hard", "one word too many"),
        ("fail produce on broker 2", "with ERROR"),
        ("delay fetch on broker 2 for 5s", "by TIME"),
        ("drop fetch at broker 2", "drop API on broker BROKER"),
        ("heal broker", "broker is missing"),
        ("heal everything", "one word too many"),
    ],
)
def test_a_bad_line(line, said):
    with pytest.raises(BadLine) as error:
        parse(line)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("cut broker 9 from broker 1", "there is no broker 9; brokers: 1, 2"),
        ("cut broker 1 from broker 2,9", "there is no broker 9"),
        ("cut broker 1 from broker 1,2", "no link to itself"),
        ("slow broker 9 to clients 5ms", "there is no broker 9"),
        ("fail produce on broker 9 with NOT_ENOUGH_REPLICAS", "there is no broker 9"),
        ("heal", "nothing is cut"),
        ("heal broker 2", "nothing is cut, slow or intercepted at broker 2"),
        ("heal broker 9", "there is no broker 9"),
    ],
)
def test_a_refusal(line, said):
    assert said in parse(line).refusal(picture(brokers=[broker(1), broker(2)]))


def test_a_lonely_broker_has_no_others():
    assert "no other broker" in parse("cut broker 1 from brokers").refusal(picture(brokers=[broker(1)]))


class Cluster(FakeCluster):
    def __init__(self, journal, clock):
        super().__init__(journal, clock)
        self.trouble = Trouble(journal, lambda: None)


def made(state=None):
    world = real_world()
    journal = Journal(node=0, incarnation=1, now_ms=world.clock.now_ms)
    blank_state = blank(sandbox="main", profile="demo", configs={}, cluster_id="", bootstrap_servers="", at_ms=0)
    return Sandbox(world=world, cluster=Cluster(journal, world.clock), journal=journal, state=state or blank_state)


def brokers_of(sandbox, part):
    return {one["id"]: one.get(part) for one in sandbox.snapshot()["clusters"][0]["brokers"]}


async def test_each_verb_is_done_told_with_its_cause_and_seen_in_the_picture():
    sandbox = made()
    await sandbox.start()
    sandbox.take_frame()
    before = sandbox.snapshot()
    for line in (
        "cut broker 1 from brokers",
        "slow broker 1 to clients 50ms",
        "fail produce on broker 2 with NOT_ENOUGH_REPLICAS 30%",
        "delay fetch on broker 2 by 500ms",
        "drop heartbeat on broker 1 5%",
    ):
        outcome = await sandbox.do(line)
        assert outcome.ok and outcome.kafka is None, outcome
        assert sandbox.recent[-1]["causes"] == [outcome.number]
    frame = sandbox.take_frame()
    assert apply_frame(before, frame) == sandbox.snapshot()
    gone = {"sends": False, "hears": False, "delay_ms": 0}
    clients = {"to": None, "sends": True, "hears": True, "delay_ms": 50}
    assert brokers_of(sandbox, "links") == {1: [{"to": 2} | gone, clients], 2: [{"to": 1} | gone]}
    assert {broker: [rule["how"] for rule in rules] for broker, rules in brokers_of(sandbox, "rules").items()} == {
        1: ["drop"], 2: ["delay", "fail"],
    }  # fmt: skip
    assert (await sandbox.do("heal broker 1")).ok
    assert (await sandbox.do("heal")).ok
    sandbox.take_frame()
    assert brokers_of(sandbox, "links") == brokers_of(sandbox, "rules") == {1: [], 2: []}
    assert (await sandbox.do("heal")).status == "refused"


async def test_a_line_can_be_explained():
    sandbox = made()
    await sandbox.start()
    told = sandbox.explain("cut broker 1 from broker 2,9")
    assert (told["line"], told["kafka"]) == ("cut broker 1 from broker 2,9", None)
    assert "there is no broker 9" in told["refusal"]


async def test_what_was_broken_ended_with_the_last_host():
    sandbox = made()
    await sandbox.start()
    for line in ("cut broker 1 from clients", "drop fetch on broker 2"):
        await sandbox.do(line)
    sandbox.take_frame()
    again = made(sandbox.snapshot())
    await again.start()
    again.take_frame()
    assert not any(brokers_of(again, "links").values()) and not any(brokers_of(again, "rules").values())
    assert {"LinksHealed", "InterceptionEnded"} <= {fact["kind"] for fact in again.recent}
