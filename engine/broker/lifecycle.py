"""The broker's life as the controller sees it: registers, sends heartbeats, is unfenced, leaves in good order, comes back.

Source: KIP-631. A broker that was fenced goes on sending heartbeats and is unfenced when it has caught up; one that the
controller does not know any more registers anew.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from engine.peers.connection import Unreachable
from engine.protocol.codec import Message, build
from engine.protocol.errors import ErrorCode, KafkaError
from engine.world.tasks import Expired, Signal, spawn, within

if TYPE_CHECKING:
    from engine.broker.node_spec import NodeSpec
    from engine.world.tasks import Task
    from engine.world.world import World

STARTING, FENCED, RUNNING, LEAVING, GONE = "starting", "fenced", "running", "leaving", "gone"

FENCED_BEAT_MS = 20  # at start-up each heartbeat may be the one that unfences
SETTLED_FENCED_BEAT_MS = 100  # fenced for longer than a moment: no hurry any more
HURRY_BEATS = 100
REGISTER_AGAIN_MS = 30
ANSWER_MS_MIN = 600  # a beat that is given up takes its connection along: on a slow link none would arrive
LEAVE_MS_MAX = 3_000  # issue: all brokers are gone 5 s after Ctrl-C
LEAVE_UNHEARD_MS_MAX = 700  # nobody leads the quorum: the last brokers of a cluster cannot leave in order

PLAINTEXT = 0


class Lifecycle:
    """`ask` is one attempt to reach the active controller; `offset` tells how far this node has replayed the metadata log;
    `others_stay` whether another broker is alive and not leaving as well."""

    def __init__(
        self,
        *,
        spec: NodeSpec,
        world: World,
        config: Any,
        ask: Callable[..., Awaitable[Message]],
        offset: Callable[[], int],
        others_stay: Callable[[], bool],
        features: dict[str, tuple[int, int]],
    ) -> None:
        self.state = STARTING
        self.broker_epoch = -1
        self.previous_broker_epoch = -1  # of before a clean shutdown
        self.directory_id: uuid.UUID | None = None
        self.port = spec.port
        self.incarnation_id = world.chance.split("incarnation").uuid()
        self.heard_at_ms: int | None = None  # when the controller last answered a heartbeat, by the cluster's clock
        self.refused: str | None = None  # why the controller will never take this node
        self.unfenced = Signal()
        self.gone = Signal()
        self._spec = spec
        self._clock = world.clock
        self._log = world.log
        self._interval_ms = config["broker.heartbeat.interval.ms"]
        self._ask = ask
        self._offset = offset
        self._others_stay = others_stay
        self._features = features
        self._wake = Signal()
        self._task: Task | None = None
        self._beats = 0
        self._heard_ms = self._clock.monotonic_ms()

    def start(self) -> None:
        """Begins to register; goes on until `crash` or `leave`."""
        self._task = spawn(self._live(), name=f"lifecycle of broker {self._spec.node_id}")

    def hurry(self) -> None:
        """Something changed that the next heartbeat should tell: do not wait for its time."""
        self._wake.set()

    async def leave(self) -> None:
        """Controlled shutdown: heartbeats ask for it until the controller lets us go, or it takes too long."""
        if self.state in (FENCED, RUNNING):
            self.state = LEAVING
            self._heard_ms = self._clock.monotonic_ms()
            self._wake.set()
            try:
                await within(self._clock, LEAVE_MS_MAX, self.gone.wait())
            except Expired:
                self._log(f"broker {self._spec.node_id}: controlled shutdown took longer than {LEAVE_MS_MAX} ms")
        self.crash()

    def crash(self) -> None:
        """No further word to the controller."""
        self.state = GONE
        if self._task:
            self._task.cancel()

    # ---- the loop

    async def _live(self) -> None:
        while self.state != GONE:
            pause_ms = await (self._register() if self.broker_epoch < 0 else self._beat())
            if self.state == GONE:
                break
            try:
                await within(self._clock, pause_ms, self._wake.wait())
            except Expired:
                pass
            self._wake.clear()

    async def _register(self) -> float:
        if self.state == LEAVING:
            return self._leave_now()
        answer = await self._heard(self._registration())
        if answer is None:
            return REGISTER_AGAIN_MS
        if answer.error_code == ErrorCode.none:
            self.broker_epoch = answer.broker_epoch
            self.state, self._beats = FENCED, 0
            self._wake.set()
        elif answer.error_code in (ErrorCode.inconsistent_cluster_id, ErrorCode.unsupported_version):
            self.refused = f"the controller refuses broker {self._spec.node_id}: {answer.error_code.name}"
            self._log(self.refused)
        return REGISTER_AGAIN_MS

    def _registration(self) -> Message:
        spec = self._spec
        return build(
            "BrokerRegistration",
            "request",
            4,
            broker_id=spec.node_id,
            cluster_id=spec.cluster_id,
            incarnation_id=self.incarnation_id,
            listeners=[
                {"name": "PLAINTEXT", "host": spec.advertised_host, "port": self.port, "security_protocol": PLAINTEXT}
            ],
            features=[
                {"name": name, "min_supported_version": low, "max_supported_version": high}
                for name, (low, high) in sorted(self._features.items())
            ],
            rack=spec.rack,
            log_dirs=[self.directory_id] if self.directory_id else [],
            previous_broker_epoch=self.previous_broker_epoch,
        )

    async def _beat(self) -> float:
        answer = await self._heard(
            build(
                "BrokerHeartbeat",
                "request",
                1,
                broker_id=self._spec.node_id,
                broker_epoch=self.broker_epoch,
                current_metadata_offset=self._offset(),
                want_fence=False,
                want_shut_down=self.state == LEAVING,
            )
        )
        if answer is not None and answer.error_code in (ErrorCode.stale_broker_epoch, ErrorCode.broker_id_not_registered):
            self.broker_epoch = -1
            self.unfenced.clear()
            return 0
        if self.state == LEAVING:
            return self._after_leaving_beat(answer)
        if answer is None or answer.error_code != ErrorCode.none:
            return min(self._interval_ms, SETTLED_FENCED_BEAT_MS)
        return self._after_beat(answer)

    def _after_beat(self, answer: Message) -> float:
        self.heard_at_ms = self._clock.now_ms()
        if answer.is_fenced:
            self.state = FENCED
            self.unfenced.clear()
            self._beats += 1
            return FENCED_BEAT_MS if self._beats < HURRY_BEATS else min(SETTLED_FENCED_BEAT_MS, self._interval_ms)
        self.state, self._beats = RUNNING, 0
        self.unfenced.set()
        return self._interval_ms

    def _after_leaving_beat(self, answer: Message | None) -> float:
        silent_ms = self._clock.monotonic_ms() - self._heard_ms
        alone = not self._others_stay()  # the whole cluster stops: leaders have nowhere to go
        if alone or (answer is not None and answer.should_shut_down) or silent_ms > LEAVE_UNHEARD_MS_MAX:
            return self._leave_now()
        return FENCED_BEAT_MS

    def _leave_now(self) -> float:
        self.state = GONE
        self.gone.set()
        return 0

    async def _heard(self, message: Message) -> Message | None:
        """The controller's answer; None when there was none, or it is not the controller."""
        leaving = self.state == LEAVING
        try:
            answer = await self._ask(message, within_ms=LEAVE_UNHEARD_MS_MAX if leaving else max(self._interval_ms, ANSWER_MS_MIN))
        except (KafkaError, Unreachable, Expired):
            return None
        if answer.error_code == ErrorCode.not_controller:
            return None
        self._heard_ms = self._clock.monotonic_ms()
        return answer

    def __repr__(self) -> str:
        return f"<Lifecycle broker={self._spec.node_id} {self.state} broker_epoch={self.broker_epoch}>"
