"""What a command asked the brokers for follows from the command; what nobody asked for does not."""

from engine.sandbox.command_causes import CommandCauses


def given(line, *, at_ms=0):
    return {"kind": "CommandGiven", "id": "0.1.1", "line": line, "at_ms": at_ms, "causes": []}


def told(kind, *, at_ms=100, **fields):
    return {"kind": kind, "id": "1.1.1", "at_ms": at_ms, "causes": []} | fields


def causes_of(command, fact):
    causes = CommandCauses()
    causes.see(command)
    return causes.complete(fact)["causes"]


def test_a_topic_is_there_because_somebody_asked_for_it():
    assert causes_of(given("create topic payments partitions=3"), told("TopicCreated", topic="payments")) == ["0.1.1"]


def test_another_topic_is_not():
    assert causes_of(given("create topic payments"), told("TopicCreated", topic="__consumer_offsets")) == []


def test_a_config_changes_because_it_was_set():
    changed = told("ConfigChanged", resource="topic", name="orders", changes={"retention.ms": "1"})
    assert causes_of(given("set topic orders retention.ms=1"), changed) == ["0.1.1"]


def test_preferred_leaders_move_because_they_were_told_to_and_others_not():
    moved = told("LeaderElected", topic="orders", partition=2, how="preferred")
    assert causes_of(given("elect preferred leaders"), moved) == ["0.1.1"]
    assert causes_of(given("elect preferred leaders"), moved | {"how": "in-sync"}) == []
    assert causes_of(given("elect orders-2 unclean"), moved | {"how": "unclean"}) == ["0.1.1"]


def test_what_comes_long_after_has_another_cause():
    assert causes_of(given("delete topic orders"), told("TopicDeleted", topic="orders", at_ms=60_000)) == []


def test_a_cause_that_is_known_stays():
    fact = told("LeaderElected", topic="orders", partition=2, how="preferred") | {"causes": ["1.1.9"]}
    assert causes_of(given("elect preferred leaders"), fact) == ["1.1.9"]
