"""How a client fares, counted: acknowledgements, failures, latencies, rates."""

import time
from collections import deque
from typing import Any

from confluent_kafka import KafkaError, KafkaException

SAMPLES_KEPT = 500  # of latencies: the last seconds of a busy client
RATE_SECONDS = 2.0  # over which a rate is taken
ERROR_SECONDS = 10.0  # an error that has not come again for so long is over


class Measures:
    """Filled by one thread; `report` gives plain values."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._error = ""
        self._error_at = 0.0
        self._latencies: deque[float] = deque(maxlen=SAMPLES_KEPT)
        self._moments: deque[tuple[float, int]] = deque()
        self._moved = 0
        self._fatal: KafkaError | None = None

    def count(self, what: str, number: int = 1) -> None:
        """One more of these."""
        self.counts[what] = self.counts.get(what, 0) + number

    def moved(self, records: int) -> None:
        """Records that count for the rate."""
        self._moved += records

    def latency(self, seconds: float) -> None:
        """From produce to acknowledgement."""
        self._latencies.append(seconds)

    def error(self, text: str) -> None:
        """What the client's user would have been told."""
        self._error, self._error_at = text, time.monotonic()

    def client_error(self, error: KafkaError) -> None:
        """What librdkafka says."""
        self.error(in_words(error))
        if error.fatal() or error.code() == KafkaError._FATAL:
            self._fatal = error

    def raise_fatal(self) -> None:
        """Raises the KafkaException after which librdkafka's client does nothing any more, such as a fenced member's."""
        if self._fatal is not None:
            raise KafkaException(self._fatal)

    def report(self) -> dict[str, Any]:
        """Everything; latencies only where there are any."""
        made: dict[str, Any] = {**self.counts, "rate": self._rate(), "last_error": self._last_error()}
        if self._latencies:
            ordered = sorted(self._latencies)
            made["ack_p50_ms"] = round(ordered[len(ordered) // 2] * 1000, 1)
            made["ack_p99_ms"] = round(ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] * 1000, 1)
        return made

    def _last_error(self) -> str | None:
        return self._error if self._error and time.monotonic() - self._error_at < ERROR_SECONDS else None

    def _rate(self) -> float:
        now = time.monotonic()
        self._moments.append((now, self._moved))
        while len(self._moments) > 2 and now - self._moments[0][0] > RATE_SECONDS:
            self._moments.popleft()
        (since, before), (_, after) = self._moments[0], self._moments[-1]
        return round((after - before) / (now - since), 1) if now > since else 0.0


def in_words(error: Exception | KafkaError) -> str:
    """Its name, if it has one, and what it says."""
    told = error.args[0] if isinstance(error, KafkaException) else error
    return f"{told.name().lstrip('_')}: {told.str()}" if isinstance(told, KafkaError) else str(error)
