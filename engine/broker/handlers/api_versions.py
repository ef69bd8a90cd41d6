"""ApiVersions (18), versions 0 to 4: what this broker serves, and who the client is (KIP-511, KIP-584).

An unsupported version is answered in dispatch, before a body is read.
"""

import re

from engine.broker.request_context import RequestContext
from engine.metadata.features import SUPPORTED_FEATURES
from engine.protocol.codec import Message, build
from engine.protocol.errors import InvalidRequest, KafkaError

SOFTWARE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")
NAMES_SOFTWARE_SINCE = 3
OMITS_ZERO_UNTIL = 3  # older clients refuse a feature whose least version is 0 (KAFKA-17011)


def handle(context: RequestContext, request: Message) -> Message:
    node, version = context.node, context.api_version
    if version >= NAMES_SOFTWARE_SINCE:
        if not (SOFTWARE.fullmatch(request.client_software_name) and SOFTWARE.fullmatch(request.client_software_version)):
            raise InvalidRequest
    if context.connection:
        if version >= NAMES_SOFTWARE_SINCE:
            context.connection.software_name = request.client_software_name
            context.connection.software_version = request.client_software_version
        node.connections.introduce(context.connection, context.client_id)
    return build(
        "ApiVersions",
        "response",
        version,
        api_keys=[
            {"api_key": key, "min_version": route.api.oldest, "max_version": route.api.newest}
            for key, route in sorted(node.dispatch.table.items())
            if not route.api.for_nodes
        ],
        supported_features=[
            {"name": name, "min_version": low, "max_version": high}
            for name, (low, high) in sorted(SUPPORTED_FEATURES.items())
            if low > 0 or version > OMITS_ZERO_UNTIL
        ],
        finalized_features_epoch=node.image.offset,
        finalized_features=[
            {"name": name, "min_version_level": level, "max_version_level": level}
            for name, level in sorted(node.image.features.items())
        ],
    )


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    return build("ApiVersions", "response", context.api_version, error_code=error.code)
