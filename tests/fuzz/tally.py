"""What a run has seen so far: requests, answers, closes, errors by code, and everything that should not have happened."""

import resource
import time
from collections import Counter
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from engine.broker.handlers import TABLE
from engine.protocol.codec import Malformed, decode_response
from engine.protocol.errors import ErrorCode

FINDINGS_SHOWN = 10


@dataclass(slots=True)
class Finding:
    """Something that should not have happened, and the frame (hex) that came before it."""

    what: str
    frame: str
    at: int


@dataclass(slots=True)
class Tally:
    """Counts; `requests` by (API, version)."""

    requests: Counter = field(default_factory=Counter)
    answers: int = 0
    closes: int = 0
    unanswered: int = 0
    errors: Counter = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    memory_mib: float = 0.0  # of the largest process, at its largest
    began: float = field(default_factory=time.monotonic)

    @property
    def total(self) -> int:
        """Frames sent."""
        return sum(self.requests.values())

    def sent(self, key: int, version: int) -> None:
        """One request more."""
        self.requests[TABLE[key].api.name, version] += 1

    def answered(self, key: int, version: int, answer: bytes) -> str | None:
        """Notes the answer (length prefix and all); what is wrong with it, or None."""
        self.answers += 1
        if int.from_bytes(answer[:4], "big") != len(answer) - 4:
            return f"an answer of {len(answer)} bytes says {int.from_bytes(answer[:4], 'big')}"
        api = TABLE[key].api.name
        try:
            _, message = decode_response(api, version, answer[4:])
        except Malformed as error:
            return f"an answer that cannot be read: {error}"
        codes = set(_codes(message))
        self.errors.update((api, code.name) for code in codes if code)
        return None

    def add(self, other: "Tally") -> None:
        """Takes over what another process has seen."""
        self.requests += other.requests
        self.errors += other.errors
        self.answers += other.answers
        self.closes += other.closes
        self.unanswered += other.unanswered
        self.findings += other.findings
        self.memory_mib = max(self.memory_mib, other.memory_mib)

    def measure(self) -> None:
        """Notes this process's memory."""
        self.memory_mib = max(self.memory_mib, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)

    def line(self) -> str:
        """Progress in one line."""
        took = time.monotonic() - self.began
        return (
            f"{took:6.1f} s  {self.total:>9,} requests  {self.total / took:>7,.0f}/s  {self.answers:,} answers  {self.closes:,} closes  "
            f"{self.unanswered:,} unanswered  {self.memory_mib:.0f} MiB at most  {len(self.findings)} findings"
        )

    def summary(self) -> str:
        """Requests per API and version, errors by code, and the findings."""
        lines = []
        for api in sorted({api for api, _ in self.requests}):
            versions = {version: count for (name, version), count in sorted(self.requests.items()) if name == api}
            codes = ", ".join(f"{code} {count:,}" for (name, code), count in self.errors.most_common() if name == api)
            lines.append(f"{api} {min(versions)}–{max(versions)}: {sum(versions.values()):,} ({min(versions.values()):,} at least); {codes or 'no errors'}")
        lines += [f"FOUND at {one.at}: {one.what}\n  {one.frame[:2000]}" for one in self.findings[:FINDINGS_SHOWN]]
        return "\n".join((*lines, self.line()))


def _codes(message: Any) -> list[ErrorCode]:
    found = []
    for part in fields(message):
        value = getattr(message, part.name)
        if isinstance(value, ErrorCode):
            found.append(value)
        elif is_dataclass(value):
            found += _codes(value)
        for inner in value if isinstance(value, tuple) else ():
            if is_dataclass(inner):
                found += _codes(inner)
    return found
