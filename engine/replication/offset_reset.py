"""A follower whose offset its leader does not have: where it goes on.

Source: Kafka's AbstractFetcherThread.fetchOffsetAndTruncate.
"""

from engine.peers.connection import Peer
from engine.protocol.codec import Message, build
from engine.protocol.errors import ErrorCode, error_for
from engine.replication.partition import Partition

LATEST, EARLIEST = -1, -2
VERSION = 9
WITHIN_MS = 5000


async def reset_offset(partition: Partition, *, peer: Peer, node_id: int) -> None:
    """Asks for the leader's ends and cuts the log at its end, or begins anew at its start.

    Raises what the peer raises, and the KafkaError that the leader answers.
    """
    log, epoch = partition.log, partition.leader_epoch
    latest = await _offset(partition, peer, node_id, LATEST)
    if latest < log.log_end_offset:
        # The leader was elected although it lacks records that we have (unclean): ours are not part of the log any more.
        if partition.leader_epoch == epoch and not partition.closed:
            partition.cut(latest)
        return
    earliest = await _offset(partition, peer, node_id, EARLIEST)
    if earliest > log.log_end_offset and partition.leader_epoch == epoch and not partition.closed:
        log.truncate_fully_and_start_at(earliest)


async def _offset(partition: Partition, peer: Peer, node_id: int, timestamp: int) -> int:
    asked = {"partition_index": partition.index, "current_leader_epoch": partition.leader_epoch, "timestamp": timestamp}
    message = build(
        "ListOffsets",
        "request",
        VERSION,
        replica_id=node_id,
        isolation_level=0,
        topics=[{"name": partition.topic, "partitions": [asked]}],
    )
    answer: Message = await peer.ask(message, within_ms=WITHIN_MS)
    one = answer.topics[0].partitions[0]
    if one.error_code != ErrorCode.none:
        raise error_for(one.error_code)
    return one.offset
