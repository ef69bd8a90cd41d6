"""What a starting node knows heals the picture; what it does not know yet is not gone."""

from engine.sandbox.heal import heal


def cluster(*names):
    topics = [{"name": name, "id": f"id-of-{name}", "partitions": []} for name in names]
    return {"controller": 1, "controller_epoch": 3, "brokers": [], "topics": topics}


def test_a_topic_of_an_older_picture_that_no_node_knows_is_gone():
    facts = heal(cluster("old"), {"topics": []})
    assert [(type(fact).__name__, fact.topic) for fact in facts] == [("TopicDeleted", "old")]


def test_a_topic_that_was_born_while_we_listened_stays_though_an_older_image_lacks_it():
    assert heal(cluster("orders"), {"topics": []}, born={"id-of-orders"}) == []


def test_a_topic_that_only_the_image_knows_is_drawn():
    image = {"topics": [{"name": "new", "id": "id", "partitions": [], "configs": {}}]}
    assert [type(fact).__name__ for fact in heal(cluster(), image)] == ["TopicCreated"]


def test_a_topic_that_was_deleted_while_we_listened_does_not_come_back_with_an_older_image():
    image = {"topics": [{"name": "busy", "id": "id-of-busy", "partitions": [], "configs": {}}]}
    assert heal(cluster(), image, gone={"id-of-busy"}) == []
    assert heal(cluster("busy"), image | {"topics": [image["topics"][0] | {"id": "older"}]}, born={"id-of-busy"}, gone={"older"}) == []


def test_an_election_that_nobody_told_is_made_up_for_though_the_isr_has_changed_since_the_image_was_taken():
    was = {"partition": 0, "leader": 3, "leader_epoch": 12, "partition_epoch": 34, "replicas": [2, 3, 1], "isr": [2, 1, 3], "elr": []}
    picture = cluster("orders")
    picture["topics"][0]["partitions"] = [was]
    older = was | {"leader": 2, "leader_epoch": 13, "partition_epoch": 33, "isr": [2, 1]}
    image = {"topics": [{"name": "orders", "id": "id-of-orders", "partitions": [older]}]}
    (told,) = heal(picture, image)
    assert (told.leader, told.leader_epoch, told.partition_epoch, told.isr) == (2, 13, 34, (2, 1, 3))
