"""The records of the metadata log, `__cluster_metadata`, as Apache Kafka 4.3 writes and reads them.

Field names are Kafka's in snake_case. Arrays are read as tuples. `WRITTEN_VERSION` is the version that we write: what a
Kafka 4.3 controller writes at its newest metadata.version. Delegation tokens, and the ZooKeeper migration, are read only.
"""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from engine.protocol.stored.schema import (
    BOOL,
    BYTES,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    STRING,
    UINT16,
    UUID_,
    Buffer,
    Malformed,
    array_of,
    column,
    decode_body,
    encode_framed,
    read_frame,
    stored,
)

NO_LEADER = -1
NO_LEADER_CHANGE = -2  # PartitionChangeRecord.leader: the leader stays
FENCE, UNFENCE = 1, -1  # BrokerRegistrationChangeRecord.fenced; 0 leaves it
ENTER_CONTROLLED_SHUTDOWN = 1  # BrokerRegistrationChangeRecord.in_controlled_shutdown; 0 leaves it
RESOURCE_TOPIC, RESOURCE_BROKER, RESOURCE_GROUP = 2, 4, 32  # ConfigRecord.resource_type
METADATA_VERSION_FEATURE = "metadata.version"


class MetadataRecord:
    """Any record of the metadata log."""

    __slots__ = ()
    API_KEY: ClassVar[int]
    WRITTEN_VERSION: ClassVar[int]


@stored()
class Endpoint:
    """Where a broker or a controller listens. The security protocol is 0 for PLAINTEXT."""

    name: str = column(STRING)
    host: str = column(STRING)
    port: int = column(UINT16)
    security_protocol: int = column(INT16, default=0)


@stored()
class SupportedFeature:
    name: str = column(STRING)
    min_supported_version: int = column(INT16, default=0)
    max_supported_version: int = column(INT16)


@stored(versions=range(5))
class RegisterBrokerRecord(MetadataRecord):
    """A broker came, with a new epoch; it is fenced until it has caught up."""

    API_KEY = 0
    WRITTEN_VERSION = 4
    broker_id: int = column(INT32)
    is_migrating_zk_broker: bool = column(BOOL, since=2, default=False)
    incarnation_id: UUID = column(UUID_)
    broker_epoch: int = column(INT64)
    end_points: tuple[Endpoint, ...] = column(array_of(Endpoint), default=())
    features: tuple[SupportedFeature, ...] = column(array_of(SupportedFeature), default=())
    rack: str | None = column(STRING, nullable_since=0, default=None)
    fenced: bool = column(BOOL, default=True)
    in_controlled_shutdown: bool = column(BOOL, since=1, default=False)
    log_dirs: tuple[UUID, ...] = column(array_of(UUID_), since=3, tag=0, default=())
    cordoned_log_dirs: tuple[UUID, ...] | None = column(array_of(UUID_), since=4, tag=1, nullable_since=4, default=None)


@stored()
class UnregisterBrokerRecord(MetadataRecord):
    API_KEY = 1
    WRITTEN_VERSION = 0
    broker_id: int = column(INT32)
    broker_epoch: int = column(INT64)


@stored()
class TopicRecord(MetadataRecord):
    API_KEY = 2
    WRITTEN_VERSION = 0
    name: str = column(STRING)
    topic_id: UUID = column(UUID_)


@stored(versions=range(3))
class PartitionRecord(MetadataRecord):
    """A new partition. `directories` are one directory id a replica, or empty."""

    API_KEY = 3
    WRITTEN_VERSION = 2
    partition_id: int = column(INT32, default=-1)
    topic_id: UUID = column(UUID_)
    replicas: tuple[int, ...] = column(array_of(INT32))
    isr: tuple[int, ...] = column(array_of(INT32))
    removing_replicas: tuple[int, ...] = column(array_of(INT32), default=())
    adding_replicas: tuple[int, ...] = column(array_of(INT32), default=())
    leader: int = column(INT32, default=NO_LEADER)
    leader_recovery_state: int = column(INT8, tag=0, default=0)
    leader_epoch: int = column(INT32, default=-1)
    partition_epoch: int = column(INT32, default=-1)
    directories: tuple[UUID, ...] = column(array_of(UUID_), since=1, default=())
    eligible_leader_replicas: tuple[int, ...] | None = column(array_of(INT32), since=2, tag=1, nullable_since=2, default=None)
    last_known_elr: tuple[int, ...] | None = column(array_of(INT32), since=2, tag=2, nullable_since=2, default=None)


