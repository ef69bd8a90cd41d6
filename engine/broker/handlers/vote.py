"""Vote (52), versions 0 to 2, between nodes: votes and pre-votes for the lead of the metadata log (KIP-595, KIP-996)."""

from engine.broker.request_context import RequestContext
from engine.protocol.codec import Message


def handle(context: RequestContext, request: Message) -> Message:
    return context.node.raft.answer_vote(request, context.api_version)
