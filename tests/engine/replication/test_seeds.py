"""Random cuts, crashes and elections by seed: what was acknowledged by all is never lost, and logs agree in the end."""

import pytest

from engine.world.virtual_loop import run_virtually
from tests.engine.replication.trio import Trio


async def fault(trio, dice):
    """One thing goes wrong, as the controller would see it."""
    now = trio.partitions[0]
    kind = dice.choice(["cut", "heal", "move", "crash", "boot", "rest"])
    alive = sorted(trio.nodes)
    if kind == "cut":
        one, other = dice.shuffled([1, 2, 3])[:2]
        trio.simulation.links.cut(f"node-{one}", f"node-{other}", both_ways=dice.real() < 0.7)
    elif kind == "heal":
        trio.simulation.links.heal()
    elif kind == "move":
        candidates = [number for number in now.isr if number in alive]
        if candidates:
            trio.change(leader=dice.choice(candidates))
            told = dice.shuffled(alive)
            for number in told:
                trio.tell(number)
                await trio.simulation.sleep(dice.integer(0, 50))
    elif kind == "crash" and len(alive) == 3:
        gone = dice.choice(alive)
        trio.crash(gone)
        trio.alive[gone] = False
        left = tuple(number for number in now.isr if number != gone)
        if left:
            trio.change(isr=left, **({"leader": left[0]} if now.leader == gone else {}))
        elif now.leader == gone:
            trio.change(leader=-1)
        trio.tell()
    elif kind == "boot":
        await boot_missing(trio)


async def boot_missing(trio):
    for number in {1, 2, 3} - set(trio.nodes):
        trio.epochs[number] += 100
        trio.alive[number] = True
        if trio.partitions[0].leader == -1 and number in trio.partitions[0].isr:
            trio.change(leader=number)
        await trio.boot(number)
        trio.tell()


async def run(seed):
    trio = Trio(seed, min_insync_replicas=2)
    await trio.start()
    dice = trio.simulation.chance.split("faults")
    acknowledged, number = [], 0
    for _ in range(25):
        await fault(trio, dice)
        for _ in range(dice.integer(1, 6)):
            leader = trio.partitions[0].leader
            if leader in trio.nodes:
                number += 1
                answer = await trio.produce([f"v{number}"], to=leader, acks=dice.choice([-1, -1, 1]), timeout_ms=500)
                if answer.error_code == 0 and trio.log(leader).high_watermark > answer.base_offset:
                    acknowledged.append((answer.base_offset, f"v{number}"))
            await trio.simulation.sleep(dice.integer(0, 400))
    trio.simulation.links.heal()
    await boot_missing(trio)
    await trio.until(lambda: set(trio.partitions[0].isr) == {1, 2, 3}, within_ms=60_000)
    await trio.until(lambda: trio.values(1) == trio.values(2) == trio.values(3))
    logs = [trio.log(number) for number in (1, 2, 3)]
    with_records = [[entry for entry in log.epochs.entries if entry.start_offset < log.log_end_offset] for log in logs]
    assert with_records[0] == with_records[1] == with_records[2]
    values = trio.values(1)
    assert len(acknowledged) > 5
    for offset, value in acknowledged:
        assert values[offset] == value, f"offset {offset}"
    return values


@pytest.mark.parametrize("seed", range(1, 31))
def test_nothing_acknowledged_is_lost(seed):
    run_virtually(run(seed))


def test_a_seed_decides_its_run():
    assert run_virtually(run(7)) == run_virtually(run(7))
