"""The simulated clients' own decisions: who is assigned what, what goes when, and what becomes of a topic that is another one now."""

from uuid import UUID

from engine.coordination.groups import consumer_protocol as engines
from engine.world.tasks import gather
from engine.world.virtual_loop import run_virtually
from tests.simulation.assignors import GroupMember, assign_cooperatively, assign_range
from tests.simulation.client import Client
from tests.simulation.consumer_protocol import Subscription, read_assignment, read_subscription, write_assignment, write_subscription
from tests.simulation.history import ALL, Acknowledged, GivenUp, History, Polled, Positioned, Sent
from tests.simulation.producer_client import Batch, Lane, Producer
from tests.simulation.reader_client import Reader
from tests.simulation.universe import Universe

FOUR = {"t": 4}


def member(name, *owned, generation=-1, instance=None):
    subscription = Subscription(topics=("t",), owned=frozenset(("t", index) for index in owned), generation=generation)
    return GroupMember(id=name, instance=instance, subscription=subscription)


def indexes(assignment):
    return {name: sorted(index for _, index in owned) for name, owned in assignment.items()}


def test_range_gives_neighbours_and_the_first_get_more():
    assert indexes(assign_range([member("b"), member("a"), member("c")], FOUR)) == {"a": [0, 1], "b": [2], "c": [3]}


def test_range_goes_by_instances_so_that_a_static_member_keeps_its_place():
    members = [member("z-9", instance="one"), member("a-1", instance="two")]
    assert indexes(assign_range(members, FOUR)) == {"z-9": [0, 1], "a-1": [2, 3]}


def test_cooperative_keeps_what_is_owned_and_first_only_takes():
    members = [member("a", 0, 1, 2, 3, generation=5), member("b")]
    first = indexes(assign_cooperatively(members, FOUR))
    assert first == {"a": [0, 1], "b": []}, "what changes hands belongs to nobody for one generation"
    members = [member("a", 0, 1, generation=6), member("b", generation=6)]
    assert indexes(assign_cooperatively(members, FOUR)) == {"a": [0, 1], "b": [2, 3]}


def test_cooperative_believes_the_younger_generation():
    members = [member("a", 0, 1, generation=4), member("b", 1, 2, 3, generation=5)]
    assert indexes(assign_cooperatively(members, FOUR)) == {"a": [0], "b": [1, 2]}


def test_what_members_write_is_what_the_coordinator_reads():
    owned = frozenset({("orders", 2), ("orders", 0), ("clicks", 1)})
    subscription = Subscription(topics=("clicks", "orders"), owned=owned, generation=7)
    written = write_subscription(subscription)
    assert read_subscription(written) == subscription
    assert engines.subscribed_topics(written) == ("clicks", "orders")
    assert read_assignment(write_assignment(owned)) == owned
    assert engines.assigned_partitions(write_assignment(owned)) == {"clicks": (1,), "orders": (0, 2)}
    assert read_assignment(b"") == frozenset()


def test_no_batch_goes_that_pushes_an_unsettled_one_out_of_the_brokers_window():
    lane = Lane("t", UUID(int=1), 0)
    lane.recent.extend([10, 11, 12, 13])
    lane.in_flight = [Batch([], 0, 0, sequence=10)]
    assert not lane.would_forget()
    lane.recent.append(14)
    assert lane.would_forget(), "15 would be the sixth since 10, which is not settled"
    lane.in_flight = [Batch([], 0, 0, sequence=11)]
    assert not lane.would_forget()


async def created_anew(universe):
    """A producer and a reader go on while their topic is deleted, and created again with the same name."""
    history, admin = History(), Client(universe, "admin")
    first = await admin.create_topic("t", partitions=1)
    writer, reading = Client(universe, "writer"), Client(universe, "reading")
    await gather(writer.find_topic("t"), reading.find_topic("t"))
    producer, reader = Producer(writer, history, acks=ALL, idempotent=True), Reader(reading, history)
    await producer.start()
    reader.follow_topics(["t"])
    for _ in range(5):
        producer.send("t", 0, 1)
    await producer.flush()
    await reader.poll(wait_ms=500)
    await admin.delete_topic("t")
    producer.send("t", 0, 1)
    await universe.sleep(1_000)
    while (second := await admin.create_topic("t", partitions=1)).id == first.id:
        await universe.sleep(100)
    await producer.flush()
    await reading.refresh()
    reader.follow_topics(["t"])
    producer.send("t", 0, 2)
    await producer.flush()
    while not reader.has_read_all():
        await reader.poll(wait_ms=500)
    return history, str(first.id), str(second.id)


def alone(story, *, nodes=3):
    async def main():
        universe = Universe(1, nodes=nodes)
        await universe.start()
        return await story(universe)

    return run_virtually(main())


def test_a_topic_that_was_created_anew_is_another_one():
    history, first, second = alone(created_anew)
    assert [(one.topic_id, one.number) for one in history.of(Sent)] == [(first, number) for number in range(6)] + [(second, 0), (second, 1)]
    assert [(one.sent.topic_id, one.sent.number) for one in history.of(GivenUp)] == [(first, 5)], "it is not sent to the new one"
    assert [(one.sent.topic_id, one.offset) for one in history.of(Acknowledged)][-2:] == [(second, 0), (second, 1)]
    assert [(one.topic_id, one.offset, one.why) for one in history.of(Positioned)] == [(first, 0, "earliest"), (second, 0, "earliest")]
    assert [(one.topic_id, one.offset) for one in history.of(Polled)] == [(first, n) for n in range(5)] + [(second, 0), (second, 1)]


async def unclean(universe):
    """A leader goes on alone, is read, and dies; a follower that has missed it all takes over."""
    history, admin = History(), Client(universe, "admin")
    configs = {"unclean.leader.election.enable": "true", "min.insync.replicas": "1"}
    await admin.create_topic("t", partitions=10, configs=configs)
    image = universe.nodes[1].image
    controller = next(number for number in universe.alive() if (node := universe.nodes[number]).controller and node.controller.active)
    index = next(number for number, part in sorted(image.topics["t"].partitions.items()) if controller not in part.replicas)
    writer, reading = Client(universe, "writer"), Client(universe, "reading")
    await gather(writer.find_topic("t"), reading.find_topic("t"))
    producer, reader = Producer(writer, history, acks=ALL, idempotent=True), Reader(reading, history)
    await producer.start()
    reader.begin("t", index)

    async def send_and_read(count):
        for _ in range(count):
            producer.send("t", index, 1)
        await producer.flush()
        reader.positions["t", index].high_watermark = -1
        while not reader.has_read_all():
            await reader.poll(wait_ms=200)

    def part():
        return universe.nodes[controller].image.topics["t"].partitions[index]

    await send_and_read(5)
    leader = part().leader
    for other in part().replicas:
        if other != leader:
            universe.simulation.links.cut(f"node-{leader}", f"node-{other}")
    await send_and_read(5)
    assert part().isr == (leader,)
    universe.crash(leader)
    await universe.until(lambda: part().leader not in (-1, leader), "a follower leads")
    await send_and_read(3)
    return history


def test_a_loss_sets_readers_back_and_makes_producers_begin_anew():
    history = alone(unclean, nodes=5)
    assert not history.of(GivenUp)
    assert [one.offset for one in history.of(Acknowledged)] == [*range(10), 5, 6, 7]
    assert [(one.offset, one.why) for one in history.of(Positioned)] == [(0, "earliest"), (5, "truncated")]
    assert [one.offset for one in history.of(Polled)] == [*range(10), 5, 6, 7]
