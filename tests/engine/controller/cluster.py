"""A committed image to decide against: brokers and topics by one line each, and decisions played into it."""

import uuid

from engine.controller.decision import Decision
from engine.controller.view import ELR_FEATURE, View
from engine.metadata.configs import Config
from engine.metadata.delta import replay_all
from engine.metadata.image import MetadataImage
from engine.protocol.stored.metadata import FeatureLevelRecord, PartitionRecord, RegisterBrokerRecord, TopicRecord
from engine.world.chance import Chance

CLUSTER_ID = "abcdefghijklmnopqrstuv"
LOG_DIRS = {broker: (uuid.UUID(int=1000 + broker),) for broker in range(1, 20)}


def incarnation(broker, life=1):
    return uuid.UUID(int=broker * 100 + life)


class Cluster:
    """`brokers` with racks, unfenced unless said otherwise."""

    def __init__(self, brokers=3, racks=None, fenced=(), elr=True, config=None):
        self.image = MetadataImage()
        self.config = Config({"node.id": "1"} | (config or {}))
        self.chance = Chance(7)
        if elr:
            self.play([FeatureLevelRecord(name=ELR_FEATURE, feature_level=1)])
        for broker in range(1, brokers + 1):
            self.add(broker, rack=racks[broker - 1] if racks else None, fenced=broker in fenced)

    def add(self, broker, *, rack=None, fenced=False, life=1):
        self.play(
            [
                RegisterBrokerRecord(
                    broker_id=broker, incarnation_id=incarnation(broker, life), broker_epoch=self.next_offset, rack=rack,
                    fenced=fenced, log_dirs=LOG_DIRS[broker],
                )  # fmt: skip
            ]
        )

    def topic(self, name, *assignments, isr=None):
        topic_id = uuid.uuid5(uuid.NAMESPACE_DNS, name)
        records = [TopicRecord(name=name, topic_id=topic_id)]
        for index, replicas in enumerate(assignments):
            records.append(
                PartitionRecord(
                    partition_id=index, topic_id=topic_id, replicas=tuple(replicas), isr=tuple(isr or replicas), leader=replicas[0],
                    leader_epoch=0, partition_epoch=0,
                )  # fmt: skip
            )
        self.play(records)
        return topic_id

    @property
    def next_offset(self):
        return self.image.offset + 1

    @property
    def view(self):
        self.config.follow(self.image)
        return View(self.image, self.config)

    def play(self, decided):
        """Commit the records of a decision."""
        records = decided.records if isinstance(decided, Decision) else decided
        offset = self.image.offset
        return replay_all(self.image, [(offset + step + 1, record) for step, record in enumerate(records)])

    def line(self, topic, index=0):
        """One partition in one line: leader@epoch isr elr last."""
        partition = self.image.partition(topic, index)

        def ids(replicas):
            return "[" + " ".join(map(str, replicas)) + "]"

        rest = f" elr={ids(partition.elr)}" if partition.elr else ""
        rest += f" last={ids(partition.last_known_elr)}" if partition.last_known_elr else ""
        rest += " recovering" if partition.leader_recovery_state else ""
        return f"leader={partition.leader}@{partition.leader_epoch} isr={ids(partition.isr)}{rest}"


def told(decision):
    """The facts of a decision: kind and what it follows from."""
    return [(type(telling.fact).__name__, [type(cause.fact).__name__ for cause in telling.because]) for telling in decision.tellings]
