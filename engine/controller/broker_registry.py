"""Brokers as the controller sees them: registration, heartbeats, sessions, fencing, controlled shutdown.

What a broker is (registered, fenced, leaving) is in the image. When it was last heard is soft state of the active controller:
a new controller gives every session a fresh start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from engine.controller.decision import Decision, Telling
from engine.controller.partitions import check_broker_epoch, drop_broker, lead_by
from engine.controller.view import View
from engine.events.facts import (
    BrokerFenced,
    BrokerRegistered,
    BrokerUnfenced,
    BrokerUnregistered,
    ControlledShutdownBegan,
    SessionExpired,
)
from engine.metadata.image import BrokerImage, MetadataImage
from engine.protocol.codec import Message, build
from engine.protocol.errors import BrokerIdNotRegistered, DuplicateBrokerRegistration, InconsistentClusterId, InvalidRegistration
from engine.protocol.stored.metadata import (
    ENTER_CONTROLLED_SHUTDOWN,
    FENCE,
    UNFENCE,
    BrokerRegistrationChangeRecord,
    Endpoint,
    RegisterBrokerRecord,
    SupportedFeature,
    UnregisterBrokerRecord,
)

FENCED, UNFENCED, CONTROLLED_SHUTDOWN, SHUTDOWN_NOW = "fenced", "unfenced", "controlled shutdown", "shutdown now"
SESSION = "broker.session.timeout.ms"


@dataclass(slots=True)
class Sessions:
    """When each broker was last heard (ms of the monotonic clock), and how far it had followed the metadata log."""

    heard: dict[int, float] = field(default_factory=dict)
    offsets: dict[int, int] = field(default_factory=dict)
    shutdown_offsets: dict[int, int] = field(default_factory=dict)  # where a broker's controlled shutdown began

    def restart(self, image: MetadataImage, now_ms: float) -> None:
        """A new controller: everybody has been heard just now."""
        self.heard = dict.fromkeys(image.brokers, now_ms)
        self.offsets = {}
        self.shutdown_offsets = {}

    def touch(self, broker: int, now_ms: float, offset: int | None = None) -> None:
        self.heard[broker] = now_ms
        if offset is not None:
            self.offsets[broker] = offset

    def forget(self, broker: int) -> None:
        for soft in (self.heard, self.offsets, self.shutdown_offsets):
            soft.pop(broker, None)

    def is_valid(self, broker: int, now_ms: float, timeout_ms: float) -> bool:
        return broker in self.heard and now_ms - self.heard[broker] <= timeout_ms

    def silent(self, image: MetadataImage, now_ms: float, timeout_ms: float) -> list[int]:
        """Unfenced brokers whose session is over, the longest silent first."""
        over = [broker.id for broker in image.brokers.values() if not broker.fenced and not self.is_valid(broker.id, now_ms, timeout_ms)]
        return sorted(over, key=lambda broker: (self.heard.get(broker, 0.0), broker))

    def next_expiry_ms(self, image: MetadataImage, timeout_ms: float) -> float | None:
        """When the next session may be over, on the same clock; None if nobody has one."""
        heard = [self.heard.get(broker.id, 0.0) for broker in image.brokers.values() if not broker.fenced]
        return min(heard) + timeout_ms if heard else None

    def lowest_active_offset(self, view: View) -> float:
        """How far every broker has followed that leads or may lead."""
        return min((self.offsets.get(broker, -1) for broker in view.image.brokers if view.is_active(broker)), default=float("inf"))


# ---- registration


def register(view: View, request: Message, *, cluster_id: str, session_valid: bool, next_offset: int) -> Decision:
    """A broker says that it is there.

    Raises:
        InconsistentClusterId: it belongs to another cluster.
        DuplicateBrokerRegistration: another process with its id is alive.
        InvalidRegistration: it has no listener.
    """
    if request.cluster_id != cluster_id:
        raise InconsistentClusterId(f"Expected cluster ID {cluster_id}, but got cluster ID {request.cluster_id}")
    known = view.image.brokers.get(request.broker_id)
    if known and session_valid and not known.fenced and known.incarnation_id != _incarnation(request):
        raise DuplicateBrokerRegistration(
            "Another broker is registered with that broker id. If the broker was recently restarted this should self-resolve "
            "once the heartbeat manager expires the broker's session."
        )
    if not request.listeners:
        raise InvalidRegistration("No listeners specified in request")
    decision = Decision()
    same_process = known is not None and known.incarnation_id == _incarnation(request)
    if known and not same_process:
        _retire(view, decision, known, clean=request.previous_broker_epoch == known.epoch)
    epoch = known.epoch if known and same_process else next_offset + len(decision.records)
    decision.records.append(_record(request, epoch, known if same_process else None))
    listener = request.listeners[0]
    decision.tell(
        BrokerRegistered(broker=request.broker_id, broker_epoch=epoch, rack=request.rack, host=listener.host, port=listener.port)
    )
    decision.answer = epoch
    return decision


def _incarnation(request: Message) -> UUID:
    return request.incarnation_id or UUID(int=0)  # kio reads the zero uuid as None; a record holds it as it is


def _record(request: Message, epoch: int, same: BrokerImage | None) -> RegisterBrokerRecord:
    return RegisterBrokerRecord(
        broker_id=request.broker_id,
        incarnation_id=_incarnation(request),
        broker_epoch=epoch,
        end_points=tuple(
            Endpoint(name=each.name, host=each.host, port=each.port, security_protocol=each.security_protocol) for each in request.listeners
        ),
        features=tuple(
            SupportedFeature(
                name=each.name, min_supported_version=each.min_supported_version, max_supported_version=each.max_supported_version
            )
            for each in request.features
        ),
        rack=request.rack,
        fenced=same.fenced if same else True,
        in_controlled_shutdown=same.in_controlled_shutdown if same else False,
        log_dirs=tuple(folder or UUID(int=0) for folder in request.log_dirs),
    )


def _retire(view: View, decision: Decision, known: BrokerImage, *, clean: bool) -> None:
    """A new process took the id: the old one's place in ISRs is void. Was its end not clean, it may even have lost records."""
    lost_disk = not clean and view.elr_enabled
    fenced = None
    if not known.fenced:
        fenced = decision.tell(BrokerFenced(broker=known.id, broker_epoch=known.epoch, partitions=len(view.in_isr_of(known.id)), reason="registration"))
    drop_broker(view, decision, known.id, reason="registration", because=fenced, lost_disk=lost_disk)


