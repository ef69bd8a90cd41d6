"""The group handlers at every version, against what Apache Kafka 4.3.1 said in the same conversation (group_answers.txt).

The answers were recorded by tests/oracle/test_groups.py.
"""

import pathlib
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from engine.broker.dispatch import Dispatch
from engine.broker.handlers import TABLE
from engine.broker.request_context import RequestContext
from engine.coordination.shards import OFFSETS_TOPIC, Shards
from engine.events.journal import Journal
from engine.metadata.configs import Config
from engine.metadata.image import BrokerImage, MetadataImage, PartitionImage, TopicImage
from engine.protocol.codec import Message, build, decode_request, decode_response, encode_request, encode_response
from engine.world.simulated import Simulation
from engine.world.tasks import Promise, spawn
from engine.world.virtual_loop import run_virtually
from tests.engine.coordination.fake_partition import FakePartition
from tests.oracle.group_conversation import TOPIC, Known, Step, conversation, learn, normal

RECORDED = pathlib.Path(__file__).parent / "group_answers.txt"


def image() -> MetadataImage:
    made = MetadataImage()
    made.brokers[1] = BrokerImage(
        id=1, epoch=1, incarnation_id=UUID(int=1), host="127.0.0.1", port=9092, rack=None, fenced=False, in_controlled_shutdown=False
    )
    for number, (name, partitions) in enumerate(((TOPIC, 2), (OFFSETS_TOPIC, 5))):
        one = PartitionImage(leader=1, leader_epoch=0, partition_epoch=0, replicas=(1,), isr=(1,))
        made.topics[name] = TopicImage(id=UUID(int=number + 7), name=name, partitions=dict.fromkeys(range(partitions), one))
        made.topic_names[made.topics[name].id] = name
    return made


class Talk:
    """A node of which only the groups are there, asked through the real dispatch and the real bytes."""

    def __init__(self) -> None:
        self.simulation = Simulation(1)
        world = self.simulation.world("node-1")
        journal = Journal(node=1, incarnation=1, now_ms=world.clock.now_ms)
        config = Config({"group.initial.rebalance.delay.ms": "0"}, profile="kafka")
        made = image()
        self.shards = Shards(world=world, image=made, journal=journal, config=config)
        for index in range(5):
            self.shards.on_leading(FakePartition(index))
        self.node: Any = SimpleNamespace(image=made, groups=self.shards, world=world, spawn=spawn, create_internal_topic=lambda name: None)
        self.dispatch = Dispatch(self.node, TABLE)
        self.known = Known(topic_id=made.topics[TOPIC].id)
        self.unanswered: dict[str, Promise[Message]] = {}

    async def ask(self, api: str, version: int, told: dict[str, Any]) -> Message:
        data = encode_request(build(api, "request", version, **told), correlation_id=1, client_id="raw")
        header, request = decode_request(memoryview(data)[4:])
        answered: Promise[Message] = Promise()
        context = RequestContext(
            node=self.node,
            connection=None,
            api_key=header.api_key,
            api_version=version,
            correlation_id=1,
            client_id=header.client_id,
            deliver=answered.resolve,
        )
        self.dispatch.serve(TABLE[header.api_key], context, request)
        answer = encode_response(await answered.wait(), correlation_id=1)
        return decode_response(api, version, memoryview(answer)[4:])[1]

    async def take(self, step: Step) -> str | None:
        if step.mode == "send":
            promise = self.unanswered[step.client] = Promise()
            told = step.told(self.known)

            async def later() -> None:
                promise.resolve(await self.ask(step.api, step.version, told))

            spawn(later(), name=f"{step.client} waits")
            await self.simulation.sleep(1)
            return None
        if step.mode == "receive":
            answer = await self.unanswered.pop(step.client).wait()
        else:
            answer = await self.ask(step.api, step.version, step.told(self.known))
        learn(step, answer, self.known)
        return normal(step, answer, self.known)


async def hold() -> list[str]:
    talk = Talk()
    await talk.simulation.sleep(10)
    said = [answer for step in conversation() if step.api != "ListGroups" and (answer := await talk.take(step)) is not None]
    talk.shards.close()
    return said


def test_we_say_what_apache_kafka_said() -> None:
    recorded = RECORDED.read_text().splitlines()
    said = run_virtually(hold())
    for number, (own, theirs) in enumerate(zip(said, recorded, strict=True)):
        assert own == theirs, f"answer {number}"
