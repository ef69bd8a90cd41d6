"""Which value of a config counts: of a broker, of a topic, of a group, and where it comes from.

A broker's config comes from, first to last: its own dynamic value, the cluster's dynamic default, what it was started with,
Kafka's default. A topic's comes from the topic itself, then from the broker's config that stands behind it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.metadata.config_kinds import Setting, as_text
from engine.metadata.configs_of_coordinators import COORDINATOR_SETTINGS
from engine.metadata.configs_of_groups import GROUP_SETTINGS
from engine.metadata.configs_of_logs import LOG_SETTINGS
from engine.metadata.configs_of_nodes import NODE_SETTINGS
from engine.metadata.configs_of_security import SECURITY_SETTINGS
from engine.metadata.configs_of_topics import TOPIC_SETTINGS
from engine.metadata.image import MetadataImage
from engine.protocol.errors import InvalidConfig
from engine.protocol.stored.metadata import RESOURCE_BROKER, RESOURCE_GROUP, RESOURCE_TOPIC

BROKER_CONFIGS: dict[str, Setting] = {
    setting.name: setting for setting in (*NODE_SETTINGS, *LOG_SETTINGS, *COORDINATOR_SETTINGS, *SECURITY_SETTINGS)
}
TOPIC_CONFIGS: dict[str, Setting] = {setting.name: setting for setting in TOPIC_SETTINGS}
GROUP_CONFIGS: dict[str, Setting] = {setting.name: setting for setting in GROUP_SETTINGS}
SCOPES = {"broker": BROKER_CONFIGS, "topic": TOPIC_CONFIGS, "group": GROUP_CONFIGS}
CONFIGS: dict[tuple[str, str], Setting] = {(scope, name): setting for scope, table in SCOPES.items() for name, setting in table.items()}

PROFILES = ("kafka", "demo")

# Where a value comes from, as DescribeConfigs numbers it.
FROM_TOPIC, FROM_BROKER, FROM_CLUSTER, FROM_START, FROM_KAFKA = 1, 2, 3, 4, 5
FROM_CLIENT_METRICS, FROM_GROUP = 7, 8

# The broker's config behind a topic's. A topic config that is not here has Kafka's default and nothing else.
BEHIND_TOPIC = {
    "cleanup.policy": "log.cleanup.policy",
    "compression.gzip.level": "compression.gzip.level",
    "compression.lz4.level": "compression.lz4.level",
    "compression.type": "compression.type",
    "compression.zstd.level": "compression.zstd.level",
    "delete.retention.ms": "log.cleaner.delete.retention.ms",
    "file.delete.delay.ms": "log.segment.delete.delay.ms",
    "flush.messages": "log.flush.interval.messages",
    "flush.ms": "log.flush.interval.ms",
    "index.interval.bytes": "log.index.interval.bytes",
    "local.retention.bytes": "log.local.retention.bytes",
    "local.retention.ms": "log.local.retention.ms",
    "max.compaction.lag.ms": "log.cleaner.max.compaction.lag.ms",
    "max.message.bytes": "message.max.bytes",
    "message.timestamp.after.max.ms": "log.message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms": "log.message.timestamp.before.max.ms",
    "message.timestamp.type": "log.message.timestamp.type",
    "min.cleanable.dirty.ratio": "log.cleaner.min.cleanable.ratio",
    "min.compaction.lag.ms": "log.cleaner.min.compaction.lag.ms",
    "min.insync.replicas": "min.insync.replicas",
    "preallocate": "log.preallocate",
    "retention.bytes": "log.retention.bytes",
    "retention.ms": "log.retention.ms",
    "segment.bytes": "log.segment.bytes",
    "segment.index.bytes": "log.index.size.max.bytes",
    "segment.jitter.ms": "log.roll.jitter.ms",
    "segment.ms": "log.roll.ms",
    "unclean.leader.election.enable": "unclean.leader.election.enable",
}
# The broker's config behind a group's: `group.` before the name; these have none.
NOTHING_BEHIND_GROUP = {"share.auto.offset.reset", "share.isolation.level", "share.renew.acknowledge.enable"}

# Configs that say one thing in several units; the first that is set counts. In ms per unit.
HOUR, MINUTE = 3_600_000, 60_000
IN_OTHER_UNITS: dict[str, dict[str, int]] = {
    "log.retention.ms": {"log.retention.ms": 1, "log.retention.minutes": MINUTE, "log.retention.hours": HOUR},
    "log.roll.ms": {"log.roll.ms": 1, "log.roll.hours": HOUR},
    "log.roll.jitter.ms": {"log.roll.jitter.ms": 1, "log.roll.jitter.hours": HOUR},
    "log.flush.interval.ms": {"log.flush.interval.ms": 1, "log.flush.scheduler.interval.ms": 1},
}
SAME_THING = {name: tuple(group) for group in IN_OTHER_UNITS.values() for name in group}


@dataclass(frozen=True, slots=True)
class Synonym:
    """One place where a value was found."""

    name: str
    value: str | None
    source: int


class Config:
    """A broker's configs: `config["broker.session.timeout.ms"]` is the value that counts now, typed.

    `static` is what the broker was started with, the profile's values included; unknown names are kept, as Kafka does.

    Raises:
        InvalidConfig: a value of `values` is none for its config.
    """

    def __init__(self, values: Mapping[str, str] | None = None, *, profile: str = "kafka") -> None:
        assert profile in PROFILES, f"profile {profile} is none of {PROFILES}"
        self.profile = profile
        self.static = (demo_values() if profile == "demo" else {}) | dict(values or {})
        self.dynamic: Mapping[str, str] = {}
        self.dynamic_default: Mapping[str, str] = {}
        self._known: dict[str, Any] = {}
        self._topic_defaults: dict[str, Any] | None = None
        for name, text in sorted(self.static.items()):
            validate_broker(name, text)

    def __getitem__(self, name: str) -> Any:
        known = self._known
        if name not in known:
            known[name] = self._find(name)
        return known[name]

    def _find(self, name: str) -> Any:
        setting = BROKER_CONFIGS[name]
        for source in (self.dynamic, self.dynamic_default, self.static):
            if name in source:
                return setting.read(source[name])
        return default_of(setting)

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in BROKER_CONFIGS else default

    def follow(self, image: MetadataImage) -> set[str]:
        """Take the dynamic configs that the image has for this broker; tells the names whose values changed."""
        own = image.configs.get((RESOURCE_BROKER, self.static["node.id"]), {}) if "node.id" in self.static else {}
        cluster = image.configs.get((RESOURCE_BROKER, ""), {})
        concerned = {*self.dynamic, *self.dynamic_default, *own, *cluster} & BROKER_CONFIGS.keys()
        before = {name: self[name] for name in concerned}
        self.dynamic, self.dynamic_default = dict(own), dict(cluster)
        self._known.clear()
        self._topic_defaults = None
        return {name for name in concerned if self[name] != before[name]}

    def in_ms(self, name: str) -> int:
        """A time that Kafka lets people write in several units: log.retention.ms, log.roll.ms, ..."""
        for unit, factor in IN_OTHER_UNITS[name].items():
            if self[unit] is not None:
                return self[unit] * factor
        raise AssertionError(f"{name} has a default in one of its units")

    def synonyms(self, name: str) -> list[Synonym]:
        """Every place that has a value for the config, the one that counts first. Other units come after the config itself."""
        names = SAME_THING.get(name, (name,))
        sources = ((self.dynamic, FROM_BROKER), (self.dynamic_default, FROM_CLUSTER), (self.static, FROM_START), (DEFAULTS, FROM_KAFKA))
        found = [Synonym(each, shown(each, values[each]), source) for values, source in sources for each in names if each in values]
        # What a config in another unit says counts for this one only after this one itself (AdminClient shows it so).
        first = next((at for at, synonym in enumerate(found) if synonym.name == name), len(found))
        return found[first:]

    def topic_defaults(self) -> dict[str, Any]:
        """The configs of a topic that has none of its own."""
        if self._topic_defaults is None:
            self._topic_defaults = {name: self._topic_default(name) for name in TOPIC_CONFIGS}
        return self._topic_defaults

    def _topic_default(self, name: str) -> Any:
        behind = BEHIND_TOPIC.get(name)
        if behind is None:
            return default_of(TOPIC_CONFIGS[name])
        return self.in_ms(behind) if behind in IN_OTHER_UNITS else self[behind]

    def __repr__(self) -> str:
        return f"<Config {self.profile} static={len(self.static)} dynamic={len(self.dynamic) + len(self.dynamic_default)}>"


def default_of(setting: Setting) -> Any:
    """Kafka's default, typed."""
    return setting.read(setting.default) if setting.kind == "LIST" and setting.default is not None else setting.default


