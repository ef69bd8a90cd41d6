"""Plays the transcripts of groups/*.txt: a command, ----, and exactly what members heard and what became of the group.

    join a [instance=i] [protocols=range,sticky] [topics=t] [session=10000] [rebalance=20000] [version=9] [id=-]
    sync a [a=t:0,1 b=t:2]      heartbeat a [generation=1]     leave a b | leave instance=i
    commit a t-0=5 [metadata=x] commit - t-0=5 (a stranger)    fetch t-0     delete group | delete offset t-0
    describe   facts   forget a   wait 3000   refuse NotEnoughReplicas | refuse nothing   hold | release   reload   expire   topic deleted t

Members are called by their alias; their ids are shown as alias#1, alias#2 … in the order in which they were given.
Write new answers with REWRITE=1, and read them before you commit them.
"""

import os
import pathlib
import re
import struct
from typing import Any

import pytest

from engine.coordination.groups import inventory
from engine.coordination.groups.consumer_protocol import assigned_partitions
from engine.coordination.groups.decision import JoinAnswer, SyncAnswer
from engine.coordination.groups.join import JoinAsked
from engine.coordination.groups.leave import Leaving
from engine.coordination.groups.limits import Limits
from engine.coordination.groups.offsets import CommitAsked, OffsetAsked
from engine.coordination.groups.sync import SyncAsked
from engine.coordination.shard import Shard
from engine.events.journal import Journal
from engine.events.traffic import Traffic
from engine.protocol import errors
from engine.world.simulated import Simulation
from engine.world.tasks import Promise, spawn
from engine.world.virtual_loop import run_virtually
from tests.engine.coordination.fake_partition import FakePartition

FOLDER = pathlib.Path(__file__).parent / "groups"
GROUP = "g"


SHOWN = {
    "GroupStateChanged": lambda fact: f"{fact.was} -> {fact.state} generation={fact.generation}",
    "GroupRebalanced": lambda fact: f"generation={fact.generation} {fact.assignment}",
    "MemberJoined": lambda fact: f"{fact.member} wants {' '.join(fact.subscribed)}",
    "MemberLeft": lambda fact: f"{fact.member} ({fact.reason})",
    "MemberSessionExpired": lambda fact: f"{fact.member} silent for {fact.silent_ms} ms",
    "RebalanceBegan": lambda fact: fact.reason,
    "GroupLoaded": lambda fact: f"{' '.join(fact.groups)} offsets={fact.offsets}",
}


def subscription(topics: list[str]) -> bytes:
    data = struct.pack(">hi", 0, len(topics))
    for topic in topics:
        data += struct.pack(">h", len(topic)) + topic.encode()
    return data + struct.pack(">i", 0)


def assignment(text: str) -> bytes:
    """`t:0,1+u:0` as the consumer protocol's bytes."""
    topics = [part.split(":") for part in text.split("+") if part]
    data = struct.pack(">hi", 0, len(topics))
    for topic, partitions in topics:
        numbers = [int(number) for number in partitions.split(",")]
        data += struct.pack(">h", len(topic)) + topic.encode() + struct.pack(f">i{len(numbers)}i", len(numbers), *numbers)
    return data + struct.pack(">i", 0)


