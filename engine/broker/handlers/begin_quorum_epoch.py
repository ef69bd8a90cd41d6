"""BeginQuorumEpoch (53), versions 0 and 1, between nodes: the new leader of the metadata log makes itself known (KIP-595)."""

from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message


def handle(context: RequestContext, request: Message) -> Message:
    return context.node.raft.answer_begin_epoch(request, context.api_version)
