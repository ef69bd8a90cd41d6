"""The clock stands still while paused, stretches when slowed, and runs on virtual time in simulation."""

import pytest

from engine.world import tasks
from engine.world.clock import Clock
from engine.world.simulated import START_MS, Simulation
from engine.world.virtual_loop import Stuck, run_virtually


def test_sleep_takes_its_time_and_no_real_time():
    async def main():
        clock = Clock(start_ms=1_000)
        await clock.sleep(60_000)
        return clock.now_ms()

    assert run_virtually(main()) == pytest.approx(61_000, abs=1)


def test_a_paused_clock_rings_no_timer_and_goes_on_where_it_stood():
    async def main():
        clock, outside = Clock(start_ms=0), Clock(start_ms=0)
        rung = []
        clock.call_later(100, lambda: rung.append(outside.now_ms()))
        await outside.sleep(40)
        clock.pause()
        await outside.sleep(30_000)
        assert rung == [] and clock.now_ms() == 40
        clock.resume()
        await outside.sleep(100)
        return rung

    assert run_virtually(main()) == [pytest.approx(30_100, abs=1)]


def test_a_slowed_clock_stretches_what_is_waited_for():
    async def main():
        clock, outside = Clock(start_ms=0), Clock(start_ms=0)
        clock.slow(4)
        await clock.sleep(100)
        return outside.now_ms(), clock.now_ms()

    outside, inside = run_virtually(main())
    assert outside == pytest.approx(400, abs=2) and inside == pytest.approx(100, abs=1)


def test_who_sleeps_for_the_rest_of_a_moment_does_not_sleep_for_ever():
    async def main():
        clock, turns = Clock(start_ms=0), 0
        await clock.sleep(50_000)
        until = clock.monotonic_ms() + 1e-9
        while clock.monotonic_ms() < until and turns < 10:
            await clock.sleep(until - clock.monotonic_ms())
            turns += 1
        return turns

    assert run_virtually(main()) == 1


def test_a_cancelled_timer_never_rings():
    async def main():
        clock = Clock()
        rung = []
        clock.call_later(10, lambda: rung.append("cancelled")).cancel()
        clock.call_later(20, lambda: rung.append("kept"))
        await clock.sleep(50)
        return rung

    assert run_virtually(main()) == ["kept"]


def test_a_timer_that_another_of_the_same_moment_cancels_never_rings():
    async def main():
        clock, rung = Clock(start_ms=0), []
        clock.call_later(10, lambda: second.cancel())
        second = clock.call_later(10, lambda: rung.append("second"))
        await clock.sleep(100)
        return rung

    assert run_virtually(main()) == []


def test_timers_ring_in_the_order_of_their_times():
    async def main():
        clock = Clock()
        rung = []
        for ms in (30, 10, 20):
            clock.call_later(ms, lambda ms=ms: rung.append(ms))
        await clock.sleep(50)
        return rung

    assert run_virtually(main()) == [10, 20, 30]


def test_within_says_when_the_time_is_over():
    async def main():
        clock = Clock()
        with pytest.raises(tasks.Expired):
            await tasks.within(clock, 20, clock.sleep(1_000))
        return await tasks.within(clock, 20, tasks.gather(clock.sleep(5)))

    assert run_virtually(main()) == [None]


def test_a_crashed_task_fails_the_run():
    async def main():
        async def bug():
            raise ZeroDivisionError("a bug")

        tasks.spawn(bug(), name="buggy")
        await Clock().sleep(1)

    with pytest.raises(RuntimeError, match="buggy crashed"):
        run_virtually(main())


def test_waiting_for_nothing_is_told_and_not_waited_for():
    with pytest.raises(Stuck):
        run_virtually(tasks.Signal().wait())


def test_a_promise_counts_once():
    async def main():
        promise, heard = tasks.Promise(), []
        promise.then(lambda kept: heard.append(kept.result()))
        promise.resolve(1)
        promise.resolve(2)
        promise.refuse(ValueError())
        return heard, await promise.wait()

    assert run_virtually(main()) == ([1], 1)


def test_a_set_wall_clock_rings_no_timer_and_stays_set_over_a_restart():
    async def main():
        run = Simulation(1)
        clock, rung = run.world("node-1").clock, []
        clock.call_later(1_000, lambda: rung.append("too soon"))
        run.jump("node-1", 3_600_000)
        await run.sleep(500)
        assert rung == [] and clock.monotonic_ms() == pytest.approx(500, abs=1)
        assert clock.now_ms() == pytest.approx(START_MS + 3_600_500, abs=1)
        return run.world("node-1").clock.now_ms()

    assert run_virtually(main()) == pytest.approx(START_MS + 3_600_500, abs=1)


def test_a_clock_that_drifts_is_late_by_what_it_runs_slow():
    async def main():
        run = Simulation(1)
        world = run.world("node-1")
        run.drift("node-1", 1.25)
        await run.sleep(1_000)
        return world.clock.monotonic_ms(), run.world("node-1").clock.factor

    monotonic_ms, factor = run_virtually(main())
    assert monotonic_ms == pytest.approx(800, abs=1) and factor == 1.25


def test_a_killed_process_ends_its_tasks_and_runs_nothing_more():
    async def main():
        run = Simulation(1)
        world, heard = run.world("node-1"), []

        async def live():
            try:
                while True:
                    heard.append("lives")
                    await world.clock.sleep(100)
            finally:
                heard.append("cancelled")

        run.process_of(world).context.run(lambda: tasks.spawn(live(), name="life"))
        await run.sleep(250)
        run.process_of(world).freeze()
        await run.sleep(250)
        run.crash(world)
        await run.sleep(1_000)
        return heard

    assert run_virtually(main()) == ["lives"] * 3 + ["cancelled"]
