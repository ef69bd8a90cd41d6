"""Kafka's own kafka-verifiable-producer and -consumer in the background, and what they say."""

import json
import signal
import subprocess
import threading

from tests.clients.apache_kafka import PEER

STOP_S = 30
PRODUCER = """\
retries=2147483647
enable.idempotence=true
request.timeout.ms=2000
delivery.timeout.ms=60000
metadata.max.age.ms=1000
"""
CONSUMER = """\
metadata.max.age.ms=1000
request.timeout.ms=4000
default.api.timeout.ms=60000
"""


class Tool:
    """One of Kafka's tools until the `with` ends: SIGTERM, upon which it finishes its work."""

    def __init__(self, name, folder, config, *words):
        file = folder / f"{name}.properties"
        file.write_text(config)
        self.said, self.others = [], []
        self.process = subprocess.Popen(
            [str(PEER), name, "--command-config", str(file), *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        for line in self.process.stdout:
            if line.startswith("{"):
                self.said.append(json.loads(line))
            else:
                self.others.append(line)

    def named(self, name):
        """What it said under this name."""
        return [one for one in list(self.said) if one["name"] == name]

    def close(self):
        """Returns when it has gone, and all that it said was heard."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self._thread.join(STOP_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.close()


class VerifiableProducer(Tool):
    """Numbers as values, idempotent, acks=all."""

    def __init__(self, folder, bootstrap, topic, *, rate):
        words = ("--bootstrap-server", bootstrap, "--topic", topic, "--throughput", str(rate), "--acks", "-1", "--repeating-keys", "50")
        super().__init__("kafka-verifiable-producer", folder, PRODUCER, *words)

    @property
    def count(self):
        """So many records are acknowledged."""
        return len(self.named("producer_send_success"))

    def acked(self):
        """Values by partition."""
        found = {}
        for one in self.named("producer_send_success"):
            found.setdefault(one["partition"], []).append(one["value"].encode())
        return found


class VerifiableConsumer(Tool):
    """Reads from the beginning, commits after every poll."""

    def __init__(self, folder, bootstrap, topic, group):
        words = ("--bootstrap-server", bootstrap, "--topic", topic, "--group-id", group, "--reset-policy", "earliest", "--verbose")
        super().__init__("kafka-verifiable-consumer", folder, CONSUMER, *words)

    def reads(self):
        """(partition, offset, value) in the order in which they were read."""
        return [(one["partition"], one["offset"], one["value"].encode()) for one in self.named("record_data")]
