"""Causes that only the sandbox knows: a topic that is there because somebody asked for it, a leader that moved because it was told to.

Brokers hear such a command as any client's request, which carries no cause; what it was about tells them apart.
"""

from typing import Any

from engine.sandbox.commands import BadLine, parse
from engine.sandbox.commands_of_topics import CreateTopic, DeleteTopic, Elect, ElectPreferred, GrowTopic, SetTopic

Wire = dict[str, Any]

ANSWERED_WITHIN_MS = 15_000  # a little longer than an admin request waits; what happens later has another cause

TOLD_BY: dict[type, str] = {CreateTopic: "TopicCreated", DeleteTopic: "TopicDeleted", GrowTopic: "PartitionsAdded", SetTopic: "ConfigChanged"}


class CommandCauses:
    """Remembers the last command about each thing."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, str], tuple[str, int]] = {}  # (kind of fact, subject) -> (command's id, when)

    def see(self, fact: Wire) -> None:
        """A fact, as it is kept for later ones; only commands matter."""
        if fact["kind"] != "CommandGiven":
            return
        try:
            command = parse(fact["line"])
        except BadLine:
            return
        kind = TOLD_BY.get(type(command))
        if kind:
            self._asked[kind, command.topic] = (fact["id"], fact["at_ms"])
        elif isinstance(command, Elect):
            self._asked["LeaderElected", command.partition] = (fact["id"], fact["at_ms"])
        elif isinstance(command, ElectPreferred):
            self._asked["LeaderElected", "preferred"] = (fact["id"], fact["at_ms"])

    def complete(self, fact: Wire) -> Wire:
        """The fact with the command that it follows from, if it has no cause and one was about it."""
        if fact["causes"]:
            return fact
        for subject in _subjects(fact):
            cause, asked_ms = self._asked.get((fact["kind"], subject), ("", 0))
            if cause and fact["at_ms"] - asked_ms <= ANSWERED_WITHIN_MS:
                return fact | {"causes": [cause]}
        return fact


def _subjects(fact: Wire) -> list[str]:
    if fact["kind"] == "ConfigChanged":
        return [fact["name"]] if fact["resource"] == "topic" else []
    if fact["kind"] == "LeaderElected":
        named = [f"{fact['topic']}-{fact['partition']}"]
        return [*named, "preferred"] if fact["how"] == "preferred" else named
    return [fact["topic"]] if fact["kind"] in TOLD_BY.values() else []
