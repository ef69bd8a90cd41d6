"""Hard bounce of a leader, freeze and power cut under load, on Apache Kafka and on ours: the whole table of outcomes.

    ./play bench scenarios_beside_kafka [--rounds 3] [--only ours|kafka]

Needs Java, Maven and the peer's starter (KAFKA_PEER_SCRIPT, default ../shared/peer/kafka). The timings are short and the same on both sides.
"""

import argparse
import tempfile

from tests.scenarios.outcomes import FAULTS, HEAD, outcome
from tests.scenarios.two_sides import TIMINGS, ApacheKafka, Ours


def main() -> None:
    """A row per scenario, side and round; the exit status is 1 when anything was lost, duplicated or reordered."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only", choices=("ours", "kafka"))
    chosen = options.parse_args()
    sides = {"kafka": ApacheKafka, "ours": Ours}
    print("# " + " ".join(TIMINGS), HEAD, sep="\n", flush=True)
    broken = 0
    for side in (sides[name] for name in sides if chosen.only in (None, name)):
        with tempfile.TemporaryDirectory() as folder, side(folder) as cluster:
            for scenario in FAULTS:
                for _ in range(chosen.rounds):
                    row = outcome(cluster, scenario)
                    broken += row.lost + row.duplicated + row.reordered
                    print(row, flush=True)
    raise SystemExit(bool(broken))


if __name__ == "__main__":
    main()
