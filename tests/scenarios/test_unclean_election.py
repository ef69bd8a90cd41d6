"""An unclean election after the only replica in sync has gone: what is lost is what the facts say, no record more and none less."""

from tests.clients.traffic import read_all
from tests.scenarios.stage import TOPIC, Stage, partitions_of


def test_the_loss_is_exactly_what_the_facts_report(tmp_path):
    # Two replicas, on brokers that are not the controller where that can be: the quorum must live on without either.
    with Stage(tmp_path, partitions=3, replicas=2, members=0) as stage:
        controller = stage.controller()
        index = next(each["partition"] for each in partitions_of(stage.picture()) if controller not in each["replicas"])
        last = stage.leader_of(index)
        late = next(broker for broker in (1, 2, 3) if broker not in (last, controller))
        stage.acks(100)
        stage.do(f"kill broker {late}")
        stage.until(lambda picture: partitions_of(picture)[index]["isr"] == [last])
        stage.acks(100)
        stage.do(f"slow broker {late} to broker {last} 5s")  # back for the controller, and far behind for its leader
        stage.do(f"start broker {late}")
        stage.until(lambda picture: picture["brokers"][late - 1]["state"] == "up")
        stage.rest()
        assert partitions_of(stage.picture())[index]["isr"] == [last]
        stage.do(f"kill broker {last}")
        stage.do("heal")
        stage.until(lambda picture: partitions_of(picture)[index]["leader"] in (-1, None))
        mark = stage.mark()
        stage.do(f"elect {TOPIC}-{index} unclean")
        assert stage.leader_of(index) == late
        stage.do(f"start broker {last}")
        stage.whole()
        gone = stage.cut_off(mark, last, index)
        acked = list(zip(stage.traffic.offsets[index], stage.traffic.acked[index], strict=True))
        kept = [value for offset, value in acked if offset not in gone]
        found = read_all(stage.engine.bootstrap, TOPIC, 3, at_least=stage.traffic.count - len(gone))[index]
        assert found == kept and len(kept) < len(acked)
        stage.accounts_for(lost=len(acked) - len(kept))
