"""What clients are told of the cluster: who is alive, who leads, which replicas are offline. Pure questions to the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.controller.topic_names import INTERNAL_TOPICS, check_name
from engine.metadata.image import BrokerImage, MetadataImage, PartitionImage
from engine.protocol.errors import InvalidTopic

if TYPE_CHECKING:
    from engine.broker.node import Node

# Bit sets of AclOperation codes; without an authorizer all that a resource supports (AuthHelper in Apache Kafka).
NO_OPERATIONS_ASKED = -2147483648
ALL_CLUSTER_OPERATIONS = sum(1 << code for code in (5, 7, 8, 9, 10, 11, 12))
ALL_TOPIC_OPERATIONS = sum(1 << code for code in (3, 4, 5, 6, 7, 8, 10, 11))


def is_internal(topic: str) -> bool:
    """Topics that coordinators keep their state in."""
    return topic in INTERNAL_TOPICS


def is_valid_topic_name(name: str) -> bool:
    """May a topic be called so?"""
    try:
        check_name(name)
    except InvalidTopic:
        return False
    return True


def alive_brokers(image: MetadataImage) -> list[BrokerImage]:
    """Brokers that clients may talk to, by id."""
    return [broker for _, broker in sorted(image.brokers.items()) if not broker.fenced]


def leader_of(image: MetadataImage, partition: PartitionImage) -> int:
    """-1 when nobody leads, or nobody alive."""
    return partition.leader if image.alive(partition.leader) else -1


def offline_replicas(image: MetadataImage, partition: PartitionImage) -> tuple[int, ...]:
    """Replicas on brokers that are fenced or not registered."""
    return tuple(replica for replica in partition.replicas if not image.alive(replica))


def controller_for_clients(node: Node) -> int:
    """The broker to send admin requests to. Kafka names any alive one, since brokers forward; we name ourselves.

    Another one, the controller above all, may have been killed and not be fenced yet: librdkafka's admin client would wait for
    it to come back, and ask nobody else.
    """
    if node.image.alive(node.spec.node_id):
        return node.spec.node_id
    alive = alive_brokers(node.image)
    return node.chance.choice(alive).id if alive else -1
