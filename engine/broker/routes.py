"""A row of the table of handlers: which API, at which versions, by which functions of its module."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import iscoroutinefunction
from types import ModuleType
from typing import Any

from engine.protocol.api_keys import API_KEYS, PRODUCE_OLDEST_ANSWERED, Api

PRODUCE = 0
# What only the active controller can answer; other nodes pass it on in an Envelope (KIP-590).
FORWARDED = frozenset(
    {
        "CreateTopics",
        "DeleteTopics",
        "CreatePartitions",
        "ElectLeaders",
        "AlterConfigs",
        "IncrementalAlterConfigs",
        "DescribeQuorum",
        "UpdateFeatures",
        "UnregisterBroker",
        "AlterPartitionReassignments",
        "ListPartitionReassignments",
    }
)
# What is told of the cluster or of a log as it is when the answer goes out, not when the request came in.
OF_THE_MOMENT = frozenset(
    {
        "Metadata",
        "DescribeCluster",
        "DescribeTopicPartitions",
        "FindCoordinator",
        "ListOffsets",
        "OffsetForLeaderEpoch",
        "DescribeConfigs",
        "DescribeLogDirs",
    }
)


@dataclass(frozen=True, slots=True)
class Route:
    """`handle_frame` takes the body's bytes instead of a decoded request; `waits` says that `handle` is a coroutine."""

    api: Api
    module: ModuleType
    handle: Callable[..., Any] | None
    handle_frame: Callable[..., Any] | None
    refuse: Callable[..., Any] | None
    waits: bool
    forwarded: bool
    of_the_moment: bool

    def serves(self, version: int) -> bool:
        """Is the version answered? Produce 0 to 2 are advertised only (KAFKA-18659)."""
        if self.api.key == PRODUCE and version < PRODUCE_OLDEST_ANSWERED:
            return False
        return self.api.serves(version)

    @property
    def versions(self) -> str:
        """For log lines: "1 to 4"."""
        return f"{self.api.oldest} to {self.api.newest}"


def route(key: int, module: ModuleType) -> Route:
    """The row of one handler module."""
    api = API_KEYS[key]
    handle = getattr(module, "handle", None)
    handle_frame = getattr(module, "handle_frame", None)
    assert handle or handle_frame, f"{module.__name__} has neither handle nor handle_frame"
    return Route(
        api=api,
        module=module,
        handle=handle,
        handle_frame=handle_frame,
        refuse=getattr(module, "refuse", None),
        waits=iscoroutinefunction(handle),
        forwarded=api.name in FORWARDED,
        of_the_moment=api.name in OF_THE_MOMENT,
    )
