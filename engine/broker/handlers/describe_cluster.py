"""DescribeCluster (60), versions 0 to 2: the brokers, fenced ones if asked, and a controller (KIP-700, KIP-919, KIP-1073)."""

from engine.broker.cluster_view import NO_OPERATIONS_ASKED, alive_brokers, ALL_CLUSTER_OPERATIONS, controller_for_clients
from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message, build
from engine.protocol.errors import MismatchedEndpointType, UnsupportedEndpointType

BROKERS, CONTROLLERS = 1, 2


def handle(context: RequestContext, request: Message) -> Message:
    node = context.node
    if request.endpoint_type == CONTROLLERS:
        raise MismatchedEndpointType(
            "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"
        )
    if request.endpoint_type != BROKERS:
        raise UnsupportedEndpointType(f"Unsupported endpoint type {request.endpoint_type}")
    brokers = alive_brokers(node.image)
    if request.include_fenced_brokers:
        brokers = [broker for _, broker in sorted(node.image.brokers.items())]
    return build(
        "DescribeCluster",
        "response",
        context.api_version,
        cluster_id=node.spec.cluster_id,
        controller_id=controller_for_clients(node),
        brokers=[
            {
                "broker_id": broker.id,
                "host": broker.host,
                "port": broker.port,
                "rack": broker.rack,
                "is_fenced": broker.fenced,
            }
            for broker in brokers
        ],
        cluster_authorized_operations=(
            ALL_CLUSTER_OPERATIONS if request.include_cluster_authorized_operations else NO_OPERATIONS_ASKED
        ),
    )
