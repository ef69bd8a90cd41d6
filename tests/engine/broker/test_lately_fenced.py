"""A broker that was fenced is named in Metadata for a moment more, in demos; with Kafka's timings as Kafka does."""

from uuid import UUID

import pytest

from engine.broker.lately_fenced import NAMED_MS, LatelyFenced
from engine.metadata.delta import replay_all
from engine.metadata.image import MetadataImage
from engine.protocol.stored import metadata as stored

EPOCH = 10


class Watch:
    now = 0.0

    def monotonic_ms(self):
        return self.now


class Room:
    """Three brokers that are up, in the image of a node with this profile."""

    def __init__(self, profile="demo"):
        self.watch, self.image = Watch(), MetadataImage()
        self.lately_fenced = LatelyFenced(clock=self.watch, image=self.image, profile=profile)
        for number in (1, 2, 3):
            self.happens(registered(number), changed(number, fenced=stored.UNFENCE))

    def happens(self, *records):
        start = self.image.offset + 1
        self.lately_fenced.follow(replay_all(self.image, list(enumerate(records, start=start)), epoch=1))

    def named(self, *, after_ms=0.0):
        self.watch.now += after_ms
        return [broker.id for broker in self.lately_fenced.named()]


def registered(number, epoch=EPOCH):
    listener = stored.Endpoint(name="PLAINTEXT", host="h", port=9000 + number)
    return stored.RegisterBrokerRecord(broker_id=number, incarnation_id=UUID(int=epoch), broker_epoch=epoch, end_points=(listener,))


def changed(number, **fields):
    return stored.BrokerRegistrationChangeRecord(broker_id=number, broker_epoch=EPOCH, **fields)


def test_it_is_named_a_moment_longer_and_then_no_more():
    room = Room()
    room.happens(changed(2, fenced=stored.FENCE))
    assert room.named(after_ms=NAMED_MS["demo"] - 1) == [1, 2, 3]
    assert room.named(after_ms=1) == [1, 3]


def test_profile_kafka_drops_it_at_once():
    room = Room("kafka")
    room.happens(changed(2, fenced=stored.FENCE))
    assert room.named() == [1, 3]


@pytest.mark.parametrize("left", [(changed(2, in_controlled_shutdown=1),), ()])
def test_who_left_in_good_order_is_not_named(left):
    room = Room()
    room.happens(*left)
    room.happens(changed(2, fenced=stored.FENCE))
    assert room.named() == ([1, 3] if left else [1, 2, 3])


def test_who_is_back_is_named_as_alive_and_who_is_unregistered_no_more():
    room = Room()
    room.happens(changed(2, fenced=stored.FENCE), changed(3, fenced=stored.FENCE))
    room.happens(changed(2, fenced=stored.UNFENCE), stored.UnregisterBrokerRecord(broker_id=3, broker_epoch=EPOCH))
    assert room.named() == [1, 2]
    assert room.named(after_ms=9_000) == [1, 2]


def test_who_was_fenced_all_the_while_is_not_named():
    room = Room()
    room.happens(registered(4, epoch=11))
    assert room.named() == [1, 2, 3]
