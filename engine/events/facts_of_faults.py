"""What was broken on purpose between brokers and in their answers, and mended again."""

from engine.events.fact import Fact, fact


@fact
class LinkCut(Fact):
    """Links of a broker were cut: to `others`, to all clients if `clients`. Not `both_ways`: only what the broker sends is lost."""

    broker: int
    others: tuple[int, ...]
    clients: bool
    both_ways: bool


@fact
class LinkSlowed(Fact):
    """Every frame between the broker and `others` (all clients if `clients`) takes `delay_ms` longer, in each direction."""

    broker: int
    others: tuple[int, ...]
    clients: bool
    delay_ms: int


@fact
class LinksHealed(Fact):
    """All links of the broker are whole again; of all brokers if it is None."""

    broker: int | None


@fact
class RequestsIntercepted(Fact):
    """A broker treats `share` percent of the requests of one API so: `how` fail (with `error`), delay (by `delay_ms`) or drop."""

    broker: int
    api: str
    how: str
    error: str | None
    delay_ms: int
    share: int


@fact
class InterceptionEnded(Fact):
    """The broker treats all requests as it should again; all brokers do if it is None."""

    broker: int | None