class Interpreter:
    """One shard on virtual time, and what its members were told."""

    def __init__(self, options: dict[str, str]) -> None:
        self.simulation = Simulation(1)
        self.world = self.simulation.world("node-1")
        self.journal = Journal(node=1, incarnation=1, now_ms=self.world.clock.now_ms)
        self.limits = Limits(**{name: int(value) for name, value in options.items()})
        self.partition = FakePartition()
        self.shard = self._shard()
        self.lines: list[str] = []
        self.ids: dict[str, str] = {}  # alias -> member id
        self.names: dict[str, str] = {}  # member id -> alias#n
        self.generations: dict[str, int] = {}
        self.told = 0
        self.last_state = ""

    def _shard(self) -> Shard:
        return Shard(partition=self.partition, world=self.world, journal=self.journal, traffic=Traffic(), limits=self.limits)

    async def play(self, command: str) -> str:
        word, *rest = command.split()
        options = dict(part.split("=", 1) for part in rest if "=" in part)
        plain = [part for part in rest if "=" not in part]
        await getattr(self, f"do_{word}")(plain, options)
        await self.simulation.sleep(1)
        group = self.shard.groups.get(GROUP)
        state = self.named(repr(group)) if group else "no group"
        if state != self.last_state:
            self.last_state = state
            self.lines.append(state)
        lines, self.lines = self.lines, []
        return "\n".join(lines)

    def named(self, text: str) -> str:
        for member_id, name in self.names.items():
            text = text.replace(member_id, name)
        return text

    def learn(self, alias: str, member_id: str) -> None:
        if member_id and member_id not in self.names:
            count = sum(name.startswith(f"{alias}#") for name in self.names.values())
            self.names[member_id] = f"{alias}#{count + 1}"
            self.ids[alias] = member_id

    def say(self, alias: str, text: str) -> None:
        self.lines.append(f"{alias}: {self.named(text)}")

    # ---- members

    async def do_join(self, plain: list[str], options: dict[str, str]) -> None:
        alias, version = plain[0], int(options.get("version", 9))
        names = options.get("protocols", "range").split(",")
        metadata = subscription(options.get("topics", "t").split(","))
        member_id = self.ids.get(alias, "") if options.get("id") != "-" else ""
        asked = JoinAsked(
            group=GROUP,
            member_id=options["id"] if options.get("id", "-") != "-" else member_id,
            instance=options.get("instance"),
            client_id=alias,
            client_host="/127.0.0.1",
            session_timeout_ms=int(options.get("session", 10_000)),
            rebalance_timeout_ms=int(options.get("rebalance", 20_000)),
            protocol_type=options.get("type", "consumer"),
            protocols=tuple((name, metadata) for name in names if name),
            needs_known_id=version >= 4,
            may_skip_assignment=version >= 9,
        )
        spawn(self._join(alias, asked), name=f"join {alias}")

    async def _join(self, alias: str, asked: JoinAsked) -> None:
        try:
            answer: JoinAnswer = await self.shard.join(asked)
        except errors.KafkaError as error:
            return self.say(alias, error.code.name.upper())
        if answer.error in (errors.ErrorCode.none, errors.ErrorCode.member_id_required):
            self.learn(alias, answer.member_id)
        for member_id, _, _ in answer.members:
            self.learn(member_id[:1], member_id)  # ids begin with the client id or the instance, here the alias
        if answer.error is not errors.ErrorCode.none:
            return self.say(alias, f"{answer.error.name.upper()} {answer.member_id}".rstrip())
        self.generations[alias] = answer.generation
        told = f"joined as {answer.member_id} generation={answer.generation} protocol={answer.protocol} leader={answer.leader}"
        members = " ".join(member_id for member_id, _, _ in answer.members)
        return self.say(alias, f"{told} members=[{members}]" + (" skip assignment" if answer.skip_assignment else ""))

    async def do_sync(self, plain: list[str], options: dict[str, str]) -> None:
        alias = plain[0]
        instance = options.pop("instance", None)
        protocol = options.pop("protocol", "range")
        generation = int(options.pop("generation", self.generations.get(alias, 0)))
        asked = SyncAsked(
            group=GROUP,
            generation=generation,
            member_id=self.ids.get(alias, alias),
            instance=instance,
            protocol_type="consumer",
            protocol=protocol,
            assignments={self.ids[name]: assignment(text) for name, text in options.items()},
        )
        spawn(self._sync(alias, asked), name=f"sync {alias}")

    async def _sync(self, alias: str, asked: SyncAsked) -> None:
        try:
            answer: SyncAnswer = await self.shard.sync(asked)
        except errors.KafkaError as error:
            return self.say(alias, error.code.name.upper())
        if answer.error is not errors.ErrorCode.none:
            return self.say(alias, answer.error.name.upper())
        return self.say(alias, f"assigned {inventory_of(answer.assignment)}")

    async def do_forget(self, plain: list[str], options: dict[str, str]) -> None:
        """The client starts again and does not know its id any more."""
        for alias in plain:
            self.ids.pop(alias, None)

    async def do_heartbeat(self, plain: list[str], options: dict[str, str]) -> None:
        alias = plain[0]
        try:
            code = self.shard.heartbeat(
                group_id=GROUP,
                member_id=options.get("id", self.ids.get(alias, alias)),
                instance=options.get("instance"),
                generation=int(options.get("generation", self.generations.get(alias, 0))),
            )
        except errors.KafkaError as error:
            code = error.code
        self.say(alias, code.name.upper())

    async def do_leave(self, plain: list[str], options: dict[str, str]) -> None:
        leaving = [Leaving(member_id=self.ids.get(alias, alias)) for alias in plain]
        if "instance" in options:
            leaving.append(Leaving(member_id="", instance=options["instance"]))
        spawn(self._leave(leaving), name="leave")

    async def _leave(self, leaving: list[Leaving]) -> None:
        try:
            codes = await self.shard.leave(GROUP, leaving)
        except errors.KafkaError as error:
            codes = [error.code]
        self.lines.append("leave: " + " ".join(code.name.upper() for code in codes))

    # ---- offsets and groups

    async def do_commit(self, plain: list[str], options: dict[str, str]) -> None:
        alias = plain[0]
        metadata = options.pop("metadata", None)
        retention = int(options.pop("retention", -1))
        stranger = alias == "-"
        generation = int(options.pop("generation", -1 if stranger else self.generations.get(alias, 0)))
        asked = CommitAsked(
            group=GROUP,
            generation=generation,
            member_id="" if stranger else self.ids.get(alias, alias),
            instance=None,
            offsets=tuple(
                OffsetAsked(topic=name[:-2], partition=int(name[-1]), offset=int(offset), metadata=metadata)
                for name, offset in options.items()
            ),
            retention_ms=retention,
        )
        spawn(self._commit(alias, asked), name="commit")

    async def _commit(self, alias: str, asked: CommitAsked) -> None:
        try:
            codes = await self.shard.commit(asked)
        except errors.KafkaError as error:
            return self.say(alias, f"commit {error.code.name.upper()}")
        told = " ".join(f"{topic}-{partition} {code.name.upper()}" for (topic, partition), code in codes.items())
        return self.say(alias, f"commit {told}")

    async def do_fetch(self, plain: list[str], options: dict[str, str]) -> None:
        for name in plain:
            value = self.shard.ledger.offset(GROUP, name[:-2], int(name[-1]))
            self.lines.append(f"{name}: {'-1' if value is None else f'{value.offset} {value.metadata}'.rstrip()}")

    async def do_delete(self, plain: list[str], options: dict[str, str]) -> None:
        if plain[0] == "group":
            work = self._delete(self.shard.delete_group(GROUP))
        else:
            wanted = [(name[:-2], int(name[-1])) for name in plain[1:]]
            work = self._delete(self.shard.delete_offsets(GROUP, wanted))
        spawn(work, name="delete")

    async def _delete(self, work: Any) -> None:
        try:
            codes = await work
        except errors.KafkaError as error:
            self.lines.append(f"delete: {error.code.name.upper()}")
        else:
            told = [f"{topic}-{partition} {code.name.upper()}" for (topic, partition), code in (codes or {}).items()]
            self.lines.append(f"delete: {' '.join(told) or 'NONE'}")

    async def do_describe(self, plain: list[str], options: dict[str, str]) -> None:
        told = inventory.describe(self.shard.groups[GROUP])
        self.lines.append(f"{told.group_state} type={told.protocol_type} protocol={told.protocol_data}")
        for member in told.members:
            has = inventory_of(member.member_assignment) if told.group_state == "Stable" else "-"
            self.lines.append(self.named(f"  {member.member_id} instance={member.group_instance_id} {has}"))

    # ---- the world around

    async def do_wait(self, plain: list[str], options: dict[str, str]) -> None:
        await self.simulation.sleep(int(plain[0]))

    async def do_refuse(self, plain: list[str], options: dict[str, str]) -> None:
        self.partition.refusal = None if plain[0] == "nothing" else getattr(errors, plain[0])()

    async def do_hold(self, plain: list[str], options: dict[str, str]) -> None:
        self.partition.hold = Promise()

    async def do_release(self, plain: list[str], options: dict[str, str]) -> None:
        hold, self.partition.hold = self.partition.hold, None
        hold.resolve(None)

    async def do_reload(self, plain: list[str], options: dict[str, str]) -> None:
        """The partition moves to another node that reads the same log."""
        self.shard.resign()
        await self.simulation.sleep(1)
        self.partition = FakePartition(log=self.partition.log)
        self.shard = self._shard()

    async def do_expire(self, plain: list[str], options: dict[str, str]) -> None:
        self.shard.expire()

    async def do_topic(self, plain: list[str], options: dict[str, str]) -> None:
        self.shard.topics_deleted(plain[1:])

    async def do_facts(self, plain: list[str], options: dict[str, str]) -> None:
        """Those since the last time, with their causes counted back."""
        facts = self.journal.recent()
        for fact in facts[self.told :]:
            causes = [type(other).__name__ for cause in fact.causes for other in facts if other.id == cause]
            shown = SHOWN.get(type(fact).__name__, lambda fact: "")(fact)
            self.lines.append(self.named(f"{type(fact).__name__} {shown}".rstrip() + (f" <- {' '.join(causes)}" if causes else "")))
        self.told = len(facts)