def unregister(view: View, broker: int) -> Decision:
    """An operator takes the broker out for good. Raises BrokerIdNotRegistered."""
    known = view.image.brokers.get(broker)
    if known is None:
        raise BrokerIdNotRegistered(f"Broker ID {broker} is not currently registered")
    decision = Decision()
    gone = decision.tell(BrokerUnregistered(broker=broker))
    drop_broker(view, decision, broker, reason="unregistered", because=gone, lost_disk=True)
    decision.records.append(UnregisterBrokerRecord(broker_id=broker, broker_epoch=known.epoch))
    return decision


# ---- sessions


def fence_silent(view: View, sessions: Sessions, now_ms: float) -> Decision:
    """Fence the broker that has been silent the longest over its time, if there is one: one broker, one batch."""
    decision = Decision()
    timeout_ms = view.config[SESSION]
    for broker in sessions.silent(view.image, now_ms, timeout_ms)[:1]:
        silent_ms = round(now_ms - sessions.heard.get(broker, now_ms))
        configs = {SESSION: timeout_ms}
        expired = decision.tell(SessionExpired(broker=broker, silent_ms=silent_ms, configs=configs))
        fence(view, decision, broker, reason="session", because=expired, configs=configs)
    return decision


def fence(
    view: View, decision: Decision, broker: int, *, reason: str, because: Telling | None = None, configs: dict | None = None
) -> None:
    """Out of all ISRs and leaderships, and fenced, in one batch."""
    known = view.image.brokers[broker]
    telling = Telling(BrokerFenced(broker=broker, broker_epoch=known.epoch, partitions=0, reason=reason), (because,) if because else ())
    decision.tellings.append(telling)
    changed = drop_broker(view, decision, broker, reason="shutdown" if reason == "shutdown" else "fenced", because=telling)
    telling.fact = BrokerFenced(broker=broker, broker_epoch=known.epoch, partitions=changed, reason=reason, configs=configs or {})
    decision.records.append(BrokerRegistrationChangeRecord(broker_id=broker, broker_epoch=known.epoch, fenced=FENCE))


