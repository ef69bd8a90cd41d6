"""How members leave a group: by a goodbye at once, by a crash when their session ends."""

import time

from tests.clients.members import Member, balanced, member_process, until
from tests.clients.traffic import PARTITIONS, create

SESSION_MS = 3000


def group(engine, name):
    return next((each for each in engine.state()["groups"] if each["name"] == name), None)


def test_a_crashed_member_stays_until_its_session_ends(engine, name):
    create(engine.bootstrap, name)
    crashing = member_process(engine.bootstrap, name, name, SESSION_MS)
    try:
        with Member(engine.bootstrap, name, name, session_timeout_ms=SESSION_MS) as member:
            until(lambda: member.assignments and 0 < len(member.assignments[-1]) < PARTITIONS, what="half of the partitions")
            crashing.kill()
            crashed = time.monotonic()
            assert len(group(engine, name)["members"]) == 2
            until(lambda: member.assignments[-1] == list(range(PARTITIONS)), what="all partitions")
            # The other member hears of it with its next heartbeat; on a busy machine that is late, never early.
            assert time.monotonic() - crashed >= SESSION_MS / 1000 - 1.1
    finally:
        crashing.kill()
        crashing.wait()


def test_a_member_that_closes_is_gone_at_once(engine, name):
    create(engine.bootstrap, name)
    with Member(engine.bootstrap, name, name) as member, Member(engine.bootstrap, name, name) as leaving:
        until(lambda: balanced((member, leaving), PARTITIONS), what="an assignment to both")
        leaving.close()
        assert until(lambda: member.assignments[-1] == list(range(PARTITIONS)), what="all partitions") < 2.5
        engine.until(lambda picture: len(group(engine, name)["members"]) == 1)
