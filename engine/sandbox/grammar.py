"""What a command line may look like: its words, its options, and how they are read and written back.

Rule: nothing here knows a single verb; each verb is a frozen dataclass that carries its own words and options.
"""

import shlex
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar

LINE_CHARS_MAX = 2_000  # a line is typed or pressed, never a document

State = dict[str, Any]  # a snapshot: see snapshot.py


class BadLine(ValueError):
    """The line is not a command; the message says what is wrong and what would be right."""


@dataclass(frozen=True, slots=True)
class Word:
    """A place in the line that is filled by position. `kind` tells completion what fits: broker, topic, client, partition, word."""

    name: str
    kind: str = "word"
    read: Callable[[str], Any] = str  # raises ValueError with what would be right


@dataclass(frozen=True, slots=True)
class Option:
    """A `name=value` at the end of the line. `read` turns the text into the value or raises ValueError with what would be right."""

    name: str
    read: Callable[[str], Any]
    doc: str
    values: tuple[str, ...] | None = None
    field: str = ""  # the dataclass field, where the option's name is not one

    def key(self) -> str:
        """The dataclass field that holds it."""
        return self.field or self.name


class Command:
    """What all verbs have. `verb` are the words it begins with, `words` what follows, `options` the rest.

    `open_options`: any other name=value is taken too (topic configs), into this field. `tail`: words that must close the line.
    """

    verb: ClassVar[str]
    words: ClassVar[tuple[Word, ...]] = ()
    options: ClassVar[tuple[Option, ...]] = ()
    open_options: ClassVar[str] = ""
    example: ClassVar[str]
    kafka: ClassVar[str | None] = None  # Kafka's own line, as a pattern for the screen

    def format(self) -> str:
        """The canonical line: what differs from the defaults, in the grammar's order."""
        parts = [self.verb] + [_quoted(str(getattr(self, word.name))) for word in self.words]
        defaults = {part.name: part.default for part in fields(self)}  # type: ignore[arg-type]
        for option in self.options:
            value = getattr(self, option.key())
            if value != defaults[option.key()]:
                parts.append(f"as {value}" if option.name == "as" else f"{option.name}={_written(value)}")
        for name, value in getattr(self, self.open_options or "verb", {}).items() if self.open_options else ():
            parts.append(f"{name}={_quoted(value) if value else ''}")
        return " ".join(parts)

    def refusal(self, state: State) -> str | None:
        """Why this cannot be done in this state; None when it can, as far as the picture tells."""
        return None

    def kafka_line(self, state: State) -> str | None:
        """Kafka's own command for the same, or None where Kafka has none."""
        return None

    @classmethod
    def usage(cls) -> str:
        """The line's form, for an error message."""
        parts = [cls.verb] + [word.name.upper() for word in cls.words]
        parts += ["[as NAME]" if option.name == "as" else f"[{option.name}=…]" for option in cls.options]
        return " ".join(parts + (["[config=value …]"] if cls.open_options else []))

    @classmethod
    def read(cls, tokens: list[str]) -> "Command":
        """The command from the words after its verb. Raises BadLine."""
        plain, named = _split(tokens)
        if len(plain) != len(cls.words):
            lack = [word.name for word in cls.words[len(plain):]]
            wrong = f"{' and '.join(lack)} is missing" if lack else f'"{plain[len(cls.words)]}" is one word too many'
            raise BadLine(f"{wrong}; the line is: {cls.usage()}")
        values: dict[str, Any] = {}
        for word, text in zip(cls.words, plain, strict=True):
            values[word.name] = _read(word, text)
        for name, text in named:
            cls._take(name, text, values)
        needed = [part.name for part in fields(cls) if part.default is MISSING and part.default_factory is MISSING]  # type: ignore[arg-type]
        if lacking := [name for name in needed if name not in values]:
            raise BadLine(f"{lacking[0]}= is missing; the line is: {cls.usage()}")
        return cls(**values)

    @classmethod
    def _take(cls, name: str, text: str, values: dict[str, Any]) -> None:
        option = next((one for one in cls.options if one.name == name), None)
        if option is None and cls.open_options:
            values.setdefault(cls.open_options, {})[name] = text
            return
        if option is None:
            known = ", ".join(one.name for one in cls.options) or "none"
            raise BadLine(f'{cls.verb} has no option "{name}"; its options: {known}')
        if option.key() in values:
            raise BadLine(f"{name}= is given twice")
        try:
            values[option.key()] = option.read(text)
        except ValueError as error:
            raise BadLine(f'{name}={text}: {error}') from None


def tokens_of(line: str) -> list[str]:
    """The line's words; quotes keep spaces together. Raises BadLine."""
    if len(line) > LINE_CHARS_MAX:
        raise BadLine(f"a line has at most {LINE_CHARS_MAX} characters; this one has {len(line)}")
    if any(ord(char) < 32 and char != "\t" for char in line.strip()):
        raise BadLine("one line, one command: control characters and line breaks do not belong in it")
    try:
        return shlex.split(line)
    except ValueError:
        raise BadLine("a quote is opened and not closed") from None


def _split(tokens: list[str]) -> tuple[list[str], list[tuple[str, str]]]:
    plain: list[str] = []
    named: list[tuple[str, str]] = []
    rest = iter(tokens)
    for token in rest:
        if token == "as":
            named.append(("as", next(rest, "")))
        elif "=" in token and not token.startswith("="):
            name, _, text = token.partition("=")
            named.append((name, text))
        else:
            plain.append(token)
    return plain, named


def _read(word: Word, text: str) -> Any:
    try:
        return word.read(text)
    except ValueError as error:
        raise BadLine(f'"{text}": {error}') from None


# ---- readers of values


def broker_number(text: str) -> int:
    """A broker's id."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise ValueError("a broker is a number, such as 2")
    return int(text)



def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number from `low` to `high`."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ValueError(f"a whole number from {low} to {high} is needed") from None
        if not low <= value <= high:
            raise ValueError(f"{low} to {high} is possible")
        return value

    return read


def real(low: float, high: float) -> Callable[[str], float]:
    """A number from `low` to `high`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise ValueError(f"a number from {low:g} to {high:g} is needed") from None
        if not low <= value <= high:
            raise ValueError(f"{low:g} to {high:g} is possible")
        return int(value) if value == int(value) else value

    return read


def one_of(*values: str) -> Callable[[str], str]:
    """One of a few words."""

    def read(text: str) -> str:
        if text not in values:
            raise ValueError(f"one of {', '.join(values)} is possible")
        return text

    return read


def yes_or_no(text: str) -> bool:
    """true or false."""
    if text not in {"true", "false", "yes", "no", "on", "off"}:
        raise ValueError("true or false is possible")
    return text in {"true", "yes", "on"}


def name(text: str) -> str:
    """A client's, group's or rack's name: short, and safe to show and to type."""
    if not 0 < len(text) <= 100 or not all(char.isascii() and (char.isalnum() or char in "._-") for char in text):
        raise ValueError("a name has 1 to 100 letters, digits, dots, dashes or underscores")
    return text


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _quoted(str(value))


def _quoted(text: str) -> str:
    return shlex.quote(text) if any(char in text for char in " \t'\"\\") or not text else text
