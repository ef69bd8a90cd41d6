"""Verbs that break things between processes on purpose: links are cut or slowed, requests fail, wait or are lost; heal ends it."""

import difflib
import re
from dataclasses import dataclass
from typing import Any, ClassVar

from engine.protocol.api_keys import API_KEYS
from engine.protocol.errors import ErrorCode
from engine.sandbox.commands_of_brokers import find_broker, unknown_broker
from engine.sandbox.grammar import BadLine, Command, State, Word, broker_number

DELAY_MS_MAX = 60_000  # twice Kafka's request.timeout.ms: nothing waits longer for an answer
CLIENTS, ALL = "clients", "brokers"
FROM, TO = "from", "to"

BROKER = Word("broker", "broker", broker_number)
OTHERS = "broker|brokers|clients"  # how the far side of a link begins


def milliseconds(text: str) -> int:
    """200ms, 2s, 1.5s. Raises ValueError."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)(ms|s)", text)
    value = round(float(found[1]) * (1000 if found[2] == "s" else 1)) if found else 0
    if not 1 <= value <= DELAY_MS_MAX:
        raise ValueError("a time from 1ms to 60s is needed, such as 200ms or 2s")
    return value


def percent(text: str) -> int:
    """30%. Raises ValueError."""
    if not re.fullmatch(r"\d{1,3}%", text) or not 1 <= int(text[:-1]) <= 100:
        raise ValueError("a share is 1% to 100%")
    return int(text[:-1])


def way(text: str) -> str:
    """from: both ways; to: only what the broker sends. Raises ValueError."""
    if text not in (FROM, TO):
        raise ValueError("from cuts both ways, to cuts only what the broker sends")
    return text


def far(text: str) -> str:
    """`broker 2,3`, `brokers` (all others) or `clients`, in one spelling. Raises ValueError."""
    if text in (ALL, CLIENTS):
        return text
    numbers = re.fullmatch(r"broker (\d{1,9}(?: ?, ?\d{1,9})*)", text)
    if not numbers:
        raise ValueError("the other side is broker 2, broker 2,3, brokers (all others) or clients")
    return "broker " + ",".join(str(number) for number in sorted({int(one) for one in numbers[1].split(",")}))


def api_name(text: str) -> str:
    """Kafka's name of an API that clients may ask, from any spelling. Raises ValueError, which lists near matches."""
    known = {_plain(api.name): api.name for api in API_KEYS.values() if not api.for_nodes}
    found = known.get(_plain(text))
    if found is None and any(_plain(api.name) == _plain(text) for api in API_KEYS.values()):
        raise ValueError("nodes ask each other so, on the controller's listener; cut or slow their link instead")
    if found is None:
        raise ValueError(f"there is no such API{_near(_plain(text), known)}")
    return found


def error_name(text: str) -> str:
    """Kafka's name of an error. Raises ValueError, which lists near matches."""
    known = {code.name.upper(): code.name.upper() for code in ErrorCode if code != ErrorCode.none}
    found = known.get(text.upper().replace("-", "_"))
    if found is None:
        raise ValueError(f"Kafka has no such error{_near(text.upper(), known)}")
    return found


def _plain(text: str) -> str:
    return text.lower().replace("_", "").replace("-", "")


def _near(text: str, known: dict[str, str]) -> str:
    begun = [name for plain, name in known.items() if text and plain.startswith(text)]
    near = begun[:4] or [known[plain] for plain in difflib.get_close_matches(text, known, n=4, cutoff=0.5)]
    return f"; near it: {', '.join(near)}" if near else ""


class _Link(Command):
    """Verbs about the links of one broker."""

    broker: int
    far: str

    def others(self, state: State) -> tuple[int, ...]:
        """The brokers at the other side."""
        if self.far == CLIENTS:
            return ()
        if self.far == ALL:
            return tuple(one["id"] for one in state["clusters"][0]["brokers"] if one["id"] != self.broker)
        return tuple(int(number) for number in self.far.removeprefix("broker ").split(","))

    @property
    def clients(self) -> bool:
        """Is the other side all clients?"""
        return self.far == CLIENTS

    def refusal(self, state: State) -> str | None:
        """All must exist, and a link has two ends."""
        others = self.others(state)
        missing = next((one for one in (self.broker, *others) if find_broker(state, one) is None), None)
        if missing is not None:
            return unknown_broker(state, missing)
        if self.broker in others:
            return f"broker {self.broker} has no link to itself"
        return None if others or self.clients else f"broker {self.broker} is alone: there is no other broker"


