"""What one config is: its name, its kind of value, its limits; reading and checking a value as Kafka's ConfigDef does."""

import re
from dataclasses import dataclass
from typing import Any

from engine.protocol.errors import InvalidConfig

BOOLEAN, STRING, INT, SHORT, LONG, DOUBLE, LIST, CLASS, PASSWORD = (
    "BOOLEAN", "STRING", "INT", "SHORT", "LONG", "DOUBLE", "LIST", "CLASS", "PASSWORD",
)  # fmt: skip
WIRE_TYPE = {BOOLEAN: 1, STRING: 2, INT: 3, SHORT: 4, LONG: 5, DOUBLE: 6, LIST: 7, CLASS: 8, PASSWORD: 9}  # DescribeConfigs v3
UNKNOWN_WIRE_TYPE = 0

READ_ONLY, PER_BROKER, CLUSTER_WIDE = "read-only", "per-broker", "cluster-wide"

SHORT_MAX, INT_MAX, LONG_MAX, DOUBLE_MAX = 2**15 - 1, 2**31 - 1, 2**63 - 1, 1.7976931348623157e308
WHOLE_MAX = {SHORT: SHORT_MAX, INT: INT_MAX, LONG: LONG_MAX}
REPLICA_LIST = re.compile(r"\s*\d+\s*:\s*\d+\s*(,\s*\d+\s*:\s*\d+\s*)*")


@dataclass(frozen=True, slots=True)
class Setting:
    """One config of Kafka's. `demo` is its value in the timing profile `demo`, where that differs from `default`."""

    name: str
    kind: str
    default: Any
    documentation: str
    least: float | None = None
    most: float | None = None
    or_also: int | None = None  # allowed although outside least and most
    one_of: tuple[str, ...] = ()
    replica_list: bool = False
    dynamic: str = READ_ONLY
    demo: Any = None

    @property
    def sensitive(self) -> bool:
        """Never shown to anybody."""
        return self.kind == PASSWORD

    def read(self, text: str) -> Any:
        """The value that the text stands for: bool, int, float, str, or a tuple of str for a list.

        Raises:
            InvalidConfig: with Kafka's message.
        """
        value = self._parse(text.strip())
        self._check(value)
        return value

    def _parse(self, text: str) -> Any:
        if self.kind == BOOLEAN:
            if text.lower() not in ("true", "false"):
                raise self._refused(text, "Expected value to be either true or false")
            return text.lower() == "true"
        if self.kind in WHOLE_MAX:
            if not re.fullmatch(r"[+-]?\d+", text) or not -WHOLE_MAX[self.kind] - 1 <= int(text) <= WHOLE_MAX[self.kind]:
                raise self._refused(text, f"Not a number of type {self.kind}")
            return int(text)
        if self.kind == DOUBLE:
            try:
                return float(text)
            except ValueError:
                raise self._refused(text, "Not a number of type DOUBLE") from None
        if self.kind == LIST:
            return tuple(part.strip() for part in text.split(",")) if text else ()
        return text

    def _check(self, value: Any) -> None:
        if self.one_of:
            for part in value if isinstance(value, tuple) else (value,):
                if part not in self.one_of:
                    raise self._refused(part, f"String must be one of: {', '.join(self.one_of)}")
        if self.replica_list and value not in ((), ("*",)) and not REPLICA_LIST.fullmatch(",".join(value)):
            shown = f"[{', '.join(value)}]"
            form = "the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],..."
            raise self._refused(shown, f"{self.name} must be {form}")
        if self.least is None or value == self.or_also:
            return
        if self.or_also is not None and not self.least <= value <= self.most:
            raise self._refused(value, f"Value must be between {self.least} and {self.most} or equal to {self.or_also}")
        if value < self.least:
            raise self._refused(value, f"Value must be at least {self.least}")
        if self.most is not None and value > self.most:
            raise self._refused(value, f"Value must be no more than {self.most}")

    def _refused(self, value: Any, why: str) -> InvalidConfig:
        return InvalidConfig(f"Invalid value {value} for configuration {self.name}: {why}")


def as_text(value: Any) -> str | None:
    """A value as Kafka writes it in answers and files."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(value)
    if value == DOUBLE_MAX:
        return "1.7976931348623157E308"  # as Java writes it
    return str(value)
