"""What a reader looks up is there: every fact, command and config says what it is, and the API tables are in key order."""

import ast
import inspect
import pathlib

from engine.broker.handlers import TABLE
from engine.events.facts import FACTS
from engine.metadata.configs import CONFIGS
from engine.protocol.api_keys import API_KEYS
from engine.sandbox.commands import VERBS

ROOT = pathlib.Path(__file__).parents[2]


def test_every_fact_has_a_sentence():
    silent = [name for name, fact in FACTS.items() if not (fact.__doc__ or "").strip() or fact.__doc__.startswith(f"{name}(")]
    assert FACTS and not silent, f"say in one sentence what happened: {silent}"


def test_every_command_has_a_sentence_and_an_example():
    for verb in VERBS:
        assert (verb.__doc__ or "").strip() and not verb.__doc__.startswith(f"{verb.__name__}("), f"{verb.verb}: what does it do?"
        assert verb.example.startswith(verb.verb), f"{verb.verb}: the example must begin with the verb"


def test_every_config_is_documented():
    silent = [config.name for config in CONFIGS.values() if not config.documentation.strip()]
    assert len(CONFIGS) > 100 and not silent, f"document {silent}"


def test_the_api_tables_are_in_key_order_and_agree():
    assert list(API_KEYS) == sorted(API_KEYS), "engine/protocol/api_keys.py: one row a key, in the order of the keys"
    assert list(TABLE) == sorted(TABLE), "engine/broker/handlers/__init__.py: one row a key, in the order of the keys"
    assert set(TABLE) <= set(API_KEYS)


def test_every_handler_says_its_api_and_what_it_leaves_out():
    for route in TABLE.values():
        text = inspect.getdoc(inspect.getmodule(route.module) or route.module) or ""
        assert route.api.name.lower() in text.replace(" ", "").lower(), f"{route.module}: its first line names {route.api.name}"


def test_public_functions_of_the_engine_say_what_they_do():
    silent = []
    for path in sorted(ROOT.glob("engine/**/*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_") and not ast.get_docstring(node):
                if node.name not in {"handle", "handle_frame", "refuse", "main"}:
                    silent.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert not silent, f"one line is enough: {silent}"
