"""Lines become commands and commands become lines; bad ones get an answer that helps."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sandbox.commands import VERBS, BadLine, grammar, parse
from engine.sandbox.commands_of_time import Slow
from engine.sandbox.doing import ACTIONS, Doing
from engine.sandbox.snapshot import blank


def picture(**cluster):
    made = blank(sandbox="main", profile="demo", configs={}, cluster_id="c", bootstrap_servers="localhost:9092", at_ms=0)
    made["clusters"][0] |= cluster
    return made


def broker(number, state="up", **more):
    return {"id": number, "state": state, "pid": 100 + number, "voter": True} | more


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_example_reads_and_writes(verb):
    command = parse(verb.example)
    assert type(command) is verb
    assert parse(command.format()) == command
    line = command.kafka_line(picture(brokers=[broker(2), broker(4)]))
    assert (line is None) == (verb.kafka is None)


def test_every_verb_is_done_by_somebody():
    assert set(ACTIONS) == set(VERBS)
    for action in ACTIONS.values():
        assert callable(getattr(Doing, f"_{action}"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "commands: create topic"),
        ("kil broker 2", 'did you mean "kill broker"'),
        ("kill", 'lines that begin with kill: "kill broker BROKER"'),
        ("kill broker", "broker is missing"),
        ("kill broker two", "a broker is a number"),
        ("kill broker 2 3", "one word too many"),
        ("kill broker 2 hard=yes", 'no option "hard"'),
        ("create topic t partitions=0", "1 to 1000"),
        ("create topic t partitions=3 partitions=4", "given twice"),
        ("elect orders unclean", "topic-number"),
        ("slow ×3", "×1 down to ×1/50"),
        ("produce orders as shop acks=2", "all, 1, 0"),
        ("consume orders", "group= is missing"),
        ("set topic orders", "configs= is missing"),
        ('kill "broker 2', "quote"),
        ("kill\nbroker 2", "one line"),
        ("x" * 3000, "at most 2000"),
    ],
)
def test_bad_line(line, said):
    with pytest.raises(BadLine) as error:
        parse(line)
    assert said in str(error.value)


@pytest.mark.parametrize("text", ["×1/4", "x1/4", "1/4", "0.25", "1/4x"])
def test_speeds(text):
    assert parse(f"slow {text}") == Slow(speed="×1/4")
    assert parse(f"slow {text}").factor() == 4
    assert parse("slow ×1").factor() == 1


@given(st.text(max_size=80))
def test_any_text_is_a_command_or_a_bad_line(text):
    try:
        command = parse(text)
    except BadLine:
        return
    assert parse(command.format()) == command


@pytest.mark.parametrize(
    ("line", "state", "said"),
    [
        ("kill broker 9", picture(brokers=[broker(1), broker(2)]), "there is no broker 9; brokers: 1, 2"),
        ("kill broker 2", picture(brokers=[broker(2, "down")]), "broker 2 is down already; start it first: start broker 2"),
        ("start broker 2", picture(brokers=[broker(2)]), "broker 2 is up already"),
        ("thaw broker 2", picture(brokers=[broker(2)]), "only a frozen broker"),
        ("remove broker 2", picture(brokers=[broker(2, "down")]), "voter"),
        ("crash client shop", picture(), "there is no client shop"),
        ("resume", picture(), "time runs"),
    ],
)
def test_refusal(line, state, said):
    assert said in parse(line).refusal(state)


def test_kafka_lines():
    state = picture(brokers=[broker(2)])
    assert parse("kill broker 2").kafka_line(state) == "kill -9 102"
    line = parse("create topic orders partitions=6 min.insync.replicas=2").kafka_line(state)
    assert line == (
        "bin/kafka-topics.sh --bootstrap-server localhost:9092 --create --topic orders"
        " --partitions 6 --replication-factor 3 --config min.insync.replicas=2"
    )
    assert parse("pause").kafka_line(state) is None
    assert parse("consume orders group=again").kafka_line(state).endswith(" --group again --from-beginning")
    assert parse("consume orders group=again reset=latest").kafka_line(state).endswith(" --group again")


def test_the_pages_own_tests_use_the_grammar_as_it_is():
    fixture = Path(__file__).parents[3] / "static" / "src" / "dev" / "grammar.json"
    assert json.loads(fixture.read_text()) == json.loads(json.dumps(grammar())), "write what grammar() gives into it"


def test_grammar_is_plain_json():
    told = json.loads(json.dumps(grammar()))
    assert {"verb", "words", "options", "doc", "example", "kafka", "usage", "open"} == set(told[0])
