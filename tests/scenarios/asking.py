"""One record by hand at one broker, whatever that broker believes to be: what it answers, and when."""

import time

from engine.protocol.errors import ErrorCode
from engine.protocol.record_batch import Record, encode_batch
from tests.clients.raw_client import RawClient

TIMEOUT_MS = 2_000


class Asking:
    """A connection to `broker` of a stage; it was opened while all was well."""

    def __init__(self, port, topic):
        self._client, self._topic = RawClient(f"localhost:{port}"), topic

    def send(self, value, *, acks, partition=0):
        """Sends; the answer comes by `answer`."""
        records = bytes(encode_batch([Record(0, int(time.time() * 1000), None, value, [])]))
        data = [{"name": self._topic, "partition_data": [{"index": partition, "records": records}]}]
        self._client.send("Produce", 9, acks=acks, timeout=TIMEOUT_MS, topic_data=data)

    def answer(self):
        """(error, offset) of the oldest that was sent."""
        found = self._client.receive().responses[0].partition_responses[0]
        return ErrorCode(found.error_code), found.base_offset

    def produce(self, value, *, acks, partition=0):
        """(error, offset, seconds)."""
        began = time.monotonic()
        self.send(value, acks=acks, partition=partition)
        return *self.answer(), time.monotonic() - began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._client.close()
