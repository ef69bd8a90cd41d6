"""InitProducerId (key 22, versions 0 to 5): an id for an idempotent producer.

Not done: transactions; a transactional id is refused with TRANSACTIONAL_ID_AUTHORIZATION_FAILED, which clients report as fatal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.protocol.codec import Message, build
from engine.protocol.errors import InvalidRequest, KafkaError, TransactionalIdAuthorizationFailed

if TYPE_CHECKING:
    from engine.broker.request_context import RequestContext


async def handle(context: RequestContext, request: Message) -> Message:
    """A new id, epoch 0; the id that a producer had does not matter without a transactional id."""
    if request.transactional_id is not None:
        if request.transactional_id == "":
            raise InvalidRequest()
        raise TransactionalIdAuthorizationFailed("transactions are not served yet")
    producer_id = await context.node.producer_ids.take()
    return build("InitProducerId", "response", context.api_version, producer_id=producer_id, producer_epoch=0)


def refuse(context: RequestContext, request: Message, error: KafkaError) -> Message:
    """No id."""
    return build("InitProducerId", "response", context.api_version, error_code=error.code, producer_id=-1, producer_epoch=-1)
