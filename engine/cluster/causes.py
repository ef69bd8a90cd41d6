"""Causes that only the host knows: a session that expired because of a SIGKILL, an ISR that shrank because a leader said so.

Nodes give the causes that they see; these are added to the facts as they come in.
"""

from collections.abc import Callable
from typing import Any

from engine.cluster.trouble_causes import TroubleCauses

Wire = dict[str, Any]

# Whatever last happened to a broker's process explains why it is silent, or why it is back.
SILENCING = ("BrokerKilled", "BrokerFrozen", "BrokerStopping", "BrokerFailed", "BrokerStopped")
GROUPS_TOPIC = "__consumer_offsets"  # who leads one of its partitions coordinates the groups in it
RETURNING = ("BrokerStarted", "BrokerThawed")


class Causes:
    """Remembers the last fact of each kind that explains others."""

    def __init__(self) -> None:
        self._silenced: dict[int, str] = {}
        self._returned: dict[int, str] = {}
        self._readmitted: dict[int, str] = {}  # the controller let it in again, which is the nearer cause of its catching up
        self._lagged: dict[tuple[str, int, int], str] = {}
        self._lost_controller: dict[int, str] = {}
        self._moved_coordinator: dict[int, str] = {}
        self._trouble = TroubleCauses()

    def see(self, fact: Wire) -> None:
        """A fact of the host or of a node, as it is kept for later ones."""
        kind = fact["kind"]
        for broker in self._trouble.see(fact):
            self._returned[broker] = fact["id"]
            self._readmitted.pop(broker, None)
        if kind in SILENCING:
            self._silenced[fact["broker"]] = fact["id"]
        elif kind in RETURNING:
            self._returned[fact["broker"]] = fact["id"]
            self._readmitted.pop(fact["broker"], None)
            self._silenced.pop(fact["broker"], None)
        elif kind == "BrokerUnfenced":
            self._readmitted[fact["broker"]] = fact["id"]
        elif kind == "FollowerLagged":
            self._lagged[fact["topic"], fact["partition"], fact["follower"]] = fact["id"]
        elif kind == "LeaderElected" and fact["topic"] == GROUPS_TOPIC:
            self._moved_coordinator[fact["partition"]] = fact["id"]
        elif kind == "ControllerLost":
            self._lost_controller[fact["leader"]] = fact["id"]

    def complete(self, fact: Wire) -> Wire:
        """The fact of a node with the causes that the host can add; it is remembered too."""
        rule = RULES.get(fact["kind"])
        added = [cause for cause in (rule(self, fact) if rule else ()) if cause and cause not in fact["causes"]]
        completed = fact | {"causes": [*fact["causes"], *added]} if added else fact
        self.see(completed)
        return completed

    def _of_silence(self, fact: Wire) -> list[str | None]:
        return [self._silenced.get(fact["broker"]) or self._trouble.between(fact["broker"], fact["node"])]

    def _of_shutdown(self, fact: Wire) -> list[str | None]:
        return [self._silenced.get(fact["broker"])]

    def _of_fencing(self, fact: Wire) -> list[str | None]:
        if fact["causes"]:
            return []
        if fact["reason"] == "registration":
            return [self._returned.get(fact["broker"])]
        return self._of_silence(fact)

    def _of_return(self, fact: Wire) -> list[str | None]:
        return [self._returned.get(fact["broker"])]

    def _of_shrinking(self, fact: Wire) -> list[str | None]:
        gone = sorted(set(fact["was"]) - set(fact["isr"]))
        if fact["reason"] not in ("lag", ""):
            return []
        return [self._lagged.get((fact["topic"], fact["partition"], broker)) for broker in gone]

    def _of_expanding(self, fact: Wire) -> list[str | None]:
        joined = sorted(set(fact["isr"]) - set(fact["was"]))
        return [self._readmitted.get(broker) or self._returned.get(broker) for broker in joined]

    def _of_lag(self, fact: Wire) -> list[str | None]:
        leader, follower, trouble = fact["node"], fact["follower"], self._trouble
        return [self._silenced.get(follower) or trouble.between(follower, leader) or trouble.intercepting(leader, "Fetch")]

    def _of_silent_member(self, fact: Wire) -> list[str | None]:
        coordinator, trouble = fact["node"], self._trouble
        return [trouble.between(None, coordinator) or trouble.intercepting(coordinator, "Heartbeat")]

    def _of_loading(self, fact: Wire) -> list[str | None]:
        return [self._moved_coordinator.get(fact["partition"])]

    def _of_lost_controller(self, fact: Wire) -> list[str | None]:
        leader, node = fact["leader"], fact["node"]
        cut = self._trouble.around(leader) if leader == node else self._trouble.between(leader, node)
        return [self._silenced.get(leader) or cut]

    def _of_candidacy(self, fact: Wire) -> list[str | None]:
        lost = [cause for leader, cause in sorted(self._lost_controller.items()) if leader in self._silenced or self._trouble.around(leader)]
        return lost[-1:]


RULES: dict[str, Callable[[Causes, Wire], list[str | None]]] = {
    "SessionExpired": Causes._of_silence,
    "ControlledShutdownBegan": Causes._of_shutdown,
    "BrokerFenced": Causes._of_fencing,
    "BrokerRegistered": Causes._of_return,
    "BrokerUnfenced": Causes._of_return,
    "IsrShrunk": Causes._of_shrinking,
    "IsrExpanded": Causes._of_expanding,
    "FollowerLagged": Causes._of_lag,
    "MemberSessionExpired": Causes._of_silent_member,
    "GroupLoaded": Causes._of_loading,
    "ControllerLost": Causes._of_lost_controller,
    "VoteRequested": Causes._of_candidacy,
}