def inventory_of(data: bytes) -> str:
    found = assigned_partitions(data)
    return " ".join(f"{topic}:{','.join(map(str, partitions))}" for topic, partitions in found.items()) or "nothing"


async def play(text: str) -> str:
    """The transcript with the answers as they are."""
    blocks = [block for block in re.split(r"\n\s*\n", text.strip()) if block.strip()]
    options: dict[str, str] = {}
    out: list[str] = []
    while blocks and (blocks[0].startswith("#") or blocks[0].startswith("config ")):
        block = blocks.pop(0)
        out.append(block)
        for line in block.splitlines():
            if line.startswith("config "):
                options |= dict(part.split("=") for part in line.split()[1:])
    interpreter = Interpreter(options)
    await interpreter.simulation.sleep(1)
    for block in blocks:
        commands = block.split("\n----")[0]
        answers = [await interpreter.play(line) for line in commands.splitlines() if not line.startswith("#")]
        told = "\n".join(answer for answer in answers if answer)
        out.append(f"{commands}\n----" + (f"\n{told}" if told else ""))
    interpreter.shard.resign()
    return "\n\n".join(out) + "\n"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_transcript(path: pathlib.Path) -> None:
    told = run_virtually(play(path.read_text()))
    if os.environ.get("REWRITE"):
        path.write_text(told)
    assert told == path.read_text()
