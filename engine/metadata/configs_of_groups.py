"""The configs that a group can have, as in Apache Kafka 4.3."""

from engine.metadata.config_kinds import (
    BOOLEAN,
    INT,
    STRING,
    Setting,
)

# fmt: off
GROUP_SETTINGS: tuple[Setting, ...] = (
    Setting("consumer.assignment.interval.ms", INT, 1000, "Shortest time between two assignments of a consumer group.", least=0),
    Setting("consumer.heartbeat.interval.ms", INT, 5000, "How often members of a consumer group send heartbeats.", least=1),
    Setting("consumer.session.timeout.ms", INT, 45_000, "Silence after which a member of a consumer group is taken for dead.", least=1),
    Setting("share.assignment.interval.ms", INT, 1000, "Shortest time between two assignments of a share group.", least=0),
    Setting("share.auto.offset.reset", STRING, "latest", "Where a share group starts on a partition that it has not read yet."),
    Setting("share.delivery.count.limit", INT, 5, "How often a record is handed out before it is given up.", least=2),
    Setting("share.heartbeat.interval.ms", INT, 5000, "How often members of a share group send heartbeats.", least=1),
    Setting("share.isolation.level", STRING, "read_uncommitted", "Whether a share group sees records of open or aborted transactions.", one_of=("read_committed", "read_uncommitted")),
    Setting("share.partition.max.record.locks", INT, 2000, "Records of one partition that may be handed out at once.", least=100),
    Setting("share.record.lock.duration.ms", INT, 30_000, "How long a record belongs to the member that has it.", least=1000),
    Setting("share.renew.acknowledge.enable", BOOLEAN, True, "Whether members may prolong their hold on a record."),
    Setting("share.session.timeout.ms", INT, 45_000, "Silence after which a member of a share group is taken for dead.", least=1),
    Setting("streams.assignment.interval.ms", INT, 1000, "Shortest time between two assignments of a streams group.", least=0),
    Setting("streams.heartbeat.interval.ms", INT, 5000, "How often members of a streams group send heartbeats.", least=1),
    Setting("streams.initial.rebalance.delay.ms", INT, 3000, "How long an empty streams group waits for more members before its first assignment.", least=0),
    Setting("streams.num.standby.replicas", INT, 0, "Warm copies of each task's state.", least=0),
    Setting("streams.session.timeout.ms", INT, 45_000, "Silence after which a member of a streams group is taken for dead.", least=1),
)
