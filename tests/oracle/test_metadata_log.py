"""Kafka's own kafka-dump-log reads a metadata log that we write, every kind of record in it, control records included."""

import json
import re
from uuid import UUID

import pytest

from engine.events.journal import Journal
from engine.protocol.stored import metadata as stored
from engine.quorum.metadata_log import METADATA_TOPIC, METADATA_TOPIC_ID, MetadataLog
from engine.storage.log_config import LogConfig
from engine.storage.partition_log import PartitionLog
from engine.world.os_disk import OsDisk
from tests.clients.apache_kafka import tool

pytestmark = pytest.mark.oracle
NOW = 1_800_000_000_000
ONE, TWO = UUID(int=1 << 64 | 1), UUID(int=1 << 64 | 2)
LISTENER = stored.Endpoint(name="PLAINTEXT", host="h", port=65_000)
FEATURE = stored.SupportedFeature(name="group.version", max_supported_version=1)

RECORDS = [
    stored.RegisterBrokerRecord(
        broker_id=1, incarnation_id=ONE, broker_epoch=5, end_points=(LISTENER,), features=(FEATURE,), rack="a", log_dirs=(TWO,)
    ),
    stored.UnregisterBrokerRecord(broker_id=1, broker_epoch=5),
    stored.TopicRecord(name="orders", topic_id=ONE),
    stored.PartitionRecord(
        partition_id=0, topic_id=ONE, replicas=(1, 2, 3), isr=(1, 2), leader=1, leader_epoch=0, partition_epoch=0,
        directories=(ONE, ONE, TWO), eligible_leader_replicas=(3,), leader_recovery_state=1,
    ),
    stored.PartitionChangeRecord(partition_id=0, topic_id=ONE, isr=(2,), leader=2, eligible_leader_replicas=(1, 3), last_known_elr=()),
    stored.ConfigRecord(resource_type=stored.RESOURCE_TOPIC, resource_name="orders", name="retention.ms", value=None),
    stored.FenceBrokerRecord(id=1, epoch=5),
    stored.UnfenceBrokerRecord(id=1, epoch=5),
    stored.RemoveTopicRecord(topic_id=ONE),
    stored.UserScramCredentialRecord(name="ann", mechanism=1, salt=b"salt", stored_key=b"key", server_key=b"server", iterations=4096),
    stored.RemoveUserScramCredentialRecord(name="ann", mechanism=1),
    stored.FeatureLevelRecord(name="metadata.version", feature_level=30),
    stored.ClientQuotaRecord(entity=(stored.QuotaEntity(entity_type="user", entity_name=None),), key="producer_byte_rate", value=1.5),
    stored.ProducerIdsRecord(broker_id=1, broker_epoch=5, next_producer_id=1000),
    stored.BrokerRegistrationChangeRecord(broker_id=1, broker_epoch=5, fenced=stored.UNFENCE, in_controlled_shutdown=1, log_dirs=(TWO,)),
    stored.AccessControlEntryRecord(
        id=TWO, resource_type=2, resource_name="orders", pattern_type=3, principal="User:ann", host="*", operation=2, permission_type=3
    ),
    stored.RemoveAccessControlEntryRecord(id=TWO),
    stored.NoOpRecord(),
    stored.BeginTransactionRecord(name="Bootstrap records"),
    stored.EndTransactionRecord(),
    stored.AbortTransactionRecord(reason="why"),
    stored.DelegationTokenRecord(
        owner="o", requester="r", renewers=("a", "b"), issue_timestamp=1, max_timestamp=2, expiration_timestamp=3, token_id="t"
    ),
    stored.RemoveDelegationTokenRecord(token_id="t"),
    stored.RegisterControllerRecord(controller_id=1, incarnation_id=ONE, end_points=(LISTENER,), features=(FEATURE,)),
    stored.ClearElrRecord(topic_name="orders"),
    stored.ZkMigrationStateRecord(zk_migration_state=0),
]  # fmt: skip


class StillClock:
    """Time does not matter here."""

    def now_ms(self) -> int:
        return NOW

    def monotonic_ms(self) -> float:
        return 0.0

    def call_later(self, ms, callback):
        return self

    def cancel(self) -> None:
        """No timer ever rings."""


def test_every_record_that_we_write_is_read_by_kafka(tmp_path):
    assert {type(record) for record in RECORDS} == set(stored.RECORDS.values())
    folder = tmp_path / f"{METADATA_TOPIC}-0"
    journal = Journal(node=1, incarnation=1, now_ms=lambda: NOW)
    partition_log = PartitionLog.open(
        disk=OsDisk(), clock=StillClock(), folder=str(folder), topic=METADATA_TOPIC, partition=0,
        topic_id=METADATA_TOPIC_ID, config=LogConfig(), clean=True, journal=journal,
    )  # fmt: skip
    log = MetadataLog(partition_log)
    log.append_leader_change(leader=2, voters=(1, 2, 3), granting=(2, 3), epoch=1, now_ms=NOW)
    log.append(RECORDS, epoch=1, now_ms=NOW)
    partition_log.close()
    said = tool("kafka-dump-log", "--cluster-metadata-decoder", "--files", str(folder / "00000000000000000000.log"))
    payloads = [json.loads(text) for text in re.findall(r"payload: (\{.*\})", said)]
    assert len(payloads) == len(RECORDS), said
    assert [payload["version"] for payload in payloads] == [record.WRITTEN_VERSION for record in RECORDS]
    assert '"leaderId":2,"voters":[{"voterId":1},{"voterId":2},{"voterId":3}],"grantingVoters":[{"voterId":2},{"voterId":3}]' in said
    told = {payload["type"]: payload["data"] for payload in payloads}
    assert told["PARTITION_CHANGE_RECORD"]["eligibleLeaderReplicas"] == [1, 3] and told["PARTITION_CHANGE_RECORD"]["leader"] == 2
    assert told["REGISTER_BROKER_RECORD"]["endPoints"][0]["port"] == 65_000 and told["REGISTER_BROKER_RECORD"]["rack"] == "a"
    assert told["CLIENT_QUOTA_RECORD"]["value"] == 1.5 and told["CONFIG_RECORD"]["value"] is None
