"""Members of a group that are watched: what they read, every assignment that they were given, every error that they reported."""

import subprocess
import sys
import threading
import time

from confluent_kafka import Consumer

SESSION_MS = 6000


class Member:
    """A confluent-kafka consumer on a thread of its own, auto commit on. Use it in a `with`: it closes at the end."""

    def __init__(self, bootstrap, topic, group, **settings):
        self.assignments, self.revocations, self.lost, self.errors, self.times, self.read = [], [], [], [], [], []
        self.owned = set()  # the consumer itself must not be asked from another thread: it may answer never
        self._stop = threading.Event()
        settings = {name.replace("_", "."): value for name, value in settings.items()}
        self.consumer = Consumer(
            {
                "bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest", "session.timeout.ms": SESSION_MS,
                "heartbeat.interval.ms": 1000, "auto.commit.interval.ms": 500, "error_cb": self.errors.append, "log_level": 2,
            }
            | settings
        )  # fmt: skip
        self.consumer.subscribe(
            [topic],
            on_assign=lambda _, given: self._changed(self.assignments, given, self.owned.update),
            on_revoke=lambda _, taken: self._changed(self.revocations, taken, self.owned.difference_update),
            on_lost=lambda _, taken: self._changed(self.lost, taken, self.owned.difference_update),
        )
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _changed(self, history, partitions, change):
        history.append(sorted(one.partition for one in partitions))
        change(history[-1])

    def _run(self):
        while not self._stop.is_set():
            message = self.consumer.poll(0.1)
            if message is not None and message.error():
                self.errors.append(message.error())
            elif message is not None:
                self.times.append(time.monotonic())
                self.read.append((message.partition(), message.offset(), message.value()))

    @property
    def closed(self):
        """Has it left the group?"""
        return self._stop.is_set()

    @property
    def rebalances(self):
        """How often it was given and relieved of partitions."""
        return len(self.assignments), len(self.revocations), len(self.lost)

    def close(self):
        """Leaves the group."""
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join(10)
            self.consumer.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def balanced(members, partitions):
    """Do the members, each with its last assignment, own all partitions together?"""
    owned = [member.assignments[-1] if member.assignments else [] for member in members]
    return all(owned) and sorted(sum(owned, [])) == list(range(partitions))


def until(seen, within_s=15, what="it"):
    """Waits for a condition; how long that took."""
    began = time.monotonic()
    while not seen():
        assert time.monotonic() - began < within_s, f"{what}: not within {within_s} s"
        time.sleep(0.02)
    return time.monotonic() - began


CRASHING = """
import sys
from confluent_kafka import Consumer
consumer = Consumer({"bootstrap.servers": sys.argv[1], "group.id": sys.argv[3], "session.timeout.ms": int(sys.argv[4]), "log_level": 2,
                     "heartbeat.interval.ms": 500, "auto.offset.reset": "earliest"})
consumer.subscribe([sys.argv[2]], on_assign=lambda _, given: print(len(given), flush=True))
while True:
    consumer.poll(0.1)
"""


def member_process(bootstrap, topic, group, session_ms):
    """A member that can be killed; returns once it has been given partitions."""
    arguments = [sys.executable, "-c", CRASHING, bootstrap, topic, group, str(session_ms)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE)
    assert int(process.stdout.readline()) > 0
    return process
