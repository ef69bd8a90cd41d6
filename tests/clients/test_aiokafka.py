"""aiokafka: produces idempotently, reads in a group, and shares with a second member."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.clients.traffic import PARTITIONS, create

RECORDS = 300
WITHIN_S = 20


async def member(engine, topic):
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=engine.bootstrap, group_id=topic, auto_offset_reset="earliest", session_timeout_ms=6000,
        heartbeat_interval_ms=500, auto_commit_interval_ms=300,
    )  # fmt: skip
    await consumer.start()
    return consumer


async def read(consumer, values):
    async for record in consumer:
        values.append(record.value)


async def until(seen):
    async with asyncio.timeout(WITHIN_S):
        while not seen():
            await asyncio.sleep(0.02)


async def send(producer, topic, numbers):
    for number in numbers:
        await producer.send_and_wait(topic, key=b"%d" % number, value=b"%d" % number)


async def test_produce_and_read_in_a_group_of_two(engine, name):
    create(engine.bootstrap, name)
    async with AIOKafkaProducer(bootstrap_servers=engine.bootstrap, acks="all", enable_idempotence=True) as producer:
        await send(producer, name, range(RECORDS))
        first, found = await member(engine, name), []
        reading = [asyncio.create_task(read(first, found))]
        await until(lambda: len(found) == RECORDS)
        second = await member(engine, name)
        reading.append(asyncio.create_task(read(second, found)))
        await until(lambda: second.assignment() and len(first.assignment()) + len(second.assignment()) == PARTITIONS)
        await send(producer, name, range(RECORDS, 2 * RECORDS))
        await until(lambda: len(found) >= 2 * RECORDS)
        await second.stop()
        await until(lambda: len(first.assignment()) == PARTITIONS)
        await first.stop()
    for task in reading:
        task.cancel()
    assert sorted(found, key=int) == [b"%d" % number for number in range(2 * RECORDS)]