@stored()
class ConfigRecord(MetadataRecord):
    """One config of one resource; a null value takes it away. The cluster-wide broker default has the name ''."""

    API_KEY = 4
    WRITTEN_VERSION = 0
    resource_type: int = column(INT8)
    resource_name: str = column(STRING)
    name: str = column(STRING)
    value: str | None = column(STRING, nullable_since=0)


@stored(versions=range(3))
class PartitionChangeRecord(MetadataRecord):
    """What changed in a partition; None and NO_LEADER_CHANGE leave things as they are.

    Every such record raises the partition epoch by one; one that names a leader raises the leader epoch too (KIP-595 and
    ReplicationControlManager's PartitionChangeBuilder).
    """

    API_KEY = 5
    WRITTEN_VERSION = 2
    partition_id: int = column(INT32, default=-1)
    topic_id: UUID = column(UUID_)
    isr: tuple[int, ...] | None = column(array_of(INT32), tag=0, nullable_since=0, default=None)
    leader: int = column(INT32, tag=1, default=NO_LEADER_CHANGE)
    replicas: tuple[int, ...] | None = column(array_of(INT32), tag=2, nullable_since=0, default=None)
    removing_replicas: tuple[int, ...] | None = column(array_of(INT32), tag=3, nullable_since=0, default=None)
    adding_replicas: tuple[int, ...] | None = column(array_of(INT32), tag=4, nullable_since=0, default=None)
    leader_recovery_state: int = column(INT8, tag=5, default=-1)
    directories: tuple[UUID, ...] | None = column(array_of(UUID_), since=1, tag=8, nullable_since=1, default=None)
    eligible_leader_replicas: tuple[int, ...] | None = column(array_of(INT32), since=2, tag=6, nullable_since=2, default=None)
    last_known_elr: tuple[int, ...] | None = column(array_of(INT32), since=2, tag=7, nullable_since=2, default=None)


@stored()
class FenceBrokerRecord(MetadataRecord):
    """The way to fence before Kafka 3.3; today it is a BrokerRegistrationChangeRecord."""

    API_KEY = 7
    WRITTEN_VERSION = 0
    id: int = column(INT32)
    epoch: int = column(INT64)


@stored()
class UnfenceBrokerRecord(MetadataRecord):
    API_KEY = 8
    WRITTEN_VERSION = 0
    id: int = column(INT32)
    epoch: int = column(INT64)


@stored()
class RemoveTopicRecord(MetadataRecord):
    API_KEY = 9
    WRITTEN_VERSION = 0
    topic_id: UUID = column(UUID_)


@stored()
class DelegationTokenRecord(MetadataRecord):
    API_KEY = 10
    WRITTEN_VERSION = 0
    owner: str = column(STRING)
    requester: str = column(STRING)
    renewers: tuple[str, ...] = column(array_of(STRING))
    issue_timestamp: int = column(INT64)
    max_timestamp: int = column(INT64)
    expiration_timestamp: int = column(INT64)
    token_id: str = column(STRING)


@stored()
class UserScramCredentialRecord(MetadataRecord):
    API_KEY = 11
    WRITTEN_VERSION = 0
    name: str = column(STRING)
    mechanism: int = column(INT8)
    salt: bytes = column(BYTES)
    stored_key: bytes = column(BYTES)
    server_key: bytes = column(BYTES)
    iterations: int = column(INT32)


@stored()
class FeatureLevelRecord(MetadataRecord):
    """A finalized feature level; level 0 takes the feature away."""

    API_KEY = 12
    WRITTEN_VERSION = 0
    name: str = column(STRING)
    feature_level: int = column(INT16)


@stored()
class QuotaEntity:
    entity_type: str = column(STRING)
    entity_name: str | None = column(STRING, nullable_since=0)


@stored()
class ClientQuotaRecord(MetadataRecord):
    API_KEY = 14
    WRITTEN_VERSION = 0
    entity: tuple[QuotaEntity, ...] = column(array_of(QuotaEntity))
    key: str = column(STRING)
    value: float = column(FLOAT64, default=0.0)
    remove: bool = column(BOOL, default=False)


@stored()
class ProducerIdsRecord(MetadataRecord):
    """A block of producer ids went to a broker; the next block starts at `next_producer_id`."""

    API_KEY = 15
    WRITTEN_VERSION = 0
    broker_id: int = column(INT32)
    broker_epoch: int = column(INT64, default=-1)
    next_producer_id: int = column(INT64)