# ---- heartbeats


def state_of(broker: BrokerImage) -> str:
    """FENCED, UNFENCED or CONTROLLED_SHUTDOWN."""
    if broker.fenced:
        return FENCED
    return CONTROLLED_SHUTDOWN if broker.in_controlled_shutdown else UNFENCED


def next_state(view: View, sessions: Sessions, request: Message) -> str:
    """What becomes of the broker by what it says of itself. Raises StaleBrokerEpoch."""
    broker = check_broker_epoch(view, request.broker_id, request.broker_epoch)
    state = state_of(broker)
    if state == FENCED:
        if request.want_shut_down:
            return SHUTDOWN_NOW
        # Its epoch is the offset of its registration: who has replayed that knows of everything before.
        return UNFENCED if not request.want_fence and request.current_metadata_offset >= broker.epoch else FENCED
    if state == UNFENCED:
        if request.want_fence:
            return SHUTDOWN_NOW if request.want_shut_down else FENCED
        if request.want_shut_down:
            return CONTROLLED_SHUTDOWN if view.leads(broker.id) else SHUTDOWN_NOW
        return UNFENCED
    if view.leads(broker.id):
        return CONTROLLED_SHUTDOWN
    # It may go once everybody has heard that it leads nothing, so that no client is sent to it any more.
    everybody_knows = sessions.shutdown_offsets.get(broker.id, view.image.offset) <= sessions.lowest_active_offset(view)
    return SHUTDOWN_NOW if everybody_knows else CONTROLLED_SHUTDOWN


def heartbeat(view: View, sessions: Sessions, request: Message, version: int) -> Decision:
    """The records that a heartbeat leads to (mostly none) and its answer. Raises StaleBrokerEpoch."""
    broker = check_broker_epoch(view, request.broker_id, request.broker_epoch)
    state, following = state_of(broker), next_state(view, sessions, request)
    decision = Decision()
    if state != following:
        _move(view, decision, sessions, broker, following)
    decision.answer = build(
        "BrokerHeartbeat",
        "response",
        version,
        is_caught_up=request.current_metadata_offset >= broker.epoch,
        is_fenced=following in (FENCED, SHUTDOWN_NOW),
        should_shut_down=following == SHUTDOWN_NOW,
    )
    return decision


def _move(view: View, decision: Decision, sessions: Sessions, broker: BrokerImage, state: str) -> None:
    if state == UNFENCED:
        decision.records.append(BrokerRegistrationChangeRecord(broker_id=broker.id, broker_epoch=broker.epoch, fenced=UNFENCE))
        unfenced = decision.tell(BrokerUnfenced(broker=broker.id, broker_epoch=broker.epoch))
        lead_by(view, decision, broker.id, because=unfenced)
    elif state == CONTROLLED_SHUTDOWN:
        leaving = BrokerRegistrationChangeRecord(
            broker_id=broker.id, broker_epoch=broker.epoch, in_controlled_shutdown=ENTER_CONTROLLED_SHUTDOWN
        )
        decision.records.append(leaving)
        began = decision.tell(ControlledShutdownBegan(broker=broker.id, leaders=view.leads(broker.id)))
        drop_broker(view, decision, broker.id, reason="shutdown", because=began)

        def note(offset: int) -> None:
            sessions.shutdown_offsets[broker.id] = offset

        decision.after_commit = note
    elif not broker.fenced:
        fence(view, decision, broker.id, reason="shutdown" if state == SHUTDOWN_NOW else "asked")
