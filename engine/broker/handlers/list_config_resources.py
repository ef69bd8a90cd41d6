"""ListConfigResources (74), versions 0 and 1: what has configs that can be described (KIP-1142).

Client metrics subscriptions are not served yet: there are none.
"""

from engine.broker.cluster_view import alive_brokers
from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message, build
from engine.protocol.errors import UnsupportedVersion

TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32
ALL = {TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP}


def handle(context: RequestContext, request: Message) -> Message:
    image = context.node.image
    kinds = {CLIENT_METRICS} if context.api_version == 0 else set(request.resource_types) or ALL
    if not kinds <= ALL:
        raise UnsupportedVersion(f"config resource types {sorted(kinds - ALL)} are unknown")
    brokers = [str(broker.id) for broker in alive_brokers(image)]
    names = {
        GROUP: sorted(name for kind, name in image.configs if kind == GROUP),
        BROKER_LOGGER: brokers,
        BROKER: brokers,
        TOPIC: sorted(image.topics),
    }
    resources = [
        {"resource_name": name, "resource_type": kind} for kind, found in names.items() if kind in kinds for name in found
    ]
    return build("ListConfigResources", "response", context.api_version, config_resources=resources)
