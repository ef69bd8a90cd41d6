"""Is a simulated cluster whole again: every node runs, every replica is in sync and stands where its leader stands."""

from engine.metadata.image import MetadataImage, PartitionImage
from engine.protocol.errors import KafkaError
from tests.simulation.universe import Universe


def is_whole(universe: Universe) -> bool:
    """As all nodes see it, not only one."""
    if not universe.nodes or any(number not in universe.nodes for number in universe.ids):
        return False
    images = [universe.nodes[number].image for number in universe.alive()]
    newest = max(image.offset for image in images)
    return all(image.offset == newest and _is_in_sync(image) for image in images) and all(
        _stand_equal(universe, name, index, partition)
        for name, topic in sorted(images[0].topics.items())
        for index, partition in sorted(topic.partitions.items())
    )


def _is_in_sync(image: MetadataImage) -> bool:
    return all(
        partition.leader >= 0 and set(partition.isr) == set(partition.replicas)
        for topic in image.topics.values()
        for partition in topic.partitions.values()
    )


def _stand_equal(universe: Universe, topic: str, index: int, partition: PartitionImage) -> bool:
    try:
        logs = [universe.nodes[replica].replicas.find(topic, index).log for replica in partition.replicas]
    except KafkaError:
        return False  # a node that has just started has not opened it yet
    return len({log.log_end_offset for log in logs} | {log.high_watermark for log in logs}) == 1
