"""Processes that die are started again, in place, with one line; what dies too often ends everything."""

import os
import sys

from playground.launch import processes
from playground.launch.watch import DEATHS_PER_MINUTE_MAX, may_live_again, watch


def test_three_deaths_a_minute_are_forgiven():
    assert may_live_again([0.0, 1.0, 2.0])
    assert not may_live_again([0.0, 1.0, 2.0, 3.0])
    assert may_live_again([0.0, 1.0, 2.0, 61.5])


def test_what_dies_again_and_again_ends_the_watch_with_its_last_words(tmp_path, capsys):
    child = processes.start("worker", [sys.executable, "-c", "print('no luck')"], env=dict(os.environ), logs=tmp_path)
    assert watch([child]) == 1
    told = capsys.readouterr().err
    assert told.count("worker ended with status 0; it is started again") == DEATHS_PER_MINUTE_MAX
    assert told.rstrip().endswith("no luck")


def test_the_data_store_is_not_replaced(tmp_path, capsys):
    child = processes.start("valkey", [sys.executable, "-c", "raise SystemExit(3)"], env=dict(os.environ), logs=tmp_path)
    assert watch([child]) == 1
    assert "valkey ended with status 3; see" in capsys.readouterr().err


def test_another_takes_the_place_of_the_dead(tmp_path):
    mark = tmp_path / "once"
    story = f"import pathlib, time; mark = pathlib.Path({str(mark)!r}); first = not mark.exists(); mark.touch(); first or time.sleep(60)"
    first = processes.start("web", [sys.executable, "-c", story], env=dict(os.environ), logs=tmp_path)
    end = processes.start("valkey", [sys.executable, "-c", "import time; time.sleep(1.5)"], env=dict(os.environ), logs=tmp_path)
    children = [end, first]
    assert watch(children) == 1
    assert children[1] is not first and children[1].process.poll() is None
    processes.stop(children)
