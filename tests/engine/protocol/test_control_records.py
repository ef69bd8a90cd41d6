"""Control batches of the metadata log: Kafka's own is read and written back byte for byte."""

from pathlib import Path
from uuid import UUID

import pytest

from engine.protocol import control_records as control
from engine.protocol.record_batch import Record, decode_records, read_header
from engine.protocol.stored.schema import Malformed

# The first batch of a metadata log that Apache Kafka 4.3.1 wrote.
KAFKAS = bytes.fromhex((Path(__file__).parent / "stored" / "kafka_4_3_metadata.hex").read_text().split("\n\n")[0])


def test_kafkas_leader_change_is_read_and_written_back():
    header = read_header(KAFKAS)
    (record,) = decode_records(KAFKAS)
    message = control.decode_control_record(record)
    assert header.is_control and (message.leader_id, message.version) == (2, 0)
    assert [voter.voter_id for voter in message.voters] == [1, 2, 3]
    assert [voter.voter_id for voter in message.granting_voters] == [2, 1]
    ours = control.leader_change(leader=2, voters=(1, 2, 3), granting=(2, 1))
    assert control.encode_control_batch([ours], now_ms=record.timestamp, leader_epoch=1) == KAFKAS


@pytest.mark.parametrize(
    "message",
    [
        control.SnapshotHeaderRecord(last_contained_log_timestamp=5),
        control.SnapshotFooterRecord(),
        control.KRaftVersionRecord(k_raft_version=1),
        control.VotersRecord(
            voters=(
                control.FullVoter(
                    voter_id=1,
                    voter_directory_id=UUID(int=3),
                    endpoints=(control.VoterEndpoint(name="CONTROLLER", host="h", port=9093),),
                    k_raft_version_feature=control.VoterKRaftVersions(min_supported_version=0, max_supported_version=1),
                ),
            )
        ),
    ],
    ids=lambda message: type(message).__name__,
)
def test_what_is_written_is_read_again(message):
    (record,) = decode_records(control.encode_control_batch([message], now_ms=7))
    assert control.decode_control_record(record) == message and record.timestamp == 7


def test_rubbish_is_malformed_and_an_unknown_type_is_left_alone():
    with pytest.raises(Malformed):
        control.decode_control_record(Record(key=b"\0\0", value=b""))
    with pytest.raises(Malformed):
        control.decode_control_record(Record(key=b"\0\0\0\2", value=b"\0"))
    assert control.decode_control_record(Record(key=b"\0\0\0\1", value=b"\0\0")) is None
