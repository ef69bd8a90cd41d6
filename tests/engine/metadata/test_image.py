"""The image changes by replay alone, and the delta tells what changed."""

from uuid import UUID

from engine.metadata.delta import replay_all
from engine.metadata.image import MetadataImage
from engine.protocol.stored import metadata as stored

ORDERS, BILLING = UUID(int=7), UUID(int=8)


def broker(number: int, epoch: int, **fields) -> stored.RegisterBrokerRecord:
    listener = stored.Endpoint(name="PLAINTEXT", host="h", port=9000 + number)
    return stored.RegisterBrokerRecord(broker_id=number, incarnation_id=UUID(int=number), broker_epoch=epoch, end_points=(listener,), **fields)


def partition(index: int = 0, topic_id: UUID = ORDERS) -> stored.PartitionRecord:
    return stored.PartitionRecord(
        partition_id=index, topic_id=topic_id, replicas=(1, 2, 3), isr=(1, 2, 3), leader=1, leader_epoch=0, partition_epoch=0
    )


def replayed(*records, image=None):
    image = image or MetadataImage()
    delta = replay_all(image, list(enumerate(records, start=image.offset + 1)), epoch=1)
    return image, delta


def test_a_broker_comes_fenced_and_is_unfenced_by_a_change():
    image, delta = replayed(broker(1, 10, rack="a"))
    assert image.brokers[1].fenced and not image.alive(1)
    assert (image.brokers[1].host, image.brokers[1].port, image.brokers[1].rack) == ("h", 9001, "a")
    image, delta = replayed(stored.BrokerRegistrationChangeRecord(broker_id=1, broker_epoch=10, fenced=stored.UNFENCE), image=image)
    assert image.alive(1) and delta.brokers_changed == {1} and delta.brokers_before[1].fenced
    image, _ = replayed(stored.BrokerRegistrationChangeRecord(broker_id=1, broker_epoch=10, in_controlled_shutdown=1), image=image)
    assert image.alive(1) and image.brokers[1].in_controlled_shutdown
    image, _ = replayed(stored.UnregisterBrokerRecord(broker_id=1, broker_epoch=10), image=image)
    assert image.brokers == {} and image.offset == 3 and image.epoch == 1


def test_naming_a_leader_raises_the_leader_epoch_and_anything_raises_the_partition_epoch():
    image, _ = replayed(stored.TopicRecord(name="orders", topic_id=ORDERS), partition())
    before = image.partition("orders", 0)
    image, delta = replayed(stored.PartitionChangeRecord(partition_id=0, topic_id=ORDERS, isr=(2, 3), leader=2), image=image)
    image, _ = replayed(stored.PartitionChangeRecord(partition_id=0, topic_id=ORDERS, isr=(2,)), image=image)
    after = image.partition("orders", 0)
    assert (after.leader, after.leader_epoch, after.partition_epoch, after.isr) == (2, 1, 2, (2,))
    assert delta.partitions_changed == {("orders", 0): before}


def test_a_removed_topic_takes_its_configs_along():
    config = stored.ConfigRecord(resource_type=stored.RESOURCE_TOPIC, resource_name="orders", name="retention.ms", value="1")
    image, _ = replayed(stored.TopicRecord(name="orders", topic_id=ORDERS), partition(), config)
    assert image.configs == {(2, "orders"): {"retention.ms": "1"}}
    image, delta = replayed(stored.RemoveTopicRecord(topic_id=ORDERS), image=image)
    assert not (image.topics or image.topic_names or image.configs)
    assert delta.topics_deleted["orders"].id == ORDERS and delta.configs_changed.keys() == {(2, "orders")}


def test_a_topic_recreated_under_its_name_is_deleted_and_created_and_its_partitions_are_new():
    image, _ = replayed(stored.TopicRecord(name="orders", topic_id=ORDERS), partition())
    again = [stored.TopicRecord(name="orders", topic_id=BILLING), partition(topic_id=BILLING)]
    image, delta = replayed(stored.RemoveTopicRecord(topic_id=ORDERS), *again, image=image)
    assert delta.topics_deleted["orders"].id == ORDERS and delta.topics_created == {"orders"}
    assert delta.partitions_changed == {("orders", 0): None}
    assert image.topics["orders"].id == BILLING


def test_a_topic_that_came_and_went_leaves_no_trace():
    image, delta = replayed(stored.TopicRecord(name="orders", topic_id=ORDERS), partition(), stored.RemoveTopicRecord(topic_id=ORDERS))
    assert not (delta.topics_created or delta.topics_deleted or delta.partitions_changed)


def test_a_null_value_takes_a_config_away_and_level_zero_a_feature():
    image, _ = replayed(
        stored.ConfigRecord(resource_type=4, resource_name="", name="a", value="1"),
        stored.FeatureLevelRecord(name="group.version", feature_level=1),
    )
    assert image.configs == {(4, ""): {"a": "1"}} and image.features == {"group.version": 1}
    image, delta = replayed(
        stored.ConfigRecord(resource_type=4, resource_name="", name="a", value=None),
        stored.FeatureLevelRecord(name="group.version", feature_level=0),
        image=image,
    )
    assert image.configs == {} and image.features == {}
    assert delta.features_changed == {"group.version"}


def test_a_metadata_transaction_counts_at_its_end_or_not_at_all():
    topic = stored.TopicRecord(name="orders", topic_id=ORDERS)
    image, delta = replayed(stored.BeginTransactionRecord(name="Bootstrap records"), topic)
    assert not image.topics and not delta.topics_created
    image, delta = replayed(stored.EndTransactionRecord(), image=image)
    assert delta.topics_created == {"orders"}
    image, _ = replayed(stored.BeginTransactionRecord(), stored.RemoveTopicRecord(topic_id=ORDERS), stored.AbortTransactionRecord(), image=image)
    assert "orders" in image.topics


def test_clearing_the_elr_is_a_change_of_the_partitions_that_had_one():
    image, _ = replayed(stored.TopicRecord(name="orders", topic_id=ORDERS), partition(0), partition(1))
    image, _ = replayed(stored.PartitionChangeRecord(partition_id=1, topic_id=ORDERS, eligible_leader_replicas=(3,)), image=image)
    assert image.partition("orders", 1).elr == (3,)
    image, _ = replayed(stored.ClearElrRecord(), image=image)
    assert image.partition("orders", 1).elr == () and image.partition("orders", 1).partition_epoch == 2
    assert image.partition("orders", 0).partition_epoch == 0
