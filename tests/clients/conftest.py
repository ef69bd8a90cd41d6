"""One cluster of three brokers for the tests that leave it as they found it; what only this machine lacks is said, not hidden."""

import shutil
import uuid

import pytest

from tests.clients.engine_process import EngineProcess

KCAT = shutil.which("kcat") or shutil.which("kafkacat")
collect_ignore = [] if KCAT else ["test_kcat.py"]


def pytest_report_header():
    return f"kcat: {KCAT}" if KCAT else "kcat: not on PATH, so test_kcat.py is left out"


@pytest.fixture(scope="session")
def shared_engine(tmp_path_factory):
    with EngineProcess(tmp_path_factory.mktemp("shared") / "data", brokers=3) as engine:
        yield engine
        assert engine.stop() < 5


@pytest.fixture
def engine(shared_engine):
    """The shared cluster, whole: every broker up, nothing paused, every replica in sync."""
    made_whole(shared_engine)
    yield shared_engine
    if shared_engine.process.poll() is None:
        made_whole(shared_engine)


@pytest.fixture
def name():
    """For a topic or a group of this test alone."""
    return f"t-{uuid.uuid4().hex[:8]}"


def made_whole(engine):
    engine.do("resume")
    engine.do("heal")
    engine.do("slow ×1")
    for broker in engine.state()["brokers"]:
        if broker["state"] == "frozen":
            engine.do(f"thaw broker {broker['id']}")
        elif broker["state"] in ("down", "stopped"):
            engine.do(f"start broker {broker['id']}")
    engine.until(is_whole, within_s=20)


def is_whole(picture):
    partitions = [partition for topic in picture["topics"] for partition in topic["partitions"]]
    return all(broker["state"] == "up" for broker in picture["brokers"]) and all(
        sorted(partition["isr"]) == sorted(partition["replicas"]) for partition in partitions
    )
