"""The configs that groups obey, as plain values for plain decisions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60 * 1000  # Kafka's constant: a new member whose JoinGroup we hold may be gone for good
MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Defaults are Kafka's."""

    initial_rebalance_delay_ms: int = 3_000
    session_timeout_ms_min: int = 6_000
    session_timeout_ms_max: int = 1_800_000
    members_max: int = 2_147_483_647
    offset_metadata_bytes_max: int = 4_096
    offsets_retention_ms: int = 10_080 * MINUTE_MS
    offsets_check_ms: int = 600_000
    offsets_partitions: int = 50
    commit_timeout_ms: int = 5_000

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Limits":
        """From a broker's configs."""
        return cls(
            initial_rebalance_delay_ms=int(config["group.initial.rebalance.delay.ms"]),
            session_timeout_ms_min=int(config["group.min.session.timeout.ms"]),
            session_timeout_ms_max=int(config["group.max.session.timeout.ms"]),
            members_max=int(config["group.max.size"]),
            offset_metadata_bytes_max=int(config["offset.metadata.max.bytes"]),
            offsets_retention_ms=int(config["offsets.retention.minutes"]) * MINUTE_MS,
            offsets_check_ms=int(config["offsets.retention.check.interval.ms"]),
            offsets_partitions=int(config["offsets.topic.num.partitions"]),
            commit_timeout_ms=int(config["offsets.commit.timeout.ms"]),
        )

    def configs(self, *names: str) -> dict[str, int]:
        """For facts: Kafka's names of some of these, with their values."""
        return {_NAMES[name]: getattr(self, name) for name in names}


_NAMES = {
    "initial_rebalance_delay_ms": "group.initial.rebalance.delay.ms",
    "members_max": "group.max.size",
    "offsets_retention_ms": "offsets.retention.minutes (as ms)",
}
