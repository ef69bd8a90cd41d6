"""Many nodes as one thing: started, added, removed, broken, healed, paused and slowed; what they tell is passed on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from engine.cluster import faults, spec
from engine.cluster.causes import Causes
from engine.cluster.launch import BrokerProcess, Launcher, Refused
from engine.cluster.trouble import Trouble
from engine.events.facts import BrokerAdded, BrokerRemoved, BrokerStarted, ClusterPaused, ClusterResumed, ClusterSlowed, Fact, to_wire
from engine.events.journal import Journal
from engine.peers.connection import Unreachable
from engine.peers.directory import Directory
from engine.protocol.codec import build
from engine.protocol.errors import ErrorCode
from engine.world.clock import Clock
from engine.world.tasks import Expired, gather, spawn, within

if TYPE_CHECKING:
    from engine.world.world import World

CLOSE_MS_MAX = 4_500  # issue: Ctrl-C ends everything within 5 s
UNREGISTER_MS_MAX = 5_000


class Cluster:
    """`journal` is the host's (node 0). `clock` is the cluster's time: it stands still with a paused cluster."""

    def __init__(
        self,
        *,
        world: World,
        folder: str,
        port: int,
        racks: Sequence[str | None],
        profile: str,
        journal: Journal,
        config: dict[str, str] | None = None,
        launcher: Launcher | None = None,
    ) -> None:
        self.on_fact: Callable[[dict[str, Any]], None] = lambda fact: None
        self.on_traffic: Callable[[dict[str, Any]], None] = lambda sample: None
        self.on_image: Callable[[int, dict[str, Any]], None] = lambda node, image: None
        self.brokers: dict[int, BrokerProcess] = {}
        self.profile = profile
        self.clock = Clock(start_ms=world.clock.now_ms())
        self._world = world
        self._folder = folder
        self._port = port
        self._racks = list(racks)
        self._config = dict(config or {})
        self._journal = journal
        self._causes = Causes()
        self._spec: spec.ClusterSpec | None = None
        self._launcher = launcher
        self.trouble = Trouble(journal, self._tell_trouble)
        journal.listen(lambda fact: self._causes.see(to_wire(fact)))

    @property
    def cluster_id(self) -> str:
        """22 letters, as Kafka's."""
        assert self._spec, "the cluster has not been started"
        return self._spec.cluster_id

    @property
    def bootstrap_servers(self) -> str:
        """host:port of every broker that belongs to the cluster."""
        return ",".join(f"{broker.host}:{broker.port}" for _, broker in sorted(self.brokers.items()))

    # ---- all of it

    async def start(self, *, causes: tuple[str, ...] = ()) -> None:
        """Starts every broker; returns when each listens or has failed. Raises WrongFolder for a data folder that is not ours."""
        self._launcher = self._launcher or Launcher()
        self._launcher.on_message = self._told
        self._spec = spec.load(self._world.disk, self._folder) or self._found()
        await self._settle_ports(self._spec)
        for entry in [entry for _, entry in sorted(self._spec.nodes.items())]:
            self._know(entry, causes)
        await gather(*(self._start_or_log(broker, causes) for broker in sorted(self.brokers)))

    async def _start_or_log(self, number: int, causes: tuple[str, ...]) -> None:
        try:
            await self.start_broker(number, causes=causes)
        except Refused as error:
            self._world.log(str(error))

    def _found(self) -> spec.ClusterSpec:
        founded = spec.ClusterSpec(cluster_id=spec.new_cluster_id(self._world.chance.uuid()))
        for number, rack in enumerate(self._racks):
            founded.add(rack, 0, voter=number < spec.VOTERS_MAX)
        return founded

    async def _settle_ports(self, known: spec.ClusterSpec) -> None:
        """The ports that were asked for, one above the other; port 0: those of before, as far as they are free."""
        for number, (_, entry) in enumerate(sorted(known.nodes.items())):
            if self._port:
                entry.port = self._port + number
            elif not await self._is_free(entry.port):
                entry.port = await self._port_for(known)
        spec.save(self._world.disk, self._folder, known)

    async def _port_for(self, known: spec.ClusterSpec) -> int:
        taken = {entry.port for entry in known.nodes.values()}
        if self._port:
            return next(port for port in range(self._port, 65536) if port not in taken)
        while (port := await self._free_port()) in taken:
            pass
        return port

    async def _is_free(self, port: int) -> bool:
        try:
            return port > 0 and await self._free_port(port) == port
        except OSError:
            return False

    async def _free_port(self, port: int = 0) -> int:
        listener = await self._world.network.listen(spec.HOST, port, lambda connection: connection.close())
        listener.close()
        return listener.port

    def _know(self, entry: spec.NodeEntry, causes: tuple[str, ...]) -> BrokerProcess:
        broker = BrokerProcess(
            id=entry.id, rack=entry.rack, host=spec.HOST, port=entry.port, voter=entry.voter, incarnation=entry.incarnation
        )
        self.brokers[entry.id] = broker
        self._journal.emit(
            BrokerAdded(broker=entry.id, rack=entry.rack, host=spec.HOST, port=entry.port, voter=entry.voter, causes=causes)
        )
        return broker

    async def ready(self) -> None:
        """Returns when every running broker is unfenced. Raises Refused with a broker's own words when one failed."""
        await gather(*(broker.unfenced.wait() for _, broker in sorted(self.brokers.items())))

    async def close(self) -> None:
        """Controlled shutdown of all, at most CLOSE_MS_MAX; whoever is left then is killed."""
        self.clock.resume()
        for broker in self.brokers.values():
            broker.tell({"do": "resume"})
            if broker.state == "frozen":
                faults.thaw(broker, self._journal, ())
        stoppable = [number for number, broker in sorted(self.brokers.items()) if broker.state == "up"]
        leaving = [broker.child for broker in self.brokers.values() if broker.state == "stopping" and broker.child]
        try:
            waits = [self.stop(number) for number in stoppable] + [child.ended.wait() for child in leaving]
            await within(self._world.clock, CLOSE_MS_MAX, gather(*waits))
        except Expired:
            self._world.log("not all brokers stopped in time; the rest is killed")
        if self._launcher:
            self._launcher.close()

    # ---- one broker

    def broker(self, number: int) -> BrokerProcess:
        """Raises Refused for a broker that the cluster does not have."""
        if number not in self.brokers:
            known = ", ".join(str(known) for known in sorted(self.brokers))
            raise Refused(f"there is no broker {number}; there are {known}")
        return self.brokers[number]

    async def start_broker(self, number: int, *, causes: tuple[str, ...] = ()) -> None:
        """Returns when it listens. Raises Refused with its own words when it could not start (a BrokerFailed tells it too)."""
        broker = self.broker(number)
        assert self._spec and self._launcher, "the cluster has not been started"
        broker.move("start")
        entry = self._spec.nodes[number]
        entry.incarnation += 1
        broker.incarnation = entry.incarnation
        folder = self._world.disk.join(self._folder, f"node-{number}")
        told = self._spec.node_spec(number, folder=folder, profile=self.profile, config=self._config)
        orders = self.trouble.orders(number)
        try:
            spec.save(self._world.disk, self._folder, self._spec)
            child = await self._launcher.start(broker, told, self.clock, orders)
        except OSError:  # a full disk, no process to be had: whoever asked hears it, and may try again
            broker.move("ended")
            raise
        now = self.trouble.orders(number)
        for order in now if now != orders else ():
            broker.tell(order)  # changed while it was forked
        child.ended.then(lambda how: self._ended(broker, child, how.result()))
        await broker.listening.wait()
        if broker.child is child and broker.state == "starting":
            broker.move("listening")
            self._journal.emit(BrokerStarted(broker=number, pid=child.pid or 0, started_as=broker.incarnation, causes=causes))

    async def kill(self, number: int, *, causes: tuple[str, ...] = ()) -> Fact:
        """SIGKILL."""
        return await faults.kill(self.broker(number), self._journal, causes)

    async def stop(self, number: int, *, causes: tuple[str, ...] = ()) -> Fact:
        """Controlled shutdown; returns when it is gone."""
        return await faults.stop(self.broker(number), self._journal, causes)

    async def restart(self, number: int, *, causes: tuple[str, ...] = ()) -> None:
        """Stop in good order, then start."""
        await self.stop(number, causes=causes)
        await self.start_broker(number, causes=causes)

    async def freeze(self, number: int, *, causes: tuple[str, ...] = ()) -> Fact:
        """SIGSTOP."""
        return faults.freeze(self.broker(number), self._journal, causes)

    async def thaw(self, number: int, *, causes: tuple[str, ...] = ()) -> Fact:
        """SIGCONT."""
        return faults.thaw(self.broker(number), self._journal, causes)

    async def add(self, rack: str | None, *, causes: tuple[str, ...] = ()) -> int:
        """A new broker, no voter, started; its id."""
        assert self._spec, "the cluster has not been started"
        if len(self.brokers) >= spec.BROKERS_MAX:
            raise Refused(f"a cluster has at most {spec.BROKERS_MAX} brokers here")
        entry = self._spec.add(rack, await self._port_for(self._spec), voter=False)
        spec.save(self._world.disk, self._folder, self._spec)
        self._know(entry, causes)
        await self.start_broker(entry.id, causes=causes)
        return entry.id

    async def remove(self, number: int, *, causes: tuple[str, ...] = ()) -> None:
        """Stops the broker, has the controller forget it, and gives its id and port to nobody. Voters stay."""
        broker = self.broker(number)
        assert self._spec, "the cluster has not been started"
        if broker.voter:
            raise Refused(f"broker {number} is a voter of the quorum and cannot be removed; `stop broker {number}` stops it")
        if broker.state == "up":
            await self.stop(number, causes=causes)
        elif broker.is_running:
            await self.kill(number, causes=causes)
        await self._unregister(number)
        del self.brokers[number], self._spec.nodes[number]
        self.trouble.forget(number)
        spec.save(self._world.disk, self._folder, self._spec)
        self._journal.emit(BrokerRemoved(broker=number, causes=causes))

    async def _unregister(self, number: int) -> None:
        addresses = {broker.id: (broker.host, broker.port) for broker in self.brokers.values() if broker.state == "up"}
        directory = Directory(world=self._world, node_id=0, addresses=addresses)
        try:
            for other in sorted(addresses):
                try:
                    answer = await directory.peer(other).ask(
                        build("UnregisterBroker", "request", 0, broker_id=number), within_ms=UNREGISTER_MS_MAX
                    )
                except (Unreachable, Expired):
                    continue
                if answer.error_code in (ErrorCode.none, ErrorCode.broker_id_not_registered):
                    return
                raise Refused(f"the controller does not let broker {number} go: {answer.error_message or answer.error_code.name}")
            raise Refused(f"no broker answers: broker {number} stays a member of the cluster")
        finally:
            directory.close()

    # ---- time

    async def pause(self, *, causes: tuple[str, ...] = ()) -> Fact:
        """All brokers' clocks stand still."""
        if self.clock.paused:
            raise Refused("the cluster is paused already; `resume` lets it go on")
        return self._time(ClusterPaused(causes=causes), {"do": "pause"}, self.clock.pause)

    async def resume(self, *, causes: tuple[str, ...] = ()) -> Fact:
        """The clocks go on from where they stood."""
        if not self.clock.paused:
            raise Refused("the cluster is not paused")
        return self._time(ClusterResumed(causes=causes), {"do": "resume"}, self.clock.resume)

    async def slow(self, factor: float, *, causes: tuple[str, ...] = ()) -> Fact:
        """The clocks run `factor` times slower; 1 is normal."""
        if not factor > 0:
            raise Refused(f"a clock cannot run {factor} times slower")
        return self._time(
            ClusterSlowed(factor=factor, causes=causes), {"do": "slow", "factor": factor}, lambda: self.clock.slow(factor)
        )

    def _time(self, fact: Fact, order: dict[str, Any], change: Callable[[], None]) -> Fact:
        change()
        for _, broker in sorted(self.brokers.items()):
            broker.tell(order)
        return self._journal.emit(fact)

    def _tell_trouble(self) -> None:
        for number, broker in sorted(self.brokers.items()):
            for order in self.trouble.orders(number):
                broker.tell(order)

    # ---- what brokers tell

    def _told(self, broker: BrokerProcess, message: dict[str, Any]) -> None:
        if "fact" in message:
            self.on_fact(self._causes.complete(message["fact"]))
        elif "traffic" in message:
            self.on_traffic(message["traffic"])
        elif "listening" in message:
            broker.listening.resolve(message["listening"])
        elif "unfenced" in message:
            broker.unfenced.resolve(message["unfenced"])
        elif "image" in message:
            self.on_image(broker.id, message["image"])
        elif "failed" in message:
            broker.failure, broker.because = message["failed"], tuple(message.get("because", ()))

    def _ended(self, broker: BrokerProcess, child: Any, how: str) -> None:
        if broker.child is not child:
            return
        # What it said last may still be on its way through the pipe; it comes before the pipe's end.
        spawn(self._bury(broker, child, how), name=f"burying broker {broker.id}")

    async def _bury(self, broker: BrokerProcess, child: Any, how: str) -> None:
        await child.pipe.drained()
        faults.ended(broker, how, self._journal)
        failure = Refused(broker.failure or f"broker {broker.id} ended by itself: {how}")
        broker.listening.refuse(failure)
        broker.unfenced.refuse(failure)
