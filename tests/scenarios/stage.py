"""A cluster with traffic on it, for one story: faults by command lines, waiting by looking, and the ledger at the end.

    with Stage(tmp_path) as stage:
        stage.do("kill broker 1")
        stage.moved_from(1)
        stage.flows()
"""

import time

from confluent_kafka import KafkaError

from tests.clients.conftest import is_whole
from tests.clients.engine_process import EngineProcess
from tests.clients.members import Member, until
from tests.clients.traffic import PARTITIONS, Traffic, create
from tests.scenarios.ledger import compare

TOPIC, GROUP = "orders", "billing"
SMALL = ("offsets.topic.num.partitions=4",)  # fewer partitions than Kafka's 50: quicker to look at, and moved all the same
# A cable that is pulled resets nothing: a client that would wait a minute for its answer makes every story a minute longer.
PATIENCE = {"request.timeout.ms": 2000, "socket.timeout.ms": 4000, "message.timeout.ms": 60_000}
SEEN_S, STOP_S = 20, 5


class Stage:
    """Topic `orders` with `partitions`, an idempotent acks=all producer, and members of a group that must read everything once."""

    def __init__(self, folder, *, partitions=PARTITIONS, replicas=3, rate=300, members=2, configs=()):
        self.folder = folder / "data"
        self.engine = EngineProcess(self.folder, brokers=3, configs=(*SMALL, *configs))
        self.partitions = partitions
        self.facts, self.members, self.findings = [], [], None
        self._wanted = members
        self._told = (0, 0, 0)  # lost, duplicated, reordered: what the story accounts for itself
        self._replicas = replicas
        self.traffic = Traffic(self.engine.bootstrap, TOPIC, rate=rate, partitions=partitions, settings=PATIENCE)

    def __enter__(self):
        try:
            create(self.engine.bootstrap, TOPIC, partitions=self.partitions, replicas=self._replicas)
            self.traffic.__enter__()
            for _ in range(self._wanted):
                self.members.append(self.member())
            if self.members:
                until(self._every_partition_is_read, what="every partition is read")
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                self._settle()
        finally:
            self._leave()

    def _leave(self):
        self.traffic.stopped.set()
        for member in self.members:
            member.close()
        self.engine.__exit__()

    def _every_partition_is_read(self):
        self._relieve()  # that they own them is not enough
        return len({partition for partition, _, _ in self.reads()}) == self.partitions

    # ---- the script

    def do(self, line):
        """A command line that must succeed; its message."""
        outcome = self.engine.do(line)
        assert outcome["ok"], f"{line}: {outcome['message']}"
        return outcome["message"]

    def do_all(self, *lines):
        """Command lines side by side."""
        for line in lines:
            self.engine.send(line)
        outcomes = [self.engine.answer() for _ in lines]
        assert all(outcome["ok"] for outcome in outcomes), outcomes

    def until(self, seen, within_s=SEEN_S):
        """Looks until `seen(picture)`; returns the picture. Facts are gathered meanwhile."""
        return self.engine.until(lambda picture: self.gather() is None and seen(picture), within_s)

    def gather(self):
        """Takes the facts that came since; none may have been forgotten before we came."""
        last = self.facts[-1]["number"] if self.facts else 0
        fresh = self.engine.do(f"facts {last}")["facts"]
        assert not self.facts or not fresh or fresh[0]["number"] == last + 1, "facts went by unseen"
        self.facts += fresh

    def since(self, mark, kind):
        """Facts of a kind from number `mark` on."""
        self.gather()
        return [fact for fact in self.facts if fact["number"] > mark and fact["kind"] == kind]

    def cut_off(self, mark, broker, partition):
        """Offsets that this replica says to have cut from its log since then."""
        place = (broker, TOPIC, partition)
        cut = [fact for fact in self.since(mark, "LogTruncated") if (fact["node"], fact["topic"], fact["partition"]) == place]
        return {offset for fact in cut for offset in range(fact["to_offset"], fact["was_log_end_offset"])}

    def mark(self):
        """The number of the newest fact."""
        self.gather()
        return self.facts[-1]["number"]

    def accounts_for(self, *, lost=0):
        """So much is expected at the end, because the story itself has shown why."""
        self._told = (lost, 0, 0)

    def rest(self):
        """No more traffic; all that was sent is settled."""
        if not self.traffic.stopped.is_set():
            self.traffic.__exit__()

    def acks(self, more, within_s=SEEN_S, but=()):
        """Waits until every partition, but these, has acknowledged so many more records."""
        before = {partition: len(self.traffic.acked[partition]) for partition in range(self.partitions) if partition not in but}
        acked = lambda: all(len(self.traffic.acked[partition]) >= count + more for partition, count in before.items())
        until(acked, within_s, f"{more} more acknowledgements of each partition")

    def flows(self, within_s=15):
        """Every partition acknowledges; seconds until then."""
        return self.traffic.flows(within_s)

    def whole(self, within_s=30):
        """Every broker is up, every replica in sync."""
        return self.until(is_whole, within_s)

    def moved_from(self, *gone, within_s=SEEN_S):
        """Every partition of the topic is led by another broker, and none of these is in sync."""
        leads = lambda each: each["leader"] not in (*gone, -1, None) and not set(each["isr"]) & set(gone)
        return self.until(lambda picture: all(map(leads, partitions_of(picture))), within_s)

    def bounce(self, *brokers, by="kill"):
        """Down, seen to be gone, up again, in sync again."""
        self.do_all(*(f"{by} broker {broker}" for broker in brokers))
        if len(brokers) == 1:
            self.moved_from(*brokers)
            self.flows()
        self.do_all(*(f"start broker {broker}" for broker in brokers))
        self.flows(within_s=20)
        self.whole()

    # ---- who is who

    def picture(self):
        """The cluster as it is shown."""
        return self.engine.state()

    def port(self, broker):
        """Where it listens."""
        return next(each["port"] for each in self.engine.ready["brokers"] if each["id"] == broker)

    def controller(self):
        """The active one; waits until there is one."""
        return self.until(lambda picture: picture["controller"] not in (-1, None))["controller"]

    def leader_of(self, partition, topic=TOPIC):
        """Of a partition; waits until there is one."""
        leader = lambda picture: partitions_of(picture, topic)[partition]["leader"]
        return leader(self.until(lambda picture: leader(picture) not in (-1, None)))

    def create(self, topic):
        """A topic of one partition besides, for records that the ledger is not to see."""
        create(self.engine.bootstrap, topic, partitions=1)

    def leader_of_most(self, besides=None):
        """Which broker leads the most partitions, but not this one."""
        leaders = [each["leader"] for each in partitions_of(self.picture()) if each["leader"] != besides]
        return max(sorted(set(leaders)), key=leaders.count)

    def member(self, **settings):
        """One more member of the group: cooperative, committing."""
        return Member(self.engine.bootstrap, TOPIC, GROUP, partition_assignment_strategy="cooperative-sticky", **settings)

    # ---- the end

    def reads(self):
        """What all members have read, in order."""
        return [read for member in self.members for read in list(member.read)]

    def _settle(self):
        """All that was sent is settled, all that was acknowledged is read; then the ledger speaks."""
        self.whole()
        self.rest()
        acked = {partition: list(values) for partition, values in self.traffic.acked.items()}
        if self.members:
            deadline = time.monotonic() + SEEN_S
            while unread := self._unread(acked):
                self._relieve()
                assert time.monotonic() < deadline, f"unread {unread}; {self._group()}"
                time.sleep(0.05)
            self.findings = compare(acked, self.reads())
            broken = set(self.findings.broken) - self.traffic.excused
            assert not broken, f"{self.findings} of {self.traffic.count}"
        differences = self.traffic.differences(lost=self._told[0])
        assert differences == self._told, f"read from the beginning: {differences} lost, duplicated, reordered"
        for member in self.members:
            member.close()
        assert self.engine.stop() < STOP_S


    def _unread(self, acked):
        """Partition -> how many of its acknowledged records nobody has read."""
        read = [{value for found, _, value in self.reads() if found == partition} for partition in range(self.partitions)]
        left = {partition: len(set(values) - read[partition]) for partition, values in sorted(acked.items())}
        return {partition: number for partition, number in left.items() if number}

    def _relieve(self):
        """librdkafka (its issue 5586) never reads what it was given while OffsetFetch was refused: such a member makes way for another."""
        for member in [one for one in self.members if not one.closed and any(map(is_stuck, one.errors))]:
            member.close()
            self.members.append(self.member())

    def _group(self):
        """How it stands, for a failure's message."""
        owned = [(sorted(member.owned), member.lost, member.errors[-3:]) for member in self.members]
        return f"members own, lost, said: {owned}; group: {self.picture()['groups']}"


def is_stuck(error):
    """Is it what a member says that will not read on?"""
    return error.code() == KafkaError.NOT_COORDINATOR and "Failed to fetch committed offsets" in error.str()


def partitions_of(picture, topic=TOPIC):
    """Its partitions, in order."""
    return sorted(next(each["partitions"] for each in picture["topics"] if each["name"] == topic), key=lambda each: each["partition"])
