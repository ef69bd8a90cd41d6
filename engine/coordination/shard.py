"""One partition of `__consumer_offsets` that this node leads, and the groups that live on it: decisions are carried out here.

Rule: a handler asks, a plain function decides, `_carry_out` does: facts, timers, answers, and records to the log.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from engine.coordination.groups import inventory, join, leave, offsets, session, sync
from engine.coordination.groups.decision import Decision, JoinAnswer, Record, Ring, SyncAnswer, Told, for_client, session_timer
from engine.coordination.groups.group import Group
from engine.coordination.groups.ledger import Ledger
from engine.coordination.groups.limits import Limits
from engine.coordination.groups.states import Move
from engine.coordination.loading import OffsetsPartition, read_chunk
from engine.coordination.timers import Timers
from engine.coordination.writer import Writer
from engine.events.facts import GroupDeleted, GroupLoaded
from engine.events.journal import Journal
from engine.events.traffic import Traffic
from engine.protocol.errors import (
    BY_CODE,
    CoordinatorLoadInProgress,
    ErrorCode,
    KafkaError,
    NotCoordinator,
    UnknownMemberId,
    error_for,
)
from engine.protocol.stored.groups import GroupMetadataKey, GroupMetadataValue, OffsetCommitKey, OffsetCommitValue
from engine.world.tasks import Promise, Task, spawn
from engine.world.world import World


class Shard:
    """Loads first; then `is_active` until another node leads the partition."""

    def __init__(self, *, partition: OffsetsPartition, world: World, journal: Journal, traffic: Traffic, limits: Limits) -> None:
        self.partition = partition
        self._epoch = partition.leader_epoch
        self.groups: dict[str, Group] = {}
        self.ledger = Ledger()
        self.is_active = False
        self.has_failed = False
        self._world = world
        self._journal = journal
        self._traffic = traffic
        self._limits = limits
        self._timers = Timers(world.clock)
        self._writer = Writer(
            partition=partition, clock=world.clock, timeout_ms=limits.commit_timeout_ms, on_committed=self._committed
        )
        self._waiters: dict[Promise[Any], type] = {}
        self._resigned = False
        self._loading: Task[None] = spawn(self._load(), name=f"load __consumer_offsets-{partition.index}")

    # ---- beginning and end

    async def _load(self) -> None:
        log = self.partition.log
        offset, upper = log.log_start_offset, log.log_end_offset
        while offset < upper:
            try:
                records, reached, complaints = read_chunk(log, offset, upper=upper)
            except (KafkaError, OSError) as error:
                self._world.log(f"__consumer_offsets-{self.partition.index} cannot be loaded at offset {offset}: {error}")
                self.has_failed = True
                return
            for line in complaints:
                self._world.log(f"__consumer_offsets-{self.partition.index}: {line}")
            for key, value in records:
                self.ledger.replay(key, value)
            if reached == offset:
                break
            offset = reached
            turn: Promise[None] = Promise()
            self._world.clock.call_soon(partial(turn.resolve, None))
            await turn.wait()  # a long log must not hold up the node
        await self._until_committed(upper)
        self._begin()

    async def _until_committed(self, offset: int) -> None:
        """What we found at the log's end may still be lost with us, as its writer never heard that it is stored: nobody may be told of it."""
        if self.partition.log.high_watermark < offset:
            committed: Promise[None] = Promise()
            self.partition.when_committed(offset, lambda error: committed.resolve(None))  # on the loss of the lead we are cancelled
            await committed.wait()

    def _begin(self) -> None:
        now_ms = self._world.clock.now_ms()
        ids = self.ledger.group_ids()
        loaded = Told(GroupLoaded(partition=self.partition.index, groups=tuple(ids), offsets=self.ledger.count()))
        self._emit(loaded)
        self.is_active = True
        for group_id in ids:
            group = self._from_ledger(group_id)
            self._carry_out(group, session.began(group, loaded, limits=self._limits, now_ms=now_ms))
            for key, value in self.ledger.keys_of(group_id):
                self._traffic.committed(group_id, key.topic, key.partition, value.offset)

    def _from_ledger(self, group_id: str) -> Group:
        stored = self.ledger.groups.get(group_id)
        now_ms = self._world.clock.now_ms()
        group = Group.restored(group_id, stored, now_ms=now_ms) if stored else Group(group_id, now_ms=now_ms)
        self.groups[group_id] = group
        return group

    def resign(self) -> None:
        """Another node coordinates now, or none: who waits hears NotCoordinator and looks for it."""
        self._resigned, self.is_active = True, False
        self._loading.cancel()
        self._timers.cancel_all()
        waiters, self._waiters = self._waiters, {}
        for group in self.groups.values():
            group.move(Move.GONE, now_ms=self._world.clock.now_ms())
            for member in group.members.values():
                if member.join_waiter is not None:
                    member.join_waiter.resolve(JoinAnswer(error=ErrorCode.not_coordinator, member_id=member.id))
        for waiter, kind in waiters.items():
            waiter.resolve(kind(error=ErrorCode.not_coordinator))
        self._writer.close()

    def check_active(self) -> None:
        """Raises CoordinatorLoadInProgress, NotCoordinator."""
        if self._resigned or self.has_failed:
            raise NotCoordinator
        if not self.is_active:
            raise CoordinatorLoadInProgress

    # ---- carrying out

    def _carry_out(self, group: Group | None, decision: Decision) -> Promise[None]:
        """What is kept is stored when the promise resolves; it is refused with what a client may hear."""
        for told in decision.facts:
            self._emit(told)
        for name, ms, ring in decision.timers:
            assert group is not None, "only groups have timers"
            if ring is None:
                self._timers.cancel((group.id, name))
            else:
                self._timers.set((group.id, name), ms, partial(self._rang, group, ring))
        for waiter, answer in decision.answers:
            self._waiters.pop(waiter, None)
            waiter.resolve(answer)
        done: Promise[None] = Promise()
        if decision.records:
            self._writer.write(decision.records, partial(self._stored, group, decision, done))
        else:
            done.resolve(None)
        return done

    def _stored(self, group: Group | None, decision: Decision, done: Promise[None], error: KafkaError | None) -> None:
        if decision.stored is not None and not self._resigned:
            self._carry_out(group, decision.stored(error, self._world.clock.now_ms()))
        if error is None:
            done.resolve(None)
        else:
            code = int(for_client(error))
            done.refuse(error_for(code) if code in BY_CODE else error)

    def _emit(self, told: Told) -> None:
        causes = (*told.fact.causes, *(cause.id for cause in told.because if cause.id))
        told.id = self._journal.emit(replace(told.fact, causes=causes, coordinator_epoch=self._epoch)).id

    def _rang(self, group: Group, ring: Ring) -> None:
        if self.groups.get(group.id) is group:
            self._carry_out(group, session.rang(group, ring, limits=self._limits, now_ms=self._world.clock.now_ms()))

    def _committed(self, records: list[Record]) -> None:
        for key, value in records:
            self.ledger.replay(key, value)
            if isinstance(key, OffsetCommitKey):
                self._traffic.committed(key.group, key.topic, key.partition, value.offset if isinstance(value, OffsetCommitValue) else -1)
                if value is not None and key.group not in self.groups:
                    # Offsets without members: a simple group, of a consumer that assigns itself its partitions.
                    self.groups[key.group] = Group(key.group, now_ms=self._world.clock.now_ms())

    # ---- members

    async def join(self, asked: join.JoinAsked) -> JoinAnswer:
        """Waits until the join phase ends. `Shards.check_join` comes first."""
        self.check_active()
        now_ms = self._world.clock.now_ms()
        group, is_new = self.groups.get(asked.group), False
        if group is None:
            if asked.member_id:
                return JoinAnswer(error=ErrorCode.unknown_member_id, member_id=asked.member_id)
            group, is_new = Group(asked.group, now_ms=now_ms), True
            self.groups[asked.group] = group
        new_id = f"{asked.instance or asked.client_id}-{self._world.chance.uuid()}"
        waiter: Promise[JoinAnswer] = Promise()
        self._waiters[waiter] = JoinAnswer
        decision = join.join(group, asked, waiter=waiter, new_id=new_id, limits=self._limits, now_ms=now_ms)
        if is_new:
            self._found(group, decision)
        self._carry_out(group, decision)
        return await waiter.wait()

    def _found(self, group: Group, decision: Decision) -> None:
        """A new group has a record of its own before it has a generation, so that any coordinator after us knows it."""
        if decision.records:
            return
        empty = GroupMetadataValue(
            protocol_type="", generation=0, protocol=None, leader=None, current_state_timestamp=group.state_since_ms, members=()
        )
        decision.records.append((GroupMetadataKey(group=group.id), empty))
        decision.stored = partial(self._founded, group)

    def _founded(self, group: Group, error: KafkaError | None, now_ms: int) -> Decision:
        decision = Decision()
        if error is not None and self.groups.get(group.id) is group:
            del self.groups[group.id]
            for member in group.members.values():
                if member.join_waiter is not None:
                    decision.answer(member.join_waiter, JoinAnswer(error=for_client(error)))
        return decision

    async def sync(self, asked: sync.SyncAsked) -> SyncAnswer:
        """Waits until the leader's assignment is stored."""
        self.check_active()
        group = self.groups.get(asked.group)
        if group is None:
            return SyncAnswer(error=ErrorCode.unknown_member_id)
        waiter: Promise[SyncAnswer] = Promise()
        self._waiters[waiter] = SyncAnswer
        now_ms = self._world.clock.now_ms()
        self._carry_out(group, sync.sync(group, asked, waiter=waiter, limits=self._limits, now_ms=now_ms))
        return await waiter.wait()

    def heartbeat(self, *, group_id: str, member_id: str, instance: str | None, generation: int) -> ErrorCode:
        """Raises UnknownMemberId, FencedInstanceId, IllegalGeneration."""
        self.check_active()
        group = self._known(group_id)
        decision, code = session.heartbeat(
            group,
            member_id=member_id,
            instance=instance,
            generation=generation,
            limits=self._limits,
            now_ms=self._world.clock.now_ms(),
        )
        self._carry_out(group, decision)
        return code

    async def leave(self, group_id: str, leaving: Sequence[leave.Leaving]) -> list[ErrorCode]:
        """A code for each. Raises UnknownMemberId when there is no such group."""
        self.check_active()
        group = self._known(group_id)
        decision, codes = leave.leave(group, leaving, limits=self._limits, now_ms=self._world.clock.now_ms())
        await self._carry_out(group, decision).wait()
        return codes

    def _known(self, group_id: str) -> Group:
        group = self.groups.get(group_id)
        if group is None:
            raise UnknownMemberId(f"Group {group_id} not found.")
        return group

    # ---- offsets

    async def commit(self, asked: offsets.CommitAsked) -> dict[offsets.TopicPartition, ErrorCode]:
        """A code for each partition. Raises what hinders the whole commit."""
        self.check_active()
        group, now_ms = self.groups.get(asked.group), self._world.clock.now_ms()
        offsets.check_commit(group, asked)
        if group is not None:
            self._carry_out(group, session.committed(group, asked.member_id, limits=self._limits, now_ms=now_ms))
        decision, codes = offsets.commit(asked, limits=self._limits, now_ms=now_ms)
        await self._carry_out(group, decision).wait()
        return codes

    async def settled(self) -> None:
        """All that was asked to be stored until now is stored, or refused (OffsetFetch with require_stable)."""
        self.check_active()
        done: Promise[None] = Promise()
        self._writer.write([], lambda error: done.refuse(error) if error else done.resolve(None))
        await done.wait()

    async def delete_offsets(
        self, group_id: str, wanted: Sequence[offsets.TopicPartition]
    ) -> dict[offsets.TopicPartition, ErrorCode]:
        """A code for each partition. Raises GroupIdNotFound, NonEmptyGroup."""
        self.check_active()
        decision, codes = offsets.delete(self.groups.get(group_id), self.ledger, wanted)
        await self._carry_out(None, decision).wait()
        return codes

    def topics_deleted(self, topics: Sequence[str]) -> None:
        """Their offsets go: under the same name another topic may come."""
        if self.is_active:
            self._carry_out(None, Decision(records=offsets.of_deleted_topics(self.ledger, topics)))

    # ---- groups

    async def delete_group(self, group_id: str) -> None:
        """Raises GroupIdNotFound, NonEmptyGroup."""
        self.check_active()
        group = self.groups.get(group_id)
        decision = inventory.delete(group, self.ledger)
        assert group is not None
        await self._delete(group, decision).wait()

    def _delete(self, group: Group, decision: Decision) -> Promise[None]:
        # It is gone at once, so that one who joins meanwhile begins a new group behind the tombstones.
        del self.groups[group.id]
        group.move(Move.GONE, now_ms=self._world.clock.now_ms())
        for member_id in sorted(group.pending_members):
            self._timers.cancel((group.id, session_timer(member_id)))
        decision.stored = partial(self._deleted, group.id)
        return self._carry_out(None, decision)

    def _deleted(self, group_id: str, error: KafkaError | None, now_ms: int) -> Decision:
        decision = Decision()
        if error is None:
            decision.tell(GroupDeleted(group=group_id))
        elif group_id not in self.groups:
            self._from_ledger(group_id)
        return decision

    def expire(self) -> None:
        """Offsets whose time is over go, and with the last of them the empty group. Called every check interval."""
        if not self.is_active:
            return
        now_ms = self._world.clock.now_ms()
        for group_id in sorted(self.groups):
            group = self.groups[group_id]
            records, all_expired = offsets.expired(group, self.ledger, limits=self._limits, now_ms=now_ms)
            # One who was just given its member id will join in a moment; Kafka deletes even then, and it must begin anew.
            if all_expired and group.is_empty and not group.pending_members:
                self._delete(group, inventory.delete(group, self.ledger))
            elif records:
                self._carry_out(None, Decision(records=records))

    def __repr__(self) -> str:
        state = "resigned" if self._resigned else "active" if self.is_active else "failed" if self.has_failed else "loading"
        return f"<Shard {self.partition.index} {state} groups={len(self.groups)} offsets={self.ledger.count()}>"
