"""FindCoordinator (10), versions 0 to 6: which broker coordinates a group; several keys from version 4 on.

Not done: transactions and share groups have no coordinators yet; their keys are answered COORDINATOR_NOT_AVAILABLE.
"""

from typing import Any

from engine.broker.cluster_view import leader_of
from engine.broker.request_context import RequestContext
from engine.coordination.shards import OFFSETS_TOPIC
from engine.protocol.codec import Message, build
from engine.protocol.errors import CoordinatorNotAvailable, ErrorCode, InvalidRequest, KafkaError

GROUP, TRANSACTION, SHARE = 0, 1, 2
SHARE_SINCE = 6  # KIP-932
MANY_SINCE = 4  # KIP-699
SHARE_KEY_PARTS = 3  # group:topic id:partition

# Kafka's own words, which clients print.
WORDS = {
    ErrorCode.none: "NONE",
    ErrorCode.coordinator_not_available: "The coordinator is not available.",
    ErrorCode.invalid_request: (
        "This most likely occurs because of a request being malformed by the client library or the message was sent to an "
        "incompatible broker. See the broker logs for more details."
    ),
}


def handle(context: RequestContext, request: Message) -> Message:
    version = context.api_version
    if version < MANY_SINCE:
        row = _find(context, request.key_type, request.key)
        return build("FindCoordinator", "response", version, error_message=WORDS[row["error_code"]], **row)
    if request.key_type not in (GROUP, TRANSACTION, SHARE):
        raise InvalidRequest
    rows = [_find(context, request.key_type, key) | {"key": key, "error_message": ""} for key in request.coordinator_keys]
    return build("FindCoordinator", "response", version, coordinators=rows)


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    words = WORDS.get(error.code, str(error))
    row = {"error_code": error.code, "error_message": words, **_nobody()}
    if context.api_version < MANY_SINCE:
        return build("FindCoordinator", "response", context.api_version, **row)
    rows = [row | {"key": key} for key in request.coordinator_keys]
    return build("FindCoordinator", "response", context.api_version, coordinators=rows)


def _find(context: RequestContext, key_type: int, key: str) -> dict[str, Any]:
    try:
        return _broker_of(context, key_type, key)
    except KafkaError as error:
        return {"error_code": error.code, **_nobody()}


def _broker_of(context: RequestContext, key_type: int, key: str) -> dict[str, Any]:
    is_share_key = context.api_version >= SHARE_SINCE and len(key.split(":")) >= SHARE_KEY_PARTS
    if key_type not in (GROUP, TRANSACTION) and not (key_type == SHARE and is_share_key):
        raise InvalidRequest
    if key_type != GROUP:
        raise CoordinatorNotAvailable
    image = context.node.image
    if OFFSETS_TOPIC not in image.topics:
        context.node.create_internal_topic(OFFSETS_TOPIC)
        raise CoordinatorNotAvailable
    partition = image.partition(OFFSETS_TOPIC, context.node.groups.partition_of(key))
    leader = -1 if partition is None else leader_of(image, partition)
    if leader < 0:
        raise CoordinatorNotAvailable
    broker = image.brokers[leader]
    return {"error_code": ErrorCode.none, "node_id": broker.id, "host": broker.host, "port": broker.port}


def _nobody() -> dict[str, Any]:
    return {"node_id": -1, "host": "", "port": -1}