@dataclass(frozen=True, slots=True, kw_only=True)
class CutBroker(_Link):
    """Cuts links as a pulled cable does: nothing passes, nothing is reset; `to` cuts only what the broker sends."""

    verb: ClassVar[str] = "cut broker"
    words: ClassVar = (BROKER, Word("way", "way"), Word("far", OTHERS), Word("others", "broker"))
    example: ClassVar[str] = "cut broker 1 from broker 2,3"

    broker: int
    way: str
    far: str

    @property
    def both_ways(self) -> bool:
        """Does nothing come back either?"""
        return self.way == FROM

    def format(self) -> str:
        """The canonical line."""
        return f"{self.verb} {self.broker} {self.way} {self.far}"

    @classmethod
    def usage(cls) -> str:
        """The line's form."""
        return "cut broker BROKER from|to broker OTHERS|brokers|clients"

    @classmethod
    def read(cls, tokens: list[str]) -> "CutBroker":
        """Raises BadLine."""
        _need(cls, tokens, 3)
        return cls(
            broker=_read(broker_number, tokens[0]), way=_read(way, tokens[1]), far=_read(far, " ".join(tokens[2:]))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowBroker(_Link):
    """Lets whatever passes between a broker and others take longer, in each direction; the order stays."""

    verb: ClassVar[str] = "slow broker"
    words: ClassVar = (BROKER, Word("to", "literal"), Word("far", OTHERS), Word("others", "broker"), Word("delay", "duration"))
    example: ClassVar[str] = "slow broker 1 to broker 2 200ms"

    broker: int
    far: str
    delay_ms: int

    def format(self) -> str:
        """The canonical line."""
        return f"{self.verb} {self.broker} to {self.far} {self.delay_ms}ms"

    @classmethod
    def usage(cls) -> str:
        """The line's form."""
        return "slow broker BROKER to broker OTHERS|brokers|clients TIME"

    @classmethod
    def read(cls, tokens: list[str]) -> "SlowBroker":
        """Raises BadLine."""
        _need(cls, tokens, 4, (1, "to"))
        delay_ms = _read(milliseconds, tokens[-1])  # first: a line without it has its far side cut short
        return cls(broker=_read(broker_number, tokens[0]), far=_read(far, " ".join(tokens[2:-1])), delay_ms=delay_ms)


class _Requests(Command):
    """Verbs about the requests of one API at one broker."""

    broker: int

    def refusal(self, state: State) -> str | None:
        """The broker must exist."""
        return unknown_broker(state, self.broker) if find_broker(state, self.broker) is None else None

    def rule(self) -> dict[str, Any]:
        """{api, how, share, error, delay_ms} for the broker's interception."""
        return {
            "api": self.api,
            "how": self.verb,
            "share": self.share,
            "error": getattr(self, "error", None),
            "delay_ms": getattr(self, "delay_ms", 0),
        }

    def _share(self) -> str:
        return "" if self.share == 100 else f" {self.share}%"


def _words(*more: Word) -> tuple[Word, ...]:
    return (Word("api", "api"), Word("on", "literal"), Word("broker", "literal"), BROKER, *more, Word("share", "share"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FailRequests(_Requests):
    """Answers requests of an API with a named error instead of doing them."""

    verb: ClassVar[str] = "fail"
    words: ClassVar = _words(Word("with", "literal"), Word("error", "error"))
    example: ClassVar[str] = "fail produce on broker 2 with NOT_ENOUGH_REPLICAS 30%"

    api: str
    broker: int
    error: str
    share: int = 100

    def format(self) -> str:
        """The canonical line."""
        return f"fail {self.api} on broker {self.broker} with {self.error}{self._share()}"

    @classmethod
    def usage(cls) -> str:
        """The line's form."""
        return "fail API on broker BROKER with ERROR [SHARE%]"

    @classmethod
    def read(cls, tokens: list[str]) -> "FailRequests":
        """Raises BadLine."""
        rest = _need(cls, tokens, 6, (1, "on"), (2, "broker"), (4, "with"))
        return cls(error=_read(error_name, tokens[5]), **_request(tokens), **_share_of(cls, rest))


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayRequests(_Requests):
    """Lets requests of an API wait before they are done, and with them the later ones of their connection."""

    verb: ClassVar[str] = "delay"
    words: ClassVar = _words(Word("by", "literal"), Word("delay", "duration"))
    example: ClassVar[str] = "delay fetch on broker 2 by 500ms 30%"

    api: str
    broker: int
    delay_ms: int
    share: int = 100

    def format(self) -> str:
        """The canonical line."""
        return f"delay {self.api} on broker {self.broker} by {self.delay_ms}ms{self._share()}"

    @classmethod
    def usage(cls) -> str:
        """The line's form."""
        return "delay API on broker BROKER by TIME [SHARE%]"

    @classmethod
    def read(cls, tokens: list[str]) -> "DelayRequests":
        """Raises BadLine."""
        rest = _need(cls, tokens, 6, (1, "on"), (2, "broker"), (4, "by"))
        return cls(delay_ms=_read(milliseconds, tokens[5]), **_request(tokens), **_share_of(cls, rest))


@dataclass(frozen=True, slots=True, kw_only=True)
class DropRequests(_Requests):
    """Takes requests of an API and never does or answers them; the connection stays open until its client gives up."""

    verb: ClassVar[str] = "drop"
    words: ClassVar = _words()
    example: ClassVar[str] = "drop produce on broker 2 30%"

    api: str
    broker: int
    share: int = 100

    def format(self) -> str:
        """The canonical line."""
        return f"drop {self.api} on broker {self.broker}{self._share()}"

    @classmethod
    def usage(cls) -> str:
        """The line's form."""
        return "drop API on broker BROKER [SHARE%]"

    @classmethod
    def read(cls, tokens: list[str]) -> "DropRequests":
        """Raises BadLine."""
        rest = _need(cls, tokens, 4, (1, "on"), (2, "broker"))
        return cls(**_request(tokens), **_share_of(cls, rest))


def is_troubled(broker: dict[str, Any]) -> bool:
    """Is a link of it cut or slow, or are its requests not treated as they should?"""
    return bool(broker.get("links") or broker.get("rules"))


@dataclass(frozen=True, slots=True, kw_only=True)
class HealBroker(Command):
    """Ends what cut, slow, fail, delay and drop did to one broker."""

    verb: ClassVar[str] = "heal broker"
    words: ClassVar = (BROKER,)
    example: ClassVar[str] = "heal broker 2"

    broker: int

    def refusal(self, state: State) -> str | None:
        """There must be something to heal."""
        found = find_broker(state, self.broker)
        if found is None:
            return unknown_broker(state, self.broker)
        return None if is_troubled(found) else f"nothing is cut, slow or intercepted at broker {self.broker}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heal(Command):
    """Ends everything that cut, slow, fail, delay and drop did."""

    verb: ClassVar[str] = "heal"
    example: ClassVar[str] = "heal"

    def refusal(self, state: State) -> str | None:
        """There must be something to heal."""
        if any(is_troubled(one) for one in state["clusters"][0]["brokers"]):
            return None
        return "nothing is cut, slow or intercepted; processes are helped by start broker and thaw broker"


FAULT_VERBS: tuple[type[Command], ...] = (
    CutBroker, SlowBroker, HealBroker, Heal, FailRequests, DelayRequests, DropRequests,
)


# ---- reading


def _need(verb: type[Command], tokens: list[str], count: int, *literals: tuple[int, str]) -> list[str]:
    """What stands behind the first `count` words; at `literals` must be those. Raises BadLine."""
    if len(tokens) < count or any(tokens[at] != word for at, word in literals):
        raise BadLine(f'"{" ".join([verb.verb, *tokens])}" is not complete; the line is: {verb.usage()}')
    return tokens[count:]


def _request(tokens: list[str]) -> dict[str, Any]:
    return {"api": _read(api_name, tokens[0]), "broker": _read(broker_number, tokens[3])}


def _share_of(verb: type[Command], rest: list[str]) -> dict[str, int]:
    if len(rest) > 1:
        raise BadLine(f'"{rest[1]}" is one word too many; the line is: {verb.usage()}')
    return {"share": _read(percent, rest[0])} if rest else {}


def _read(read: Any, text: str) -> Any:
    try:
        return read(text)
    except ValueError as error:
        raise BadLine(f'"{text}": {error}') from None
