"""Starting brokers' processes from the warm parent, and knowing what became of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.cluster import warm
from engine.world.processes import Child, Nursery
from engine.world.tasks import Promise

if TYPE_CHECKING:
    from engine.broker.node_spec import NodeSpec
    from engine.world.clock import Clock
    from engine.world.warm_parent import WarmParent

ADDED, STARTING, UP, STOPPING, STOPPED, DOWN, FROZEN = "added", "starting", "up", "stopping", "stopped", "down", "frozen"
RUNNING = (STARTING, UP, STOPPING, FROZEN)

# What may happen to a broker's process in which state, and what it is afterwards.
TRANSITIONS: dict[tuple[str, str], str] = {
    (ADDED, "start"): STARTING,
    (STOPPED, "start"): STARTING,
    (DOWN, "start"): STARTING,
    (STARTING, "listening"): UP,
    (STARTING, "kill"): DOWN,
    (UP, "kill"): DOWN,
    (STOPPING, "kill"): DOWN,
    (FROZEN, "kill"): DOWN,
    (UP, "stop"): STOPPING,
    (UP, "freeze"): FROZEN,
    (FROZEN, "thaw"): UP,
    (STOPPING, "ended"): STOPPED,
    (STARTING, "ended"): DOWN,
    (UP, "ended"): DOWN,
    (FROZEN, "ended"): DOWN,
}


class Refused(ValueError):
    """A command that the cluster's state does not allow; the message says what is wrong and what would be right."""


class BrokerProcess:
    """One broker as the host sees it. `pid` is None when no process runs."""

    def __init__(self, *, id: int, rack: str | None, host: str, port: int, voter: bool, incarnation: int) -> None:
        self.id = id
        self.rack = rack
        self.host = host
        self.port = port
        self.voter = voter
        self.incarnation = incarnation
        self.state = ADDED
        self.child: Child | None = None
        self.listening: Promise[int] = Promise()
        self.unfenced: Promise[int] = Promise()
        self.failure: str | None = None  # in the broker's own words
        self.because: tuple[str, ...] = ()  # ids of the facts that its end follows from

    @property
    def pid(self) -> int | None:
        return self.child.pid if self.child and self.state in RUNNING else None

    @property
    def is_running(self) -> bool:
        """A process is there, frozen or not."""
        return self.state in RUNNING

    def move(self, what: str) -> None:
        """Raises Refused when that cannot happen to a broker in its state."""
        if (self.state, what) not in TRANSITIONS:
            can = sorted(event for state, event in TRANSITIONS if state == self.state and event not in ("listening", "ended"))
            raise Refused(f"broker {self.id} is {self.state}: it cannot {what}; it can {' or '.join(can) or 'only be waited for'}")
        self.state = TRANSITIONS[self.state, what]

    def tell(self, order: dict[str, Any]) -> None:
        """An order to the running process; nothing when there is none."""
        if self.child and self.is_running:
            self.child.pipe.send(order)

    def __repr__(self) -> str:
        return f"<BrokerProcess {self.id} {self.state} pid={self.pid} port={self.port} incarnation={self.incarnation}>"


class Launcher:
    """The warm parent, and what its children say. Who can begins it (`warm.begin`) before anything else."""

    def __init__(self, parent: WarmParent | None = None) -> None:
        self.on_message: Callable[[BrokerProcess, dict[str, Any]], None] = lambda broker, message: None
        self._nursery = Nursery(parent or warm.begin())

    async def start(self, broker: BrokerProcess, spec: NodeSpec, clock: Clock, orders: list[dict[str, Any]]) -> Child:
        """Forks the broker, which obeys `orders` before it listens. Its first words come as messages: listening or failed."""
        await self._nursery.warm.wait()  # first, so that the time we hand on is the time of the fork
        broker.listening, broker.unfenced, broker.failure = Promise(), Promise(), None
        broker.child = await self._nursery.fork(
            {"spec": asdict(spec), "now_ms": clock.now_ms(), "factor": clock.factor, "paused": clock.paused, "orders": orders},
            lambda message: self.on_message(broker, message),
        )
        return broker.child

    def close(self) -> None:
        """No warm parent any more; brokers that still run die with it."""
        self._nursery.close()
