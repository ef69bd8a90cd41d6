"""Requests that promise more than they hold are refused before memory is reserved; all that can be built pass."""

import random

import pytest

from engine.protocol.api_keys import API_KEYS
from engine.protocol.codec import Malformed, build, decode_body, encode_body, message_class
from engine.protocol.promises import BrokenPromise, _struct, check_promises

PRODUCE_ADVERTISED_ONLY = 3
SERVED = [
    (api.name, version)
    for api in API_KEYS.values()
    for version in range(max(api.oldest, PRODUCE_ADVERTISED_ONLY if api.name == "Produce" else 0), api.newest + 1)
]
ROW = {"name": "orders", "num_partitions": 3, "replication_factor": 2, "assignments": (), "configs": ()}


@pytest.mark.parametrize("version", [4, 7])
def test_an_array_of_billions_is_refused(version):
    length = b"\x7f\xff\xff\xff" if version < 5 else b"\xff\xff\xff\xff\x7f"
    with pytest.raises(Malformed, match="promised"):
        decode_body("CreateTopics", "request", version, length + b"\0" * 30)


def test_an_array_in_a_tagged_field_is_looked_into():
    body = encode_body(build("BrokerHeartbeat", "request", 1, broker_id=1, broker_epoch=1, current_metadata_offset=1))
    with pytest.raises(BrokenPromise):
        check_promises(message_class("BrokerHeartbeat", "request", 1), body[:-1] + b"\1\0\5\xff\xff\xff\xff\x7f", 0)


@pytest.mark.parametrize("version", range(2, 8))
def test_the_walk_ends_where_the_request_does(version):
    body = encode_body(build("CreateTopics", "request", version, topics=[ROW, ROW | {"name": "ø" * 50}], timeout=1000, validate_only=False))
    assert _struct(message_class("CreateTopics", "request", version))(body, 0) == len(body)


def test_every_request_can_be_walked():
    for name, version in SERVED:
        body = encode_body(build(name, "request", version))
        assert _struct(message_class(name, "request", version))(body, 0) == len(body), (name, version)


def test_random_bytes_are_no_request_or_one_and_never_the_end_of_the_process():
    chance = random.Random(1)
    for number in range(10_000):
        name, version = SERVED[number % len(SERVED)]
        try:
            decode_body(name, "request", version, chance.randbytes(chance.choice((0, 3, 20, 300))))
        except Malformed:
            pass


def test_a_number_without_end_is_refused_at_its_sixth_byte():
    with pytest.raises(Malformed, match="more than five bytes"):
        decode_body("CreateTopics", "request", 7, b"\xff" * 1_000_000)
