"""Plays the transcripts of replication/*.txt: a command, ----, and exactly what clients heard and how each replica stands.

    config min_insync_replicas=2                       produce a b [to=1] [acks=all|1] [within=1000]     fetch 0 [at=2] [epoch=1]
    cut 1 3    heal    lead 2 [isr=2,3] [told=2,3]     crash 3    boot 3    fence 3    unfence 3     wait 500     values     delete 2
    deaf | hears (the controller)

After each step every replica is shown that has changed. Write new answers with REWRITE=1, and read them before you commit them.
"""

import os
import pathlib

import pytest

from engine.protocol.codec import build
from engine.world.virtual_loop import run_virtually
from tests.engine.replication.trio import TOPIC, Trio

FOLDER = pathlib.Path(__file__).parent / "replication"
FACTS = {
    "LogTruncated": lambda fact: f"from {fact.was_log_end_offset} to {fact.to_offset}",
    "FollowerLagged": lambda fact: f"follower {fact.follower} by {fact.behind_records} records",
    "WritesRefused": lambda fact: f"isr={list(fact.isr)}",
    "LogRecovered": lambda fact: f"end={fact.log_end_offset} cut={fact.cut_bytes}",
    "RecordsDeleted": lambda fact: f"start={fact.log_start_offset}",
}


class Player:
    """One transcript's universe."""

    def __init__(self) -> None:
        self.trio = Trio(1)
        self.started = False
        self.shown: dict[int, str] = {}
        self.facts: dict[int, int] = {}
        self.out: list[str] = []

    async def play(self, lines: list[str]) -> list[str]:
        """What happens and what is different afterwards."""
        self.out = []
        for line in lines:
            verb, *words = line.split()
            named = dict(word.split("=", 1) for word in words if "=" in word)
            plain = [word for word in words if "=" not in word]
            if not self.started and verb != "config":
                self.started = True
                await self.trio.start()
            await getattr(self, verb)(*plain, **named)
        await self.trio.simulation.sleep(5)
        self._show()
        return self.out

    def _show(self) -> None:
        for number, node in sorted(self.trio.nodes.items()):
            facts = node.journal.recent()
            for fact in facts[self.facts.get(number, 0) :]:
                if type(fact).__name__ in FACTS:
                    self.out.append(f"{number}: {type(fact).__name__} {FACTS[type(fact).__name__](fact)}")
            self.facts[number] = len(facts)
            now = repr(node.replicas.find(TOPIC, 0))
            if self.shown.get(number) != now:
                self.out.append(f"{number}: {now}")
                self.shown[number] = now

    async def config(self, **values):
        self.trio.config |= {name.replace("_", "."): value for name, value in values.items()}

    async def produce(self, *values, to="1", acks="all", within="1000"):
        answer = await self.trio.produce(list(values), to=int(to), acks=-1 if acks == "all" else int(acks), timeout_ms=int(within))
        self.out.append(f"produce: {answer.error_code.name} {answer.base_offset}")

    async def fetch(self, offset, at="1", epoch="-1", last="-1"):
        one, values = await self.trio.fetch(int(offset), at=int(at), current_leader_epoch=int(epoch), last_fetched_epoch=int(last))
        parted = f" diverging={one.diverging_epoch.epoch}@{one.diverging_epoch.end_offset}" if one.diverging_epoch.end_offset >= 0 else ""
        self.out.append(f"fetch: {one.error_code.name} {' '.join(values)} hw={one.high_watermark}{parted}")

    async def delete(self, offset):
        row = {"partition_index": 0, "offset": int(offset)}
        message = build("DeleteRecords", "request", 2, timeout=2000, topics=[{"name": TOPIC, "partitions": [row]}])
        one = (await self.trio.ask(1, message)).topics[0].partitions[0]
        self.out.append(f"delete: {one.error_code.name} low watermark {one.low_watermark}")

    async def cut(self, one, other):
        self.trio.simulation.links.cut(f"node-{one}", f"node-{other}")

    async def heal(self):
        self.trio.simulation.links.heal()

    async def lead(self, leader, isr=None, told="1,2,3"):
        members = {"isr": tuple(map(int, isr.split(",")))} if isr else {}
        self.trio.change(leader=int(leader), **members)
        self.trio.tell(*(number for number in map(int, told.split(",")) if number in self.trio.nodes))

    async def crash(self, number):
        self.trio.crash(int(number))
        self.shown.pop(int(number), None), self.facts.pop(int(number), None)

    async def boot(self, number):
        await self.trio.boot(int(number))

    async def fence(self, number):
        self.trio.alive[int(number)] = False
        self.trio.change(isr=tuple(member for member in self.trio.partitions[0].isr if member != int(number)))
        self.trio.tell()

    async def unfence(self, number):
        self.trio.alive[int(number)] = True
        self.trio.tell()

    async def deaf(self):
        self.trio.deaf = True

    async def hears(self):
        self.trio.deaf = False

    async def wait(self, ms):
        await self.trio.simulation.sleep(int(ms))

    async def values(self):
        for number in sorted(self.trio.nodes):
            self.out.append(f"{number}: {' '.join(self.trio.values(number))}")


def steps(text: str):
    """(head, [(commands, expected)])."""
    head, *blocks = text.strip().split("\n\n")
    return head, [tuple(part.strip("\n").split("\n") if part.strip() else [] for part in f"{block}\n".split("----\n")) for block in blocks]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_transcript(path):
    head, script = steps(path.read_text())

    async def main():
        player = Player()
        return [(commands, await player.play(commands)) for commands, *_ in script]

    played = run_virtually(main())
    if os.environ.get("REWRITE"):
        blocks = ["\n".join([*commands, "----", *answers]) for commands, answers in played]
        path.write_text("\n\n".join([head, *blocks]) + "\n")
    for (commands, answers), (_, *expected) in zip(played, script, strict=True):
        assert answers == (expected[0] if expected else []), commands