def demo_values() -> dict[str, str]:
    """Every config that differs in the profile `demo`, said on screen."""
    return {name: as_text(setting.demo) for name, setting in BROKER_CONFIGS.items() if setting.demo is not None}


def shown(name: str, text: str) -> str | None:
    """The value as it may be shown: not at all if it is a secret, or if nobody knows whether it is one."""
    setting = BROKER_CONFIGS.get(name)
    return None if setting is None or setting.sensitive else text


DEFAULTS: dict[str, str] = {name: as_text(setting.default) for name, setting in BROKER_CONFIGS.items() if setting.default is not None}


def topic_config(image: MetadataImage, config: Config, topic: str) -> dict[str, Any]:
    """All configs of the topic, typed, as they count on this broker."""
    own = image.configs.get((RESOURCE_TOPIC, topic))
    if not own:
        return config.topic_defaults()
    return config.topic_defaults() | {name: TOPIC_CONFIGS[name].read(text) for name, text in own.items() if name in TOPIC_CONFIGS}


def group_config(image: MetadataImage, config: Config, group: str) -> dict[str, Any]:
    """All configs of the group, typed."""
    own = image.configs.get((RESOURCE_GROUP, group), {})
    return {name: setting.read(own[name]) if name in own else group_default(config, name) for name, setting in GROUP_CONFIGS.items()}


