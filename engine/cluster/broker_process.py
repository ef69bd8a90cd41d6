"""What runs in a broker's process: one node in the real world, its pipe to the host, its end.

Run as a module it is the warm parent: `python -m engine.cluster.broker_process FD HOST_PID` loads what brokers need and forks them.
"""

import gc
import sys
from collections.abc import Callable
from typing import Any

if __name__ == "__main__":
    gc.disable()  # nothing that is loaded here is ever garbage: looking for it is a twentieth of the time to a warm parent

# phantom-types, which kio stands on, imports hypothesis where it is installed: 130 ms and 10 MiB that no broker needs.
sys.modules.setdefault("hypothesis", None)  # type: ignore[arg-type]

from engine.broker.connections import far_of  # noqa: E402
from engine.broker.node import Node  # noqa: E402
from engine.broker.node_spec import NodeSpec  # noqa: E402
from engine.broker.traffic_sample import Sampling, image_on_wire  # noqa: E402
from engine.cluster.preload import OF_CLIENTS, OF_NODES, preload  # noqa: E402
from engine.events.facts import StorageFailed, to_wire  # noqa: E402
from engine.events.journal import Journal  # noqa: E402
from engine.peers.connection import node_name  # noqa: E402
from engine.protocol.errors import KafkaError  # noqa: E402
from engine.storage.checkpoints import CheckpointError  # noqa: E402
from engine.world import nursery  # noqa: E402
from engine.world.pipes import Pipe  # noqa: E402
from engine.world.processes import die_with_parent, leave, on_signals  # noqa: E402
from engine.world.real import real_world, run, to_standard_error  # noqa: E402
from engine.world.tasks import Signal, spawn  # noqa: E402

PIPE_BYTES_MAX = 1 << 20  # the host does not listen: facts are kept for it, samples are not

FAILED = 1  # exit status: it said why through the pipe


def child(message: dict[str, Any], end: Any) -> int:
    """The forked process from beginning to end; its exit status. `end` is its socket to the host."""
    return run(_live(message, end)) or 0


async def _live(message: dict[str, Any], end: Any) -> int:
    pipe = Pipe(end)
    pipe.on_closed = lambda: leave(0)  # the host is gone, and so are we
    spec = spec_from(message["spec"])
    world = real_world(start_ms=message["now_ms"], log=_log_of(spec.node_id), name=node_name(spec.node_id))
    world.clock.slow(message["factor"])
    journal = Journal(node=spec.node_id, incarnation=spec.incarnation, now_ms=world.clock.now_ms)
    journal.listen(lambda fact: pipe.send({"fact": to_wire(fact)}))
    stop = Signal()
    on_signals(stop.set)
    try:
        node = Node(spec=spec, world=world, journal=journal)
        node.on_failed_storage = lambda reason: _halt(node, pipe, reason)
        pipe.on_message = lambda order: _obey(node, order)
        node.world.network.gates.name_of = far_of
        for order in message["orders"]:
            _obey(node, order)
        await node.start()
    except (OSError, CheckpointError, ValueError, KafkaError) as error:
        pipe.send({"failed": in_words(spec, error)})
        pipe.flush()
        return FAILED
    pipe.send({"listening": node.listener.port})
    spawn(_tell(node, pipe), name="telling the host")
    if message["paused"]:
        world.clock.pause()
    await stop.wait()
    world.clock.resume()
    await node.stop()
    pipe.send({"stopped": True})
    pipe.flush()
    return 0


def _halt(node: Node, pipe: Pipe, reason: str) -> None:
    """Kafka's Exit.halt: nothing that this process has begun is answered any more."""
    failed = node.journal.recent(StorageFailed)[-1]
    in_words = reason if node.listener else f"broker {node.spec.node_id} cannot start: {reason}"
    pipe.send({"failed": in_words, "because": [failed.id]})
    pipe.flush()
    leave(FAILED)


def _log_of(node_id: int) -> Callable[[str], None]:
    return lambda line: to_standard_error(f"[broker {node_id}] {line}")


async def _tell(node: Node, pipe: Pipe) -> None:
    spawn(_tell_unfenced(node, pipe), name="telling when unfenced")
    await node.caught_up.wait()
    pipe.send({"image": image_on_wire(node)})
    Sampling(node, tell=lambda taken: pipe.send({"traffic": taken}), may_tell=lambda: pipe.queued_bytes < PIPE_BYTES_MAX)


async def _tell_unfenced(node: Node, pipe: Pipe) -> None:
    await node.lifecycle.unfenced.wait()
    pipe.send({"unfenced": node.lifecycle.broker_epoch})


def _obey(node: Node, order: dict[str, Any]) -> None:
    word = order["do"]
    if word == "pause":
        node.clock.pause()
    elif word == "resume":
        node.clock.resume()
    elif word == "slow":
        node.clock.slow(order["factor"])
    elif word == "links":
        node.world.network.gates.links.become(cut=map(tuple, order["cut"]), slow=map(tuple, order["slow"]))
    elif word == "intercept":
        node.intercept.follow(order["rules"])
    else:
        raise AssertionError(f"the host gave an order that no broker knows: {order}")


def spec_from(values: dict[str, Any]) -> NodeSpec:
    """A NodeSpec that came as JSON."""
    voters = {int(node_id): (host, port) for node_id, (host, port) in values["voters"].items()}
    return NodeSpec(**values | {"voters": voters})


def in_words(spec: NodeSpec, error: Exception) -> str:
    """Why the broker could not start, for people."""
    if isinstance(error, OSError) and error.filename is None and error.errno is not None:
        return f"broker {spec.node_id} cannot listen on {spec.host}:{spec.port}: {error.strerror}"
    return f"broker {spec.node_id} cannot start: {error}"


if __name__ == "__main__":
    die_with_parent(int(sys.argv[2]))
    preload(OF_NODES)
    nursery.serve(int(sys.argv[1]), child, when_idle=lambda: preload(OF_CLIENTS))
