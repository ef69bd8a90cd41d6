"""Apache Kafka and ours behind the same few words: kill, start, freeze, thaw; same timings, so that their outcomes may be compared."""

import time
from pathlib import Path

from confluent_kafka.admin import AdminClient

from tests.clients.apache_kafka import ApacheKafkaProcess
from tests.clients.engine_process import EngineProcess
from tests.clients.members import until

WHOLE_S = 90
HEARD_S = 15
# Short, and the same on both sides; the rest is Kafka's default.
TIMINGS = (
    "broker.session.timeout.ms=1500",
    "broker.heartbeat.interval.ms=300",
    "controller.quorum.fetch.timeout.ms=800",
    "controller.quorum.election.timeout.ms=400",
    "replica.lag.time.max.ms=3000",
    "group.initial.rebalance.delay.ms=0",
    "offsets.topic.num.partitions=4",
)


class Side:
    """Three brokers. Use it in a `with`; `name` heads its rows."""

    name = ""
    bootstrap = ""

    def kill(self, broker):
        self._do("kill", broker)

    def start(self, broker):
        self._do("start", broker)

    def freeze(self, broker):
        self._do("freeze", broker)

    def thaw(self, broker):
        self._do("thaw", broker)

    def pid(self, broker):
        """Of its process."""
        raise NotImplementedError

    def address(self, broker):
        """host:port."""
        return self.bootstrap.split(",")[broker - 1]

    def known(self, topic):
        """Partition -> (leader, ISR), as any client is told; nothing while nobody tells."""
        found = self._admin.list_topics(topic, timeout=10).topics[topic].partitions
        return {index: (one.leader, sorted(one.isrs)) for index, one in sorted(found.items())}

    def heard_of(self, topic):
        """`known`, once there is something: a broker may hear of a new topic after the one that was asked before it."""
        found = {}
        until(lambda: found.update(self.known(topic)) or found, HEARD_S, f"{self.name} knows {topic}")
        return found

    def leader_of_most(self, topic):
        """Which broker leads the most partitions."""
        leaders = [leader for leader, _ in self.heard_of(topic).values()]
        return max(sorted(set(leaders)), key=leaders.count)

    def whole(self, topic):
        """Every replica of the topic is in sync; seconds until then."""
        return until(lambda: self._is_whole(topic), WHOLE_S, f"{self.name} is whole")

    def _is_whole(self, topic):
        known = self.known(topic)
        time.sleep(0.05)  # a question to a real cluster, not a spin
        return bool(known) and all(leader >= 0 and len(isr) == 3 for leader, isr in known.values())

    def _began(self, bootstrap):
        self.bootstrap = bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2, "topic.metadata.refresh.interval.ms": 1000})

    def _do(self, verb, broker):
        raise NotImplementedError

    def __enter__(self):
        return self

    def __exit__(self, *_):
        raise NotImplementedError


class Ours(Side):
    """`python -m engine`, profile `kafka`."""

    name = "ours"

    def __init__(self, folder):
        self.engine = EngineProcess(Path(folder) / "ours", brokers=3, profile="kafka", configs=TIMINGS)
        self._began(self.engine.bootstrap)

    def pid(self, broker):
        return next(each["pid"] for each in self.engine.state()["brokers"] if each["id"] == broker)

    def _do(self, verb, broker):
        outcome = self.engine.do(f"{verb} broker {broker}")
        assert outcome["ok"], outcome

    def __exit__(self, *_):
        self.engine.__exit__()


class ApacheKafka(Side):
    """Three nodes of its own."""

    name = "Apache Kafka"

    def __init__(self, folder):
        self._nodes = ApacheKafkaProcess(Path(folder), TIMINGS)
        self._began(self._nodes.bootstrap)

    def pid(self, broker):
        return self._nodes.pid(broker)

    def _do(self, verb, broker):
        self._nodes.order(verb, str(broker))

    def __exit__(self, *_):
        self._nodes.__exit__()
