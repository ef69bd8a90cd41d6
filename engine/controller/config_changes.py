"""Dynamic configs change: IncrementalAlterConfigs, and AlterConfigs which replaces all that a resource has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.controller.decision import Decision
from engine.controller.topic_names import check_name
from engine.controller.view import View
from engine.events.facts import ConfigChanged
from engine.metadata.config_entries import CLIENT_METRICS_CONFIGS
from engine.metadata.config_kinds import LIST, PER_BROKER, READ_ONLY, Setting, as_text
from engine.metadata.configs import BROKER_CONFIGS, GROUP_CONFIGS, TOPIC_CONFIGS, validate_broker, validate_group, validate_topic
from engine.protocol.codec import Message, build
from engine.protocol.errors import ErrorCode, InvalidConfig, InvalidRequest, KafkaError, UnknownServerError, UnknownTopicOrPartition
from engine.protocol.stored.metadata import RESOURCE_BROKER, RESOURCE_GROUP, RESOURCE_TOPIC, ClearElrRecord, ConfigRecord

RESOURCE_BROKER_LOGGER, RESOURCE_CLIENT_METRICS = 8, 16
NAMES = {RESOURCE_TOPIC: "topic", RESOURCE_BROKER: "broker", RESOURCE_CLIENT_METRICS: "client-metrics", RESOURCE_GROUP: "group"}
SETTINGS: dict[int, Mapping[str, Setting]] = {
    RESOURCE_TOPIC: TOPIC_CONFIGS,
    RESOURCE_BROKER: BROKER_CONFIGS,
    RESOURCE_CLIENT_METRICS: CLIENT_METRICS_CONFIGS,
    RESOURCE_GROUP: GROUP_CONFIGS,
}
SET, DELETE, APPEND, SUBTRACT = 0, 1, 2, 3
OPERATIONS = {APPEND: "APPEND", SUBTRACT: "SUBTRACT"}
MIN_ISR = "min.insync.replicas"
VALUE_LENGTH_MAX = 32_767  # the most that a config record can hold


@dataclass(frozen=True, slots=True)
class Edit:
    """One config of one resource; `value` None takes it away."""

    name: str
    operation: int
    value: str | None


def incremental_alter(view: View, request: Message, version: int) -> Decision:
    """IncrementalAlterConfigs (44): each resource is all or nothing."""

    def edits(resource: Message) -> list[Edit]:
        found = [Edit(each.name, each.config_operation, each.value) for each in resource.configs]
        check_edits(found)
        return found

    return _alter(view, request, "IncrementalAlterConfigs", version, edits)


def alter(view: View, request: Message, version: int) -> Decision:
    """AlterConfigs (33): what the request does not name goes back to its default."""

    def edits(resource: Message) -> list[Edit]:
        found = [Edit(each.name, SET, each.value) for each in resource.configs]
        check_edits(found)
        named = {each.name for each in found}
        # The cluster's min.insync.replicas cannot go while ELR is on; replacing other configs does not mean it.
        pinned = {MIN_ISR} if (resource.resource_type, resource.resource_name) == (RESOURCE_BROKER, "") and view.elr_enabled else set()
        had = view.image.configs.get((resource.resource_type, resource.resource_name), {})
        return found + [Edit(name, DELETE, None) for name in sorted(had) if name not in named | pinned]

    return _alter(view, request, "AlterConfigs", version, edits)


def _alter(view: View, request: Message, api: str, version: int, edits: Callable[[Message], list[Edit]]) -> Decision:
    decision = Decision()
    counts = Counter((resource.resource_type, resource.resource_name) for resource in request.resources)
    rows = []
    for resource in request.resources:
        row = {"resource_type": resource.resource_type, "resource_name": resource.resource_name, "error_code": ErrorCode.none}
        try:
            if counts[resource.resource_type, resource.resource_name] > 1:
                raise InvalidRequest("Each resource must appear at most once.")
            _alter_one(view, decision, resource, edits(resource))
        except KafkaError as error:
            row |= {"error_code": error.code, "error_message": error.message}
        rows.append(row)
    if request.validate_only:
        decision.records, decision.tellings = [], []
    decision.answer = build(api, "response", version, responses=rows)
    return decision


def check_edits(edits: list[Edit]) -> None:
    """Raises InvalidRequest for names that come twice or values that are missing."""
    if len({edit.name for edit in edits}) < len(edits):
        raise InvalidRequest("Error due to duplicate config keys")
    missing = [edit.name for edit in edits if edit.value is None and edit.operation != DELETE]
    if missing:
        raise InvalidRequest(f"Null value not supported for : {', '.join(missing)}")


def _alter_one(view: View, decision: Decision, resource: Message, edits: list[Edit]) -> None:
    kind, name = resource.resource_type, resource.resource_name
    if kind == RESOURCE_BROKER_LOGGER:
        raise InvalidRequest("This broker has no loggers whose level could be changed.")
    if kind not in NAMES:
        raise InvalidRequest(f"Unknown resource type {kind}")
    check_resource(view, kind, name)
    had = view.image.configs.get((kind, name), {})
    if kind == RESOURCE_BROKER:
        check_dynamic(edits, cluster_wide=name == "")
    whole, changes = edited(kind, had, edits)
    check_values(view, kind, name, whole, changes)
    if not changes:
        return
    decision.records += [
        ConfigRecord(resource_type=kind, resource_name=name, name=key, value=value) for key, value in sorted(changes.items())
    ]
    if MIN_ISR in changes and view.elr_enabled:
        _forget_eligible(view, decision, kind, name)
    decision.tell(ConfigChanged(resource=NAMES[kind], name=name, changes=changes))


def check_resource(view: View, kind: int, name: str) -> None:
    """Raises InvalidRequest, InvalidTopic, UnknownTopicOrPartition."""
    if kind == RESOURCE_TOPIC:
        if not name:
            raise InvalidRequest("Default topic resources are not allowed.")
        check_name(name)
        if name not in view.image.topics:
            raise UnknownTopicOrPartition(f"The topic '{name}' does not exist.")
    elif kind == RESOURCE_BROKER and name:
        if not name.isdecimal():
            raise InvalidRequest(f"Node id must be an integer, but it is: {name}")
        if int(name) not in view.image.brokers:
            raise InvalidRequest(f"Unexpected broker id, expected {view.config['node.id']}, but received {name}")
    elif kind in (RESOURCE_GROUP, RESOURCE_CLIENT_METRICS) and not name:
        raise InvalidRequest(f"Default {NAMES[kind]} resources are not allowed.")


def check_dynamic(edits: list[Edit], *, cluster_wide: bool) -> None:
    """Only some configs can change while a broker runs. Raises InvalidRequest."""
    kinds = {edit.name: BROKER_CONFIGS[edit.name].dynamic for edit in edits if edit.name in BROKER_CONFIGS}
    fixed = [name for name, dynamic in kinds.items() if dynamic == READ_ONLY]
    if fixed:
        raise InvalidRequest(f"Cannot update these configs dynamically: [{', '.join(fixed)}]")
    own = [name for name, dynamic in kinds.items() if dynamic == PER_BROKER]
    if own and cluster_wide:
        raise InvalidRequest(f"Cannot update these configs at default cluster level, broker id must be specified: [{', '.join(own)}]")


def edited(kind: int, had: Mapping[str, str], edits: list[Edit]) -> tuple[dict[str, str], dict[str, str | None]]:
    """(all that the resource has then, what changes). Raises InvalidConfig."""
    whole = dict(had)
    for edit in edits:
        if edit.operation in OPERATIONS:
            whole[edit.name] = _list_with(kind, had, edit)
        elif edit.operation == DELETE:
            whole.pop(edit.name, None)
        elif edit.operation == SET:
            whole[edit.name] = edit.value or ""
        else:
            raise UnknownServerError(f"Unknown operation {edit.operation}")
    # A broker's value is written even if it is what it was: it may name a file with new contents.
    again = {edit.name for edit in edits} if kind == RESOURCE_BROKER else set()
    names = {*whole, *had}
    changes = {name: whole.get(name) for name in sorted(names) if whole.get(name) != had.get(name) or (name in again and name in whole)}
    return whole, changes


def _list_with(kind: int, had: Mapping[str, str], edit: Edit) -> str:
    setting = SETTINGS[kind].get(edit.name)
    if setting is None or setting.kind != LIST:
        raise InvalidConfig(f"Can't {OPERATIONS[edit.operation]} to key {edit.name} because its type is not LIST.")
    text = had.get(edit.name, as_text(setting.default) or "")
    parts = [part.strip() for part in text.split(",") if part.strip()]
    given = [part.strip() for part in (edit.value or "").split(",") if part.strip()]
    if edit.operation == APPEND:
        return ",".join(parts + [part for part in given if part not in parts])
    return ",".join(part for part in parts if part not in given)


def check_values(view: View, kind: int, name: str, whole: dict[str, str], changes: dict[str, str | None]) -> None:
    """Raises InvalidConfig; for brokers InvalidRequest, as Kafka does."""
    for key, value in changes.items():
        if value is not None and len(value) > VALUE_LENGTH_MAX:
            raise InvalidConfig(f"The configuration value cannot be added because it exceeds the maximum value size of {VALUE_LENGTH_MAX} bytes.")
        if key == MIN_ISR and kind == RESOURCE_BROKER and view.elr_enabled:
            if name:
                raise InvalidConfig("Broker-level min.insync.replicas cannot be altered while ELR is enabled.")
            if value is None:
                raise InvalidConfig("Cluster-level min.insync.replicas cannot be removed while ELR is enabled.")
    if kind == RESOURCE_TOPIC:
        validate_topic(whole, view.config)
    elif kind == RESOURCE_GROUP:
        validate_group(whole, view.config)
    elif kind == RESOURCE_BROKER:
        try:
            for key, text in whole.items():
                validate_broker(key, text)
        except InvalidConfig as error:
            raise InvalidRequest(error.message) from None
    else:
        for key, text in whole.items():
            if key not in CLIENT_METRICS_CONFIGS:
                raise InvalidConfig(f"Unknown client metrics configuration: {key}")
            CLIENT_METRICS_CONFIGS[key].read(text)


def _forget_eligible(view: View, decision: Decision, kind: int, name: str) -> None:
    """KIP-966: eligible replicas were found by the old min.insync.replicas and prove nothing under another."""
    topics = [name] if kind == RESOURCE_TOPIC else list(view.image.topics)
    if any(partition.elr or partition.last_known_elr for topic in topics for partition in view.image.topics[topic].partitions.values()):
        decision.records.append(ClearElrRecord(topic_name=name if kind == RESOURCE_TOPIC else ""))
