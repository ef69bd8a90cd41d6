"""DescribeQuorum (55), versions 0 to 2: leader, epoch, high watermark and voters of the metadata log (KIP-642, KIP-836, KIP-853).

Forwarded to the active controller, which alone knows how far the others are.
"""

from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message


def handle(context: RequestContext, request: Message) -> Message:
    return context.node.raft.answer_describe_quorum(request, context.api_version)
