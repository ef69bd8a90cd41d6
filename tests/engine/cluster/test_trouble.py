"""What the host tells brokers of cuts, delays and rules, and what it tells people."""

from engine.cluster.trouble import Trouble
from engine.events.journal import Journal


class Told:
    def __init__(self):
        self.journal = Journal(node=0, incarnation=1, now_ms=lambda: 5)
        self.times = 0
        self.trouble = Trouble(self.journal, self._tell)

    def _tell(self):
        assert self.journal.recent() or self.times == 0, "the fact comes first"
        self.times += 1

    def links(self, broker=1):
        order, _ = self.trouble.orders(broker)
        return order["cut"], order["slow"]

    def rules(self, broker):
        return self.trouble.orders(broker)[1]["rules"]

    @property
    def kinds(self):
        return [type(fact).__name__ for fact in self.journal.recent()]


def test_cuts_and_delays_are_told_to_all_whole_each_time():
    told = Told()
    told.trouble.cut(1, others=[2], clients=False, both_ways=True, causes=("0.1.0",))
    told.trouble.cut(3, others=[], clients=True, both_ways=False, causes=())
    told.trouble.slow(2, others=[3], clients=False, delay_ms=200, causes=())
    cut = [["node-1", "node-2"], ["node-2", "node-1"], ["node-3", "clients"]]
    assert told.links(1) == told.links(3) == (cut, [["node-2", "node-3", 200], ["node-3", "node-2", 200]])
    assert told.kinds == ["LinkCut", "LinkCut", "LinkSlowed"] and told.times == 3
    assert told.journal.recent()[0].causes == ("0.1.0",)


def test_a_heal_of_one_broker_leaves_the_others():
    told = Told()
    told.trouble.cut(1, others=[2, 3], clients=False, both_ways=False, causes=())
    told.trouble.intercept(1, api="Fetch", how="drop", share=100, causes=())
    told.trouble.intercept(2, api="Fetch", how="delay", share=100, delay_ms=5, causes=())
    told.trouble.heal(2, causes=())
    assert told.links() == ([["node-1", "node-3"]], [])
    assert (told.rules(2), [rule["how"] for rule in told.rules(1)]) == ([], ["drop"])
    assert [type(fact).__name__ for fact in told.trouble.heal(None, causes=())] == ["LinksHealed", "InterceptionEnded"]
    assert (told.links(), told.rules(1)) == (([], []), [])
    assert told.trouble.heal(None, causes=()) == []


def test_a_rule_replaces_the_one_of_the_same_api():
    told = Told()
    told.trouble.intercept(1, api="Produce", how="fail", error="NOT_ENOUGH_REPLICAS", share=30, causes=())
    told.trouble.intercept(1, api="Produce", how="delay", delay_ms=7, share=100, causes=())
    assert told.rules(1) == [{"api": "Produce", "how": "delay", "error": None, "delay_ms": 7, "share": 100}]
    assert told.rules(2) == []


def test_a_broker_that_left_the_cluster_takes_its_troubles_with_it_in_silence():
    told = Told()
    told.trouble.cut(1, others=[2], clients=False, both_ways=True, causes=())
    told.trouble.intercept(2, api="Produce", how="drop", share=1, causes=())
    told.trouble.forget(2)
    assert (told.links(), told.rules(2), told.kinds) == (([], []), [], ["LinkCut", "RequestsIntercepted"])
