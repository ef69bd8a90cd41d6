"""The closed list of verbs, and how a typed line becomes one of them."""

import difflib
from dataclasses import MISSING, fields
from typing import Any

from engine.sandbox.commands_of_brokers import BROKER_VERBS
from engine.sandbox.commands_of_clients import CLIENT_VERBS
from engine.sandbox.commands_of_faults import FAULT_VERBS
from engine.sandbox.commands_of_time import TIME_VERBS
from engine.sandbox.commands_of_topics import TOPIC_VERBS
from engine.sandbox.grammar import BadLine, Command, tokens_of

VERBS: tuple[type[Command], ...] = (*TOPIC_VERBS, *BROKER_VERBS, *FAULT_VERBS, *CLIENT_VERBS, *TIME_VERBS)

__all__ = ["VERBS", "BadLine", "Command", "grammar", "parse"]


def parse(line: str) -> Command:
    """The command that the line gives. Raises BadLine, which names the nearest verb and what would be right."""
    tokens = tokens_of(line)
    if not tokens:
        raise BadLine(f"an empty line does nothing; commands: {_all_verbs()}")
    for length in (3, 2, 1):
        said = " ".join(tokens[:length])
        for verb in VERBS:
            if verb.verb == said and len(tokens) >= length:
                return verb.read(tokens[length:])
    raise BadLine(_unknown(tokens))


def _unknown(tokens: list[str]) -> str:
    begun = [verb for verb in VERBS if verb.verb.split()[0] == tokens[0]]
    if begun:
        forms = " or ".join(f'"{verb.usage()}"' for verb in begun)
        return f'"{" ".join(tokens)}" is not complete or not known; lines that begin with {tokens[0]}: {forms}'
    said = " ".join(tokens[:2])
    names = [verb.verb for verb in VERBS]
    near = difflib.get_close_matches(said, names, n=1, cutoff=0.5) or difflib.get_close_matches(tokens[0], names, n=1, cutoff=0.5)
    hint = f'did you mean "{near[0]}"? ' if near else ""
    return f'there is no command "{said}"; {hint}commands: {_all_verbs()}'


def _all_verbs() -> str:
    return ", ".join(dict.fromkeys(verb.verb for verb in VERBS))


def grammar() -> list[dict[str, Any]]:
    """Every verb as JSON values, for completion and documentation."""
    return [_described(verb) for verb in VERBS]


def _described(verb: type[Command]) -> dict[str, Any]:
    defaults = {part.name: None if part.default is MISSING else part.default for part in fields(verb)}  # type: ignore[arg-type]
    return {
        "verb": verb.verb,
        "words": [{"name": word.name, "kind": word.kind} for word in verb.words],
        "options": [
            {
                "name": option.name,
                "default": defaults[option.key()],
                "doc": option.doc,
                "values": list(option.values) if option.values else None,
            }
            for option in verb.options
        ],
        "open": bool(verb.open_options),
        "doc": (verb.__doc__ or "").strip().splitlines()[0],
        "usage": verb.usage(),
        "example": verb.example,
        "kafka": verb.kafka,
    }
