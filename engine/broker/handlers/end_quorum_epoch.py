"""EndQuorumEpoch (54), versions 0 and 1, between nodes: the leader of the metadata log goes in good order (KIP-595)."""

from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message


def handle(context: RequestContext, request: Message) -> Message:
    return context.node.raft.answer_end_epoch(request, context.api_version)
