"""The data folder of a node: what its checkpoints say, which partition folders are strays, and the clean end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import UUID

from engine.events.journal import Journal
from engine.storage import checkpoints
from engine.storage.checkpoints import CheckpointError
from engine.storage.log_config import LogConfig
from engine.storage.partition_log import PartitionLog
from engine.storage.recovery import Steps, at_once
from engine.world.tasks import turn
from engine.world.world import World

Place = tuple[str, int]
Logs = Mapping[Place, PartitionLog]

METADATA_FOLDER = "__cluster_metadata-0"
DELETED = re.compile(r".+-\d+\.[0-9a-f]{32}-(delete|stray)")
PARTITION = re.compile(r"(.+)-(\d+)")


class LogFolders:
    """Kafka's layout: `topic-partition` folders beside the checkpoint files."""

    def __init__(self, *, world: World, folder: str, journal: Journal, clean: bool) -> None:
        self._world = world
        self._disk = world.disk
        self._folder = folder
        self._journal = journal
        self._clean = clean
        self._high_watermarks: dict[Place, int] = {}
        self._recovery_points: dict[Place, int] = {}
        self._log_starts: dict[Place, int] = {}
        self._recovered: dict[Place, PartitionLog] = {}  # and not taken yet
        self._written: dict[str, dict[Place, int]] = {}

    def open(self, wanted: Mapping[Place, UUID]) -> None:
        """Reads the checkpoints, and removes what belongs to no replica of ours (deleted while we were away)."""
        self._disk.make_folder(self._folder)
        self._high_watermarks = self._read(checkpoints.HIGH_WATERMARKS)
        self._recovery_points = self._read(checkpoints.RECOVERY_POINTS)
        self._log_starts = self._read(checkpoints.LOG_START_OFFSETS)
        for name in self._disk.list(self._folder):
            if name != METADATA_FOLDER and self._is_stray(name, wanted):
                self._world.log(f"removing {name}: no replica of this node")
                self._disk.remove(self._disk.join(self._folder, name))

    def _is_stray(self, name: str, wanted: Mapping[Place, UUID]) -> bool:
        if DELETED.fullmatch(name):
            return True
        match = PARTITION.fullmatch(name)
        path = self._disk.join(self._folder, name, checkpoints.PARTITION_METADATA)
        if not match or not self._disk.exists(path):
            return False
        try:
            found = checkpoints.read_partition_metadata(self._disk, path)
        except CheckpointError:
            return False  # opening it will say what is wrong
        return wanted.get((match[1], int(match[2]))) != found

    def _read(self, name: str) -> dict[Place, int]:
        try:
            return checkpoints.read_offsets(self._disk, self._disk.join(self._folder, name))
        except CheckpointError as error:
            self._world.log(f"{error}; logs are recovered from their beginning")
            return {}

    async def recover(self, place: Place, topic_id: UUID, config: LogConfig) -> None:
        """Opens the log that an unclean end left; the node does its other work between the steps. `log` hands it out.

        Raises OSError, CheckpointError, InconsistentTopicId.
        """
        steps = self._opening(place, topic_id, config)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                self._recovered[place] = done.value
                return
            await turn()

    def to_recover(self, wanted: Mapping[Place, UUID]) -> list[Place]:
        """Which of these an unclean end left."""
        there = set() if self._clean else set(self._disk.list(self._folder))
        return [place for place in sorted(wanted) if f"{place[0]}-{place[1]}" in there]

    def log(self, place: Place, topic_id: UUID, config: LogConfig) -> PartitionLog:
        """Hands out the recovered log, or opens or makes it. Raises OSError, CheckpointError, InconsistentTopicId."""
        log = self._recovered.pop(place, None)
        if log is None:
            log = at_once(self._opening(place, topic_id, config))
        log.config = config
        log.advance_high_watermark(self._high_watermarks.pop(place, 0))
        return log

    def crash(self) -> None:
        """What was recovered and not handed out is left as a kill leaves it."""
        while self._recovered:
            self._recovered.popitem()[1].crash()

    def abandon(self, wanted: Mapping[Place, UUID]) -> list[str]:
        """Folders of recovered logs that are no longer wanted, renamed for removal."""
        gone = [place for place, log in self._recovered.items() if wanted.get(place) != log.topic_id]
        return [self._recovered.pop(place).delete() for place in gone]

    def _opening(self, place: Place, topic_id: UUID, config: LogConfig) -> Steps[PartitionLog]:
        topic, index = place
        return PartitionLog.opening(
            disk=self._disk,
            clock=self._world.clock,
            folder=self._disk.join(self._folder, f"{topic}-{index}"),
            topic=topic,
            partition=index,
            topic_id=topic_id,
            config=config,
            clean=self._clean,
            journal=self._journal,
            recovery_point=self._recovery_points.pop(place, 0),
            log_start_offset=self._log_starts.pop(place, 0),
        )

    def save_high_watermarks(self, logs: Logs) -> None:
        """Where a restarted replica knows its records to be committed."""
        self._write(checkpoints.HIGH_WATERMARKS, {place: log.high_watermark for place, log in logs.items()}, durable=False)

    def save_recovery_points(self, logs: Logs, *, durable: bool = False) -> None:
        """What need not be checked after a kill, and where logs begin."""
        self._write(checkpoints.RECOVERY_POINTS, {place: log.recovery_point for place, log in logs.items()}, durable=durable)
        # Only starts inside a segment: others can be seen from the files, as in Kafka.
        starts = {place: log.log_start_offset for place, log in logs.items() if log.log_start_offset > log.segments()[0].base_offset}
        self._write(checkpoints.LOG_START_OFFSETS, starts, durable=True)

    def _write(self, name: str, offsets: dict[Place, int], *, durable: bool) -> None:
        """Not durable: what an earlier file, or none, makes only slower: a longer recovery, a high watermark asked for again.

        Kafka syncs these too, but on a thread of its own; here every client would wait for the disk.
        """
        if self._written.get(name) == offsets:
            return  # a quiet node leaves the disk alone
        self._written[name] = offsets
        checkpoints.write_offsets(self._disk, self._disk.join(self._folder, name), offsets, durable=durable)

    def close(self, logs: Logs, *, broker_epoch: int) -> None:
        """Closes all logs, and says so by the marker. Raises OSError before there is one."""
        for place in sorted(logs):
            logs[place].close()
        self.save_high_watermarks(logs)
        self.save_recovery_points(logs)
        checkpoints.write_clean_shutdown(self._disk, self._folder, broker_epoch=broker_epoch)

    def __repr__(self) -> str:
        return f"<LogFolders {self._folder} {'clean' if self._clean else 'to be recovered'}>"
