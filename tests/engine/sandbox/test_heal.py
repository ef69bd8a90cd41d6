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
