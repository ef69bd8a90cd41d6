"""Where a client should go instead: the leader and its address, told with the refusal (KIP-951)."""

from collections.abc import Iterable

from engine.metadata.image import MetadataImage
from engine.protocol.hot_fields import Topic

Endpoint = tuple[int, str, int, str | None]  # node id, host, port, rack


def leader_of(image: MetadataImage, topic: str | None, index: int) -> tuple[int, int]:
    """(leader, leader epoch), (-1, -1) if there is no such partition."""
    partition = image.partition(topic, index) if topic else None
    return (partition.leader, partition.leader_epoch) if partition else (-1, -1)


def endpoints(image: MetadataImage, leaders: Iterable[int]) -> list[Endpoint]:
    """The addresses of those that are known, each once, in order."""
    found = [image.brokers[leader] for leader in sorted(set(leaders)) if leader in image.brokers]
    return [(broker.id, broker.host, broker.port, broker.rack) for broker in found]


def name_of(image: MetadataImage, topic: Topic) -> str | None:
    """The topic's name; None when its id is unknown here."""
    return topic.name if topic.name is not None else image.topic_names.get(topic.topic_id)
