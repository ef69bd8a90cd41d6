"""The same faults under load on Apache Kafka and on ours, and Kafka's own verifiable clients through them on ours."""

import pytest

from tests.clients.members import until
from tests.clients.traffic import create
from tests.scenarios.ledger import compare
from tests.scenarios.outcomes import FAULTS, HEAD, freeze, hard_bounce, outcome, power_cut
from tests.scenarios.two_sides import ApacheKafka, Ours
from tests.scenarios.verifiable import VerifiableConsumer, VerifiableProducer

pytestmark = pytest.mark.oracle
SLACK, SLACK_S = 1.5, 1.0  # ours may be silent half as long again as Kafka, and a second: a machine under load is not a stop watch


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Every scenario on Apache Kafka, then on ours."""
    found = {}
    for side in (ApacheKafka, Ours):
        with side(tmp_path_factory.mktemp("side")) as cluster:
            for scenario in FAULTS:
                found[scenario, side] = outcome(cluster, scenario)
    print("", HEAD, *(found[scenario, side] for scenario in FAULTS for side in (ApacheKafka, Ours)), sep="\n")
    return found


@pytest.mark.parametrize("scenario", FAULTS)
def test_neither_side_loses_doubles_or_reorders(rows, scenario):
    for side in (ApacheKafka, Ours):
        row = rows[scenario, side]
        assert (row.lost, row.duplicated, row.reordered) == (0, 0, 0) and row.acked > 300, row


@pytest.mark.parametrize("scenario", FAULTS)
def test_ours_is_silent_no_longer_than_kafka(rows, scenario):
    kafka, ours = rows[scenario, ApacheKafka], rows[scenario, Ours]
    for phase in ("down_s", "back_s"):
        assert getattr(ours, phase) <= getattr(kafka, phase) * SLACK + SLACK_S, f"{phase}\n{kafka}\n{ours}"


class Sent:
    """What a story asks of traffic, answered by Kafka's producer."""

    def __init__(self, producer):
        self._producer = producer

    def flows(self, within_s):
        """So many more are acknowledged that every partition must have had some."""
        enough = self._producer.count + 200
        until(lambda: self._producer.count >= enough, within_s, "Kafka's producer goes on")


@pytest.mark.parametrize("fault", [hard_bounce, freeze, power_cut])
def test_kafkas_verifiable_clients_find_everything_once_and_in_order_on_ours(tmp_path, fault):
    with Ours(tmp_path) as side:
        create(side.bootstrap, "verified")
        with (
            VerifiableConsumer(tmp_path, side.bootstrap, "verified", "verifiers") as consumer,
            VerifiableProducer(tmp_path, side.bootstrap, "verified", rate=200) as producer,
        ):
            until(lambda: len({partition for partition, _, _ in consumer.reads()}) == 6, 60, "Kafka's consumer reads")
            for _ in fault(side, "verified", Sent(producer)):
                pass
            Sent(producer).flows(within_s=60)
            side.whole("verified")
            producer.close()
            acked = producer.acked()
            missing = lambda: sum(map(len, acked.values())) - len({(partition, value) for partition, _, value in consumer.reads()})
            until(lambda: missing() <= 0, 60, "Kafka's consumer has read all that was acknowledged")
            consumer.close()
        assert producer.named("producer_send_error") == []
        findings = compare(acked, consumer.reads())
        assert not findings.broken, findings
