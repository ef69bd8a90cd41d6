"""What is done to a broker from outside: killed, frozen, thawed, stopped. Each is a fact of the host.

Rule: the fact is told before the signal is sent, so that what follows from it always comes later.
"""

from __future__ import annotations

from engine.cluster.launch import DOWN, STOPPED, BrokerProcess
from engine.events.facts import BrokerFailed, BrokerFrozen, BrokerKilled, BrokerStopped, BrokerStopping, BrokerThawed, Fact
from engine.events.journal import Journal

Causes = tuple[str, ...]


async def kill(broker: BrokerProcess, journal: Journal, causes: Causes) -> Fact:
    """SIGKILL; returns when the process is gone."""
    child = broker.child
    pid = broker.pid or 0
    broker.move("kill")
    fact = journal.emit(BrokerKilled(broker=broker.id, pid=pid, causes=causes))
    assert child is not None, f"{broker} was running without a process"
    child.kill()
    await child.ended.wait()
    return fact


def freeze(broker: BrokerProcess, journal: Journal, causes: Causes) -> Fact:
    """SIGSTOP."""
    broker.move("freeze")
    fact = journal.emit(BrokerFrozen(broker=broker.id, pid=broker.pid or 0, causes=causes))
    broker.child.freeze()
    return fact


def thaw(broker: BrokerProcess, journal: Journal, causes: Causes) -> Fact:
    """SIGCONT."""
    broker.move("thaw")
    fact = journal.emit(BrokerThawed(broker=broker.id, pid=broker.pid or 0, causes=causes))
    broker.child.thaw()
    return fact


async def stop(broker: BrokerProcess, journal: Journal, causes: Causes) -> Fact:
    """SIGTERM: controlled shutdown; returns when the process is gone."""
    broker.move("stop")
    fact = journal.emit(BrokerStopping(broker=broker.id, pid=broker.pid or 0, causes=causes))
    broker.because = (fact.id,)
    broker.child.terminate()
    await broker.child.ended.wait()
    return fact


def ended(broker: BrokerProcess, how: str, journal: Journal) -> None:
    """The process is gone: as it was asked to, or by itself."""
    causes, broker.because = broker.because, ()
    if broker.state == DOWN:
        return  # killed: told already
    pid = broker.pid or 0
    broker.move("ended")
    if broker.state == STOPPED:
        journal.emit(BrokerStopped(broker=broker.id, pid=pid, causes=causes))
    else:
        journal.emit(BrokerFailed(broker=broker.id, reason=broker.failure or f"its process ended by itself: {how}", causes=causes))
