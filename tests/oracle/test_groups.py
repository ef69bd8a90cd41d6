"""The conversation of group_conversation.py with Apache Kafka and with us: what is said must be the same, word for word.

With RECORD=1 Apache Kafka's words are kept for tests/engine/broker/test_group_handlers.py, which needs no Java.
"""

import os
import pathlib
import time
from typing import Any

import pytest

from engine.protocol.errors import ErrorCode
from tests.clients.raw_client import RawClient
from tests.oracle.group_conversation import TOPIC, Known, Step, conversation, learn, normal

pytestmark = pytest.mark.oracle

RECORD = pathlib.Path(__file__).parents[1] / "engine" / "broker" / "group_answers.txt"
PATIENCE_S = 30


class Talk:
    """Each client speaks to the coordinator of the group that it asks about."""

    def __init__(self, bootstrap: str) -> None:
        self.first = RawClient(bootstrap.split(",")[0])
        self.known = Known()
        self.coordinators: dict[str, str] = {}
        self.connections: dict[tuple[str, str], RawClient] = {}

    def begin(self) -> None:
        """A topic of two partitions and the internal one."""
        row = {"name": TOPIC, "num_partitions": 2, "replication_factor": 1, "assignments": [], "configs": []}
        self.first.ask("CreateTopics", 5, topics=[row], timeout=10_000)
        topic = self._until(
            lambda: self.first.ask("Metadata", 12, topics=[{"name": TOPIC, "topic_id": None}]).topics[0], "topic_id"
        )
        self.known["topic_id"] = topic.topic_id

    def _until(self, question: Any, field: str) -> Any:
        for _ in range(PATIENCE_S * 10):
            answer = question()
            value = getattr(answer, field)
            if answer.error_code.value == 0 and value is not None:
                return answer
            time.sleep(0.1)
        raise AssertionError(f"no {field} after {PATIENCE_S} s: {answer}")

    def _warm(self, client: RawClient, group: str) -> None:
        """While a coordinator loads it lets every heartbeat pass."""
        for _ in range(PATIENCE_S * 10):
            if client.ask("Heartbeat", 4, group_id=group, generation_id=1, member_id="x").error_code is ErrorCode.unknown_member_id:
                return
            time.sleep(0.1)
        raise AssertionError(f"the coordinator of {group} does not answer")

    def client(self, name: str, group: str) -> RawClient:
        if group not in self.coordinators:
            found = self._until(lambda: self.first.ask("FindCoordinator", 3, key=group, key_type=0), "port")
            self.coordinators[group] = f"{found.host}:{found.port}"
        key = (name, self.coordinators[group])
        if key not in self.connections:
            self.connections[key] = RawClient(key[1])
            self._warm(self.connections[key], group)
        return self.connections[key]

    def take(self, step: Step) -> str | None:
        client = self.client(step.client, step.group)
        if step.mode == "send":
            client.send(step.api, step.version, **step.told(self.known))
            return None
        if step.mode == "receive":
            answer = client.receive()
        else:
            answer = client.ask(step.api, step.version, **step.told(self.known))
            while step.mode == "await rebalance" and answer.error_code.value == 0:
                answer = client.ask(step.api, step.version, **step.told(self.known))
        learn(step, answer, self.known)
        return normal(step, answer, self.known)


def hold(bootstrap: str) -> list[str]:
    """All answers, in order."""
    talk = Talk(bootstrap)
    talk.begin()
    return [said for step in conversation() if step.api != "ListGroups" and (said := talk.take(step)) is not None]


def test_group_coordinators_say_the_same(apache: str, ours: str) -> None:
    theirs, own = hold(apache), hold(ours)
    if os.environ.get("RECORD"):
        RECORD.write_text("\n".join(theirs) + "\n")
    for number, (expected, said) in enumerate(zip(theirs, own, strict=True)):
        assert said == expected, f"answer {number}"
