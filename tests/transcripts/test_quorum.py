"""The quorum's transcript: elections, failover, divergence, step by step, from one seed."""

from pathlib import Path

from engine.quorum import messages as m
from tests.engine.quorum.network import Network
from tests.transcripts.transcript import check


class Stage:
    """Commands on a network of raft nodes in memory."""

    def __init__(self):
        self.network = None
        self.told = 0

    def answer(self, command: str) -> str:
        verb, *words = command.split()
        return getattr(self, verb)(*words)

    def cluster(self, voters, observers="", seed="1"):
        def numbers(text):
            return tuple(int(number) for number in text.split(",") if number and number != "-")

        self.network, self.told = Network(seed=seed, voters=numbers(voters), observers=numbers(observers)), 0
        return self.show()

    def run(self, ms):
        self.network.run(int(ms))
        return self.story()

    def append(self, node, value):
        return f"offset {self.network.append(int(node), value)}"

    def crash(self, node):
        self.network.crash(int(node))
        return "ok"

    def start(self, node):
        self.network.start(int(node))
        return repr(self.network.hosts[int(node)].node)

    def resign(self, node):
        self.network.resign(int(node))
        return self.story()

    def cut(self, *nodes):
        self.network.cut_off(*(int(node) for node in nodes))
        return "ok"

    def heal(self):
        self.network.heal()
        return "ok"

    def show(self):
        return "\n".join(repr(host.node) if host.node else f"<Raft {number} is down>" for number, host in sorted(self.network.hosts.items()))

    def log(self, node):
        return " ".join(f"{epoch}:{value}" for epoch, value in self.network.hosts[int(node)].log.records)

    def story(self):
        lines = []
        for at, node, told in self.network.told[self.told :]:
            if isinstance(told, m.Standing):
                lines.append(f"{at:6.0f} {node} {'asks whether to stand in' if told.pre_vote else 'stands in'} epoch {told.epoch}: {told.reason}")
            elif told.leader == node:
                lines.append(f"{at:6.0f} {node} leads epoch {told.epoch}")
            elif told.before == node and told.leader is None:
                lines.append(f"{at:6.0f} {node} resigns: {told.reason}")
            elif told.leader is None:
                lines.append(f"{at:6.0f} {node} has lost {told.before}: {told.reason}")
            else:
                lines.append(f"{at:6.0f} {node} follows {told.leader}: {told.reason}")
        self.told = len(self.network.told)
        return "\n".join(lines) or "nothing"


def test_quorum():
    check(Path(__file__).with_name("quorum.txt"), Stage().answer)