def group_default(config: Config, name: str) -> Any:
    """What a group has that has not set the config."""
    return default_of(GROUP_CONFIGS[name]) if name in NOTHING_BEHIND_GROUP else config[f"group.{name}"]


# ---- checks


def validate_broker(name: str, text: str) -> None:
    """Raises InvalidConfig. Unknown names pass: plug-ins may have configs of their own."""
    if name in BROKER_CONFIGS:
        BROKER_CONFIGS[name].read(text)


def validate_topic(configs: Mapping[str, str], config: Config) -> None:
    """Raises InvalidConfig for an unknown name, a bad value, or values that contradict each other."""
    read = {}
    for name, text in configs.items():
        if name not in TOPIC_CONFIGS:
            raise InvalidConfig(f"Unknown topic config name: {name}")
        read[name] = TOPIC_CONFIGS[name].read(text)
    whole = config.topic_defaults() | read
    least, most = whole["min.compaction.lag.ms"], whole["max.compaction.lag.ms"]
    if least > most:
        raise InvalidConfig(f"conflict topic config setting min.compaction.lag.ms ({least}) > max.compaction.lag.ms ({most})")
    if whole["remote.storage.enable"]:
        raise InvalidConfig("Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.")


def validate_group(configs: Mapping[str, str], config: Config) -> None:
    """Raises InvalidConfig for an unknown name, a bad value, or one outside what the broker allows groups."""
    for name, text in configs.items():
        if name not in GROUP_CONFIGS:
            raise InvalidConfig(f"Unknown group config name: {name}")
        value = GROUP_CONFIGS[name].read(text)
        protocol, rest = name.split(".", 1)
        lower, upper = f"group.{protocol}.min.{rest}", f"group.{protocol}.max.{rest.removeprefix('num.')}"
        if lower in BROKER_CONFIGS and value < config[lower]:
            raise InvalidConfig(f"{name} must be greater than or equal to {lower}")
        if upper in BROKER_CONFIGS and value > config[upper]:
            raise InvalidConfig(f"{name} must be less than or equal to {upper}")


def validate(scope: str, name: str, text: str) -> Any:
    """The typed value of one config. Raises InvalidConfig for an unknown name or a bad value."""
    if (scope, name) not in CONFIGS:
        raise InvalidConfig(f"Unknown {scope} config name: {name}")
    return CONFIGS[scope, name].read(text)
