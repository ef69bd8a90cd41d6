"""aiokafka as it comes, in the simulated world: what it was told is safe is read by its group, though a leader crashes meanwhile."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from engine.world.tasks import spawn
from engine.world.virtual_loop import run_virtually
from tests.simulation.client import Client
from tests.simulation.streams_bridge import foreign_client
from tests.simulation.universe import Universe

TOPIC, PARTITIONS, RECORDS = "letters", 3, 120
BETWEEN_MS = 60
BOOTSTRAP = "node-1:9092,node-2:9092,node-3:9092"
WITHIN_MS = 60_000


def consumer():
    return AIOKafkaConsumer(
        TOPIC, bootstrap_servers=BOOTSTRAP, client_id="reader", group_id="post", auto_offset_reset="earliest", enable_auto_commit=False,
        session_timeout_ms=3_000, heartbeat_interval_ms=500, request_timeout_ms=5_000,
    )  # fmt: skip


async def read(reader, found):
    async for record in reader:
        found.setdefault(record.partition, []).append((record.offset, record.value))
        await reader.commit({TopicPartition(TOPIC, record.partition): record.offset + 1})


async def write(universe):
    acknowledged = {}
    async with AIOKafkaProducer(
        bootstrap_servers=BOOTSTRAP, client_id="writer", acks="all", enable_idempotence=True, request_timeout_ms=5_000, linger_ms=0
    ) as producer:
        for number in range(RECORDS):
            value = b"letter %d" % number
            told = await producer.send_and_wait(TOPIC, value, partition=number % PARTITIONS, timestamp_ms=universe.simulation.now_ms())
            acknowledged.setdefault(told.partition, []).append((told.offset, value))
            await universe.sleep(BETWEEN_MS)
    return acknowledged


async def crash_the_leader(universe):
    await universe.sleep(2_500)
    victim = universe.nodes[universe.alive()[0]].image.topics[TOPIC].partitions[0].leader
    universe.crash(victim)
    await universe.sleep(3_000)
    await universe.start_node(victim)


async def story(seed):
    universe = Universe(seed)
    await universe.start()
    client = Client(universe, "admin")
    await client.create_topic(TOPIC, partitions=PARTITIONS, configs={"min.insync.replicas": "2"})
    with foreign_client(universe, "client-aiokafka"):
        reader, found = consumer(), {}
        await reader.start()
        reading = spawn(read(reader, found), name="aiokafka reads")
        crashing = spawn(crash_the_leader(universe), name="crash")
        acknowledged = await write(universe)
        await crashing
        await universe.until(lambda: sum(map(len, found.values())) >= RECORDS, "everything is read", within_ms=WITHIN_MS)
        reading.cancel()
        await asyncio.wait([reading])
        await reader.stop()
        await asyncio.sleep(0.1)  # its connections end
    client.close()
    return acknowledged, found, universe.digest()


def test_what_is_acknowledged_is_read_in_order_and_once():
    acknowledged, found, _ = run_virtually(story(3))
    assert [len(acknowledged[partition]) for partition in range(PARTITIONS)] == [RECORDS // PARTITIONS] * PARTITIONS
    assert found == acknowledged


def test_a_seed_decides_a_run_with_it():
    """In one process, or under one PYTHONHASHSEED: aiokafka walks through sets of partitions, whose order Python's hashes decide."""
    assert run_virtually(story(4))[2] == run_virtually(story(4))[2]