@stored(versions=range(4))
class BrokerRegistrationChangeRecord(MetadataRecord):
    """A broker was fenced or unfenced (FENCE, UNFENCE), or began its controlled shutdown."""

    API_KEY = 17
    WRITTEN_VERSION = 3
    broker_id: int = column(INT32)
    broker_epoch: int = column(INT64)
    fenced: int = column(INT8, tag=0, default=0)
    in_controlled_shutdown: int = column(INT8, since=1, tag=1, default=0)
    log_dirs: tuple[UUID, ...] = column(array_of(UUID_), since=2, tag=2, default=())
    cordoned_log_dirs: tuple[UUID, ...] | None = column(array_of(UUID_), since=3, tag=3, nullable_since=3, default=None)


@stored()
class AccessControlEntryRecord(MetadataRecord):
    API_KEY = 18
    WRITTEN_VERSION = 0
    id: UUID = column(UUID_)
    resource_type: int = column(INT8)
    resource_name: str = column(STRING)
    pattern_type: int = column(INT8)
    principal: str = column(STRING)
    host: str = column(STRING)
    operation: int = column(INT8)
    permission_type: int = column(INT8)


@stored()
class RemoveAccessControlEntryRecord(MetadataRecord):
    API_KEY = 19
    WRITTEN_VERSION = 0
    id: UUID = column(UUID_)


@stored()
class NoOpRecord(MetadataRecord):
    """Says nothing; shows that the controller lives and moves the high watermark."""

    API_KEY = 20
    WRITTEN_VERSION = 0


@stored()
class ZkMigrationStateRecord(MetadataRecord):
    API_KEY = 21
    WRITTEN_VERSION = 0
    zk_migration_state: int = column(INT8)


@stored()
class RemoveUserScramCredentialRecord(MetadataRecord):
    API_KEY = 22
    WRITTEN_VERSION = 0
    name: str = column(STRING)
    mechanism: int = column(INT8)


@stored()
class BeginTransactionRecord(MetadataRecord):
    """A change larger than one batch begins (KIP-868); it counts once its EndTransactionRecord is there."""

    API_KEY = 23
    WRITTEN_VERSION = 0
    name: str | None = column(STRING, tag=0, nullable_since=0, default=None)


@stored()
class EndTransactionRecord(MetadataRecord):
    API_KEY = 24
    WRITTEN_VERSION = 0


@stored()
class AbortTransactionRecord(MetadataRecord):
    API_KEY = 25
    WRITTEN_VERSION = 0
    reason: str | None = column(STRING, tag=0, nullable_since=0, default=None)


@stored()
class RemoveDelegationTokenRecord(MetadataRecord):
    API_KEY = 26
    WRITTEN_VERSION = 0
    token_id: str = column(STRING)


@stored()
class RegisterControllerRecord(MetadataRecord):
    API_KEY = 27
    WRITTEN_VERSION = 0
    controller_id: int = column(INT32)
    incarnation_id: UUID = column(UUID_)
    zk_migration_ready: bool = column(BOOL, default=False)
    end_points: tuple[Endpoint, ...] = column(array_of(Endpoint), default=())
    features: tuple[SupportedFeature, ...] = column(array_of(SupportedFeature), default=())


@stored()
class ClearElrRecord(MetadataRecord):
    """The eligible leader replicas of a topic are forgotten; of all topics when the name is empty."""

    API_KEY = 28
    WRITTEN_VERSION = 0
    topic_name: str = column(STRING, default="")


RECORDS: dict[int, type[MetadataRecord]] = {
    cls.API_KEY: cls for cls in list(globals().values()) if isinstance(cls, type) and issubclass(cls, MetadataRecord) and cls is not MetadataRecord
}


def encode(record: MetadataRecord, version: int | None = None) -> bytes:
    """The record's value in the metadata log; its key is null. Raises Unstorable."""
    return encode_framed(record, api_key=record.API_KEY, version=record.WRITTEN_VERSION if version is None else version)


def decode(value: Buffer) -> Any:
    """Raises Malformed, also for a record that Kafka 4.3 does not know."""
    api_key, version, body = read_frame(value)
    if api_key not in RECORDS:
        raise Malformed(f"no metadata record has the api key {api_key}")
    return decode_body(RECORDS[api_key], version, value, body)
