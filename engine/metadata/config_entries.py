"""Configs as DescribeConfigs and CreateTopics answer them: value, source, synonyms, type, documentation."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.metadata.config_kinds import READ_ONLY, UNKNOWN_WIRE_TYPE, WIRE_TYPE, Setting, as_text
from engine.metadata.configs import (
    BEHIND_TOPIC,
    BROKER_CONFIGS,
    FROM_CLIENT_METRICS,
    FROM_CLUSTER,
    FROM_GROUP,
    FROM_KAFKA,
    FROM_TOPIC,
    GROUP_CONFIGS,
    NOTHING_BEHIND_GROUP,
    TOPIC_CONFIGS,
    Config,
    Synonym,
    group_default,
    shown,
)

CLIENT_METRICS_CONFIGS = {
    "interval.ms": Setting("interval.ms", "INT", 300_000, "How often clients push their metrics.", least=100, most=3_600_000),
    "match": Setting("match", "LIST", "", "Which clients are meant."),
    "metrics": Setting("metrics", "LIST", "", "Which metrics are meant, by their first letters."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One config of one resource. `value` is None where there is none, or where it must not be shown."""

    name: str
    value: str | None
    source: int
    synonyms: tuple[Synonym, ...]
    read_only: bool = False
    sensitive: bool = False
    wire_type: int = UNKNOWN_WIRE_TYPE
    documentation: str = ""


def topic_entries(own: Mapping[str, str], config: Config, names: Collection[str] = ()) -> list[Entry]:
    """`own`: what the topic itself has."""
    defaults = config.topic_defaults()

    def behind(name: str) -> list[Synonym]:
        return config.synonyms(BEHIND_TOPIC[name]) if name in BEHIND_TOPIC else []

    return _entries(TOPIC_CONFIGS, own, FROM_TOPIC, names, behind, lambda name: defaults[name])


def group_entries(own: Mapping[str, str], config: Config, names: Collection[str] = ()) -> list[Entry]:
    """`own`: what the group itself has."""

    def behind(name: str) -> list[Synonym]:
        if name in NOTHING_BEHIND_GROUP:
            return [Synonym(name, as_text(GROUP_CONFIGS[name].default), FROM_KAFKA)]
        return config.synonyms(f"group.{name}")

    return _entries(GROUP_CONFIGS, own, FROM_GROUP, names, behind, lambda name: group_default(config, name))


def client_metrics_entries(own: Mapping[str, str], names: Collection[str] = ()) -> list[Entry]:
    """`own`: what the subscription itself has."""
    known = CLIENT_METRICS_CONFIGS
    return _entries(known, own, FROM_CLIENT_METRICS, names, lambda name: [], lambda name: known[name].default)


def broker_entries(config: Config, names: Collection[str] = ()) -> list[Entry]:
    """All configs of this broker, also unknown ones that somebody has set."""
    strange = sorted({*config.dynamic, *config.dynamic_default, *config.static} - BROKER_CONFIGS.keys())
    return [_broker_entry(config, name, config.synonyms(name)) for name in _wanted([*BROKER_CONFIGS, *strange], names)]


def cluster_entries(config: Config, names: Collection[str] = ()) -> list[Entry]:
    """What was set for all brokers of the cluster, and nothing else."""
    found = []
    for name in _wanted(sorted(config.dynamic_default), names):
        synonyms = [synonym for synonym in config.synonyms(name) if synonym.source == FROM_CLUSTER]
        found.append(_broker_entry(config, name, synonyms))
    return found


def _broker_entry(config: Config, name: str, synonyms: list[Synonym]) -> Entry:
    setting = BROKER_CONFIGS.get(name)
    value = shown(name, as_text(config[name])) if setting else None
    if setting and synonyms and synonyms[0].source == FROM_CLUSTER:
        value = synonyms[0].value
    return Entry(
        name=name,
        value=value,
        source=synonyms[0].source if synonyms else FROM_KAFKA,
        synonyms=tuple(synonyms),
        read_only=setting is None or setting.dynamic == READ_ONLY,
        sensitive=setting is None or setting.sensitive,
        wire_type=WIRE_TYPE[setting.kind] if setting else UNKNOWN_WIRE_TYPE,
        documentation=setting.documentation if setting else "",
    )


def _entries(
    known: Mapping[str, Setting],
    own: Mapping[str, str],
    own_source: int,
    names: Collection[str],
    behind: Callable[[str], list[Synonym]],
    default: Callable[[str], Any],
) -> list[Entry]:
    found = []
    for name in _wanted(known, names):
        synonyms = behind(name)
        value = as_text(default(name))
        if name in own:
            value = as_text(known[name].read(own[name]))
            synonyms = [Synonym(name, value, own_source), *synonyms]
        source = synonyms[0].source if synonyms else FROM_KAFKA
        kind, documentation = WIRE_TYPE[known[name].kind], known[name].documentation
        found.append(
            Entry(name=name, value=value, source=source, synonyms=tuple(synonyms), wire_type=kind, documentation=documentation)
        )
    return found


def _wanted(known: Iterable[str], names: Collection[str]) -> list[str]:
    return [name for name in known if not names or name in names]
