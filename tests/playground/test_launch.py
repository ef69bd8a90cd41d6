"""What `./play` decides before it starts anything."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from playground.launch import ports, processes, steps, suites
from playground.launch.main import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def taken():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield held.getsockname()[1]


def test_a_taken_port_is_not_free_and_its_holder_is_named(taken):
    assert not ports.is_free(taken)
    if sys.platform == "linux":
        assert str(os.getpid()) in ports.holder(taken)


def test_a_run_of_ports_goes_around_what_is_taken(taken):
    base = ports.free_run(taken, 3)
    assert base > taken and all(ports.is_free(base + n) for n in range(3))


def play(*words):
    return subprocess.run([str(ROOT / "play"), *words], capture_output=True, text=True, timeout=60)


def test_a_taken_page_port_says_who_has_it_and_what_to_do(taken, tmp_path):
    said = play("--no-open", "--port", str(taken), "--data", str(tmp_path / "data"))
    assert said.returncode == 1 and f"port {taken} is taken" in said.stderr and "--port" in said.stderr


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--brokers", "0"), "1 to 10"),
        (("--port", "70000"), "1 to 65535"),
        (("--kafka-port", "0"), "1 to 65535"),
        (("--profile", "fast"), "invalid choice"),
        (("do",), "which command"),
        (("test", "nothing"), "no suite 'nothing'"),
        (("bench",), "which benchmark"),
    ],
)
def test_bad_words_are_named(words, part, capsys):
    try:
        assert main(list(words), usage="x\n\nx") == 1
    except SystemExit as error:
        assert error.code == 2
    assert part in capsys.readouterr().err


def test_fresh_does_not_empty_a_folder_that_is_not_ours(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    said = play("--no-open", "--fresh", "--port", str(ports.any_free()), "--data", str(tmp_path))
    assert said.returncode == 1 and "does not look like a playground's data" in said.stderr
    assert (tmp_path / "thesis.txt").exists()


def test_a_step_is_done_once_for_a_hash(tmp_path, monkeypatch):
    monkeypatch.setattr(steps, "PLAY", tmp_path)
    done = []
    for wanted in ("one", "one", "two"):
        steps.step("a step", lambda wanted=wanted: done.append(wanted), wanted=wanted)
    steps.step("a step", lambda: done.append("again"), wanted="two", again=True)
    assert done == ["one", "two", "again"]


def test_a_step_that_failed_is_not_done(tmp_path, monkeypatch):
    monkeypatch.setattr(steps, "PLAY", tmp_path)

    def fail():
        raise steps.SetupFailed("no")

    with pytest.raises(steps.SetupFailed):
        steps.step("a step", fail, wanted="one")
    assert not steps.is_done("a step", "one")


def test_stop_asks_first_kills_then_and_says_whom(tmp_path):
    kind = [sys.executable, "-c", "import time; time.sleep(60)"]
    deaf = [sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"]
    children = [processes.start(name, command, env=dict(os.environ), logs=tmp_path) for name, command in (("kind", kind), ("deaf", deaf))]
    while not children[1].log.read_text():
        pass
    assert processes.stop(children) == ["deaf"]
    assert all(child.process.poll() is not None for child in children)


def test_counts_are_read_from_the_runners_last_lines():
    assert suites._count_pytest("...\n=== 3 failed, 12 passed, 1 error in 2.0s ===\n") == (12, 4)
    assert suites._count_vitest("\x1b[1m Tests \x1b[22m 2 failed | 71 passed (73)\n") == (71, 2)
