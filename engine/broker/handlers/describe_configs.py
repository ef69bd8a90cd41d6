"""DescribeConfigs (32), versions 1 to 4: every config with value, source, synonyms, type and documentation (KIP-226, KIP-569).

Answered by any node from its own image; a broker describes itself only. Of loggers there is one, `root`.
"""

from typing import Any

from engine.broker.request_context import RequestContext
from engine.controller.topic_names import check_name
from engine.metadata.config_entries import (
    Entry,
    broker_entries,
    client_metrics_entries,
    cluster_entries,
    group_entries,
    topic_entries,
)
from engine.protocol.codec import Message, build
from engine.protocol.errors import ErrorCode, InvalidRequest, KafkaError, UnknownTopicOrPartition

TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32
FROM_LOGGER = 6


def handle(context: RequestContext, request: Message) -> Message:
    rows = [_describe(context, request, resource) for resource in request.resources]
    return build("DescribeConfigs", "response", context.api_version, results=rows)


def _describe(context: RequestContext, request: Message, resource: Message) -> dict[str, Any]:
    row: dict[str, Any] = {"resource_type": resource.resource_type, "resource_name": resource.resource_name}
    try:
        entries = _entries(context, resource)
    except KafkaError as error:
        return row | {"error_code": error.code, "error_message": error.message}
    return row | {"error_code": ErrorCode.none, "error_message": "", "configs": [_told(entry, request) for entry in entries]}


def _entries(context: RequestContext, resource: Message) -> list[Entry]:
    node, kind, name = context.node, resource.resource_type, resource.resource_name
    keys = frozenset(resource.configuration_keys or ())
    own = node.image.configs.get((kind, name), {})
    if kind == TOPIC:
        check_name(name)
        if name not in node.image.topics:
            raise UnknownTopicOrPartition("")
        return topic_entries(own, node.config, keys)
    if kind == BROKER:
        return cluster_entries(node.config, keys) if name == "" else _broker_entries(node, name, keys)
    if kind == BROKER_LOGGER:
        _check_broker(node, name)
        return [] if keys and "root" not in keys else [Entry(name="root", value="INFO", source=FROM_LOGGER, synonyms=())]
    if kind == GROUP and name:
        return group_entries(own, node.config, keys)
    if kind == CLIENT_METRICS and name:
        return client_metrics_entries(own, keys)
    raise InvalidRequest(f"Unsupported resource type {kind} or empty resource name")


def _broker_entries(node: Any, name: str, keys: frozenset[str]) -> list[Entry]:
    _check_broker(node, name)
    return broker_entries(node.config, keys)


def _check_broker(node: Any, name: str) -> None:
    if not name.removeprefix("-").isdecimal():
        raise InvalidRequest(f"Broker id must be an integer, but it is: {name}")
    if int(name) != node.spec.node_id:
        raise InvalidRequest(f"Unexpected broker id, expected {node.spec.node_id} or empty string, but received {name}")


def _told(entry: Entry, request: Message) -> dict[str, Any]:
    synonyms = entry.synonyms if request.include_synonyms else ()
    return {
        "name": entry.name,
        "value": entry.value,
        "read_only": entry.read_only,
        "config_source": entry.source,
        "is_sensitive": entry.sensitive,
        "synonyms": [{"name": each.name, "value": each.value, "source": each.source} for each in synonyms],
        "config_type": entry.wire_type,
        "documentation": entry.documentation if request.include_documentation else None,
    }


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    """Every resource gets the error: the answer has no other place for it."""
    rows = [
        {
            "resource_type": resource.resource_type,
            "resource_name": resource.resource_name,
            "error_code": error.code,
            "error_message": error.message,
        }
        for resource in request.resources
    ]
    return build("DescribeConfigs", "response", context.api_version, results=rows)
