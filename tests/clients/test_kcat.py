"""kcat: lists, produces, reads from the beginning to the end, and queries offsets. Left out where there is no kcat (conftest)."""

import json
import subprocess

from tests.clients.conftest import KCAT
from tests.clients.traffic import PARTITIONS, create

LINES = [f"{number}:value {number}" for number in range(100)]


def kcat(engine, *options, lines=()):
    done = subprocess.run([KCAT, "-b", engine.bootstrap, *options], input="\n".join(lines), capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_produce_read_list_query(engine, name):
    create(engine.bootstrap, name)
    kcat(engine, "-P", "-t", name, "-K:", "-X", "acks=all", lines=LINES)
    read = kcat(engine, "-C", "-t", name, "-K:", "-o", "beginning", "-e", "-q")
    assert sorted(read.split("\n")[:-1]) == sorted(LINES)
    listed = json.loads(kcat(engine, "-L", "-J", "-t", name))
    assert [len(topic["partitions"]) for topic in listed["topics"]] == [PARTITIONS]
    assert len(listed["brokers"]) == 3
    ends = kcat(engine, "-Q", *(word for index in range(PARTITIONS) for word in ("-t", f"{name}:{index}:-1")))
    assert sum(int(line.split()[-1]) for line in ends.strip().split("\n")) == len(LINES)


def test_read_in_a_group(engine, name):
    create(engine.bootstrap, name)
    kcat(engine, "-P", "-t", name, lines=[str(number) for number in range(50)])
    read = kcat(engine, "-X", "auto.offset.reset=earliest", "-G", name, "-q", "-c", "50", name)
    assert sorted(read.split("\n")[:-1], key=int) == [str(number) for number in range(50)]
