"""The topic configs that a log obeys, typed; defaults are Kafka's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONG_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """Field names are the config names with `_` for `.`."""

    segment_bytes: int = 1024 * 1024 * 1024
    segment_ms: int = 7 * 24 * 60 * 60 * 1000
    segment_jitter_ms: int = 0
    segment_index_bytes: int = 10 * 1024 * 1024
    index_interval_bytes: int = 4096
    max_message_bytes: int = 1024 * 1024 + 12
    message_timestamp_type: str = "CreateTime"
    message_timestamp_before_max_ms: int = LONG_MAX
    message_timestamp_after_max_ms: int = 60 * 60 * 1000
    cleanup_policy: str = "delete"
    compression_type: str = "producer"
    retention_ms: int = 7 * 24 * 60 * 60 * 1000
    retention_bytes: int = -1
    file_delete_delay_ms: int = 60_000
    producer_id_expiration_ms: int = 24 * 60 * 60 * 1000  # a broker config: producer.id.expiration.ms

    @property
    def is_compacted(self) -> bool:
        return "compact" in self.cleanup_policy

    @property
    def uses_log_append_time(self) -> bool:
        return self.message_timestamp_type == "LogAppendTime"

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "LogConfig":
        """From effective topic configs by Kafka's names; what is missing has Kafka's default, what is unknown is left."""
        given = {}
        for name, part in cls.__dataclass_fields__.items():
            value = values.get(name.replace("_", "."))
            if value is not None:
                if isinstance(value, (list, tuple)):
                    value = ",".join(value)
                given[name] = int(value) if part.type is int or part.type == "int" else str(value)
        return cls(**given)
