"""What the host sees: commands, processes, time."""

from engine.events.fact import Fact, fact


@fact
class CommandGiven(Fact):
    """Somebody gave a command: the line, by whom, through which door (button, line, api, scenario, start)."""

    line: str
    verb: str
    by: str
    door: str


@fact
class CommandRefused(Fact):
    """A command could not be done; `message` names what was wrong and what would be right."""

    line: str
    message: str


@fact
class BrokerAdded(Fact):
    """A node belongs to the cluster now; its process may not run yet."""

    broker: int
    rack: str | None
    host: str
    port: int
    voter: bool


@fact
class BrokerRemoved(Fact):
    """A node has left the cluster for good."""

    broker: int


@fact
class BrokerStarted(Fact):
    """The broker's process runs and listens."""

    broker: int
    pid: int
    started_as: int  # incarnation: how often it has been started, from 1


@fact
class BrokerFailed(Fact):
    """The broker's process could not start or ended by itself; `reason` in words."""

    broker: int
    reason: str


@fact
class BrokerKilled(Fact):
    """SIGKILL: no goodbye to anyone."""

    broker: int
    pid: int


@fact
class BrokerStopping(Fact):
    """Controlled shutdown was asked for; leaders move first."""

    broker: int
    pid: int


@fact
class BrokerStopped(Fact):
    """The process has ended after its controlled shutdown."""

    broker: int
    pid: int


@fact
class BrokerFrozen(Fact):
    """SIGSTOP: the process stands still, its connections stay open."""

    broker: int
    pid: int


@fact
class BrokerThawed(Fact):
    """SIGCONT: the frozen process goes on."""

    broker: int
    pid: int


@fact
class ClusterPaused(Fact):
    """All brokers' clocks stand still."""


@fact
class ClusterResumed(Fact):
    """The clocks go on from where they stood."""


@fact
class ClusterSlowed(Fact):
    """The brokers' clocks run `factor` times slower (1 = normal)."""

    factor: float
