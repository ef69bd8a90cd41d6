"""Blocks of producer ids for brokers: every id is given out once in the life of the cluster (KIP-730)."""

from engine.controller.decision import Decision
from engine.controller.partitions import check_broker_epoch
from engine.controller.view import View
from engine.protocol.codec import Message, build
from engine.protocol.errors import UnknownServerError
from engine.protocol.stored.metadata import ProducerIdsRecord

BLOCK = 1_000  # Kafka's block size
PRODUCER_ID_MAX = 2**63 - 1


def allocate(view: View, request: Message, version: int) -> Decision:
    """AllocateProducerIds (67). Raises StaleBrokerEpoch."""
    check_broker_epoch(view, request.broker_id, request.broker_epoch)
    first = view.image.next_producer_id
    if first > PRODUCER_ID_MAX - BLOCK:
        raise UnknownServerError("Exhausted all producerIds")
    record = ProducerIdsRecord(broker_id=request.broker_id, broker_epoch=request.broker_epoch, next_producer_id=first + BLOCK)
    answer = build("AllocateProducerIds", "response", version, producer_id_start=first, producer_id_len=BLOCK)
    return Decision(answer=answer, records=[record])
