"""The quorum-state file, in Kafka's JSON: what a voter must not forget, lest it votes twice in an epoch."""

from __future__ import annotations

import json

from engine.quorum.messages import SaveElection
from engine.quorum.voters import Voters
from engine.world.disk import Disk

QUORUM_STATE = "quorum-state"
DATA_VERSIONS = (0, 1)  # 1 is written by Kafka since voters have directory ids; what we need stands in both


def encode(state: SaveElection, voters: Voters) -> bytes:
    """As Kafka writes it while voters are static (kraft.version 0)."""
    fields = {
        "clusterId": "",
        "leaderId": -1 if state.leader is None else state.leader,
        "leaderEpoch": state.epoch,
        "votedId": -1 if state.voted is None else state.voted,
        "appliedOffset": 0,
        "currentVoters": [{"voterId": voter} for voter in voters.ids],
        "data_version": 0,
    }
    return json.dumps(fields, separators=(",", ":")).encode()


def decode(data: bytes) -> SaveElection:
    """Raises ValueError, in words, for anything that is not such a file."""
    try:
        fields = json.loads(data)
        version, epoch = fields["data_version"], fields["leaderEpoch"]
        leader, voted = fields["leaderId"], fields["votedId"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{QUORUM_STATE} is not readable: {error!r}") from error
    if version not in DATA_VERSIONS:
        raise ValueError(f"{QUORUM_STATE} has data_version {version}; {max(DATA_VERSIONS)} is the newest that is understood")
    return SaveElection(epoch=epoch, leader=None if leader < 0 else leader, voted=None if voted < 0 else voted)


class ElectionStore:
    """One node's quorum-state file."""

    def __init__(self, disk: Disk, folder: str, voters: Voters) -> None:
        self._disk = disk
        self._path = disk.join(folder, QUORUM_STATE)
        self._voters = voters

    def load(self) -> SaveElection | None:
        """None when there is none yet. Raises ValueError."""
        return decode(self._disk.read_whole(self._path)) if self._disk.exists(self._path) else None

    def save(self, state: SaveElection) -> None:
        """Durable when this returns."""
        self._disk.replace(self._path, encode(state, self._voters))
