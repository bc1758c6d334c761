"""Stages change rates and devices to the microsecond, by the due times in the log."""

import itertools
import math

import pytest

SECOND = 1_000_000

WAVE = {"duration": "2s", "shape": "sine", "rate": "0/s..20/s", "period": "1s"}


def lengths(times, border):
    """The times before and after a border."""
    return [time for time in times if time < border], [time for time in times if time >= border]


@pytest.mark.smoke
def test_step_changes_the_rate_at_once_without_a_gap(shared):
    stages = [
        {"duration": "1s", "rate": "5/s"},
        {"duration": "1s", "rate": "0/s"},
        {"duration": "1s", "rate": "10/s"},
    ]
    run = shared.group(count=4, stages=stages).run(duration="4s")
    first = [n * SECOND // 5 for n in range(5)]
    third = [2 * SECOND + n * SECOND // 10 for n in range(10)]
    # After the stages, the group's own tick each second.
    wanted = first + third + [3 * SECOND]
    assert run.log.due_after_birth() == {f"thermometer-{n:05}": wanted for n in range(4)}
    run.log.assert_sound()


def test_ramp_from_zero_sends_the_integral_of_its_rate(shared):
    stages = [{"duration": "2s", "shape": "ramp", "rate": "0/s..20/s"}]
    run = shared.group(count=3, stages=stages, after_stages="hold").run(duration="3s")
    for due in run.log.due_after_birth().values():
        rising, level = lengths(due, 2 * SECOND)
        # 5 t² ticks in t seconds.
        assert rising == [round(math.sqrt(n / 5) * SECOND) for n in range(20)]
        assert level == [2 * SECOND + n * SECOND // 20 for n in range(20)]


def test_spike_rises_and_falls(shared):
    stages = [{"duration": "2s", "shape": "spike", "rate": "2/s..18/s"}]
    run = shared.group(count=2, every="1h", stages=stages).run(duration="2s")
    for due in run.log.due_after_birth().values():
        up, down = lengths(due, SECOND)
        assert len(up) == len(down) == 10
        gaps = [after - before for before, after in itertools.pairwise(due)]
        assert gaps.index(min(gaps)) in (9, 10), "it is fastest in the middle"


def test_sine_swings_between_its_rates_in_each_period(shared):
    shared.group(count=2, stages=[WAVE], after_stages="repeat")
    run = shared.run(duration="4s")
    for due in run.log.due_after_birth().values():
        # The mean of 0 and 20 a second, and all of it in the middle of the period.
        assert len(due) == 40
        for period in range(4):
            inside = [t - period * SECOND for t in due if period * SECOND <= t < (period + 1) * SECOND]
            middle = [t for t in inside if SECOND // 4 <= t < SECOND * 3 // 4]
            assert 9 <= len(inside) <= 11
            assert 7 <= len(middle) <= 9


def test_devices_are_switched_on_by_share_or_all_at_once(shared):
    stages = [
        {"duration": "1s", "shape": "ramp", "devices": "0%..50%"},
        {"duration": "1s"},
        {"duration": "1s", "devices": "100%"},
        {"duration": "1s", "devices": "20%"},
    ]
    group = {"count": 10, "every": "100ms", "stages": stages, "after_stages": "hold"}
    run = shared.group(**group).run(duration="5s")
    births = run.log.column(
        """SELECT epoch_us("at") - epoch_us(min("at") OVER ()) FROM events
           WHERE kind = 'born' ORDER BY device_id"""
    )
    assert births == [n * SECOND // 5 for n in range(5)] + [2 * SECOND] * 5
    assert len(run.log.events("connected")) == 10
    # Those that are switched off keep their connection, and are silent.
    counts = [len(due) for due in run.log.due_after_birth().values()]
    assert counts == [50, 48] + [30 - 2 * n for n in (2, 3, 4)] + [10] * 5


def test_same_seed_gives_the_same_times_for_any_worker_count(fleet, broker):
    fleet.broker(broker.url, qos=1, connections=3)
    stages = [
        {"duration": "500ms", "shape": "ramp", "rate": "30/s", "devices": "10%..100%"},
        WAVE | {"duration": "1500ms", "devices": "100%..40%"},
    ]
    fleet.group(count=30, start="spread", jitter="20%", stages=stages, after_stages="repeat")

    def due(*arguments):
        run = fleet.run(*arguments, duration="3s")
        assert run.summary["missed_ticks"] == 0
        return run.log.due_after_birth()

    first = due("--workers", "1")
    assert len(first) == 30
    assert due("--workers", "3") == first
    assert due("--workers", "1", "--seed", "43") != first


def test_summary_has_requested_and_reached_rates_of_each_stage(shared):
    stages = [
        {"duration": "2s", "shape": "ramp", "rate": "0/s..10/s"},
        {"duration": "1s", "rate": "20/s"},
    ]
    shared.group(count=5, stages=stages)
    run = shared.run(duration="4s")
    found = [
        (stage["stage"], stage["what"], stage["seconds"], stage["asked"], stage["ran"])
        for stage in run.summary["stages"]
    ]
    assert found == [
        (1, "ramp 0/s..10/s for 2s", 2.0, 50, 50),
        (2, "step 20/s for 1s", 1.0, 100, 100),
        (3, "after the stages, the group's own rate", 1.0, 5, 5),
    ]
    assert run.counted() == 155
    shown = [stage for moment in run.progress for stage in moment["stages"]]
    assert {(stage["group"], stage["of"]) for stage in shown} == {("thermometer", 2)}
    assert max(stage["asked_per_second"] for stage in shown) <= 100


def test_missed_ticks_are_counted_in_the_stage_they_were_due_in(shared):
    stages = [{"duration": "1s", "rate": "20/s"}, {"duration": "2s", "rate": "10/s"}]
    shared.group("good", count=5, every="1h", stages=stages)
    config = {"does": "spin", "at": 0, "index": 0}
    # It is called first at 700 ms, and holds up the only thread to about 1.7 s.
    rogue = [{"duration": "700ms", "rate": "0/s"}]
    limits = {"deadline": "1s"}
    shared.guest("rogue", count=1, every="1h", stages=rogue, config=config, limits=limits)
    run = shared.run("--workers", "1", duration="3s")
    good = [stage for stage in run.summary["stages"] if stage["group"] == "good"]
    assert [stage["asked"] for stage in good] == [100, 100]
    for stage in good:
        assert stage["missed"] >= 5
    assert sum(stage["missed"] for stage in good) == sum(
        int(detail.split()[0]) for device, detail in run.log.events("missed") if "good" in device
    )


def test_summary_text_names_each_stage(fleet, broker):
    fleet.broker(broker.url, qos=1, connections=1)
    fleet.group(count=5, stages=[{"duration": "1s", "shape": "ramp", "rate": "0/s..20/s"}])
    fleet.write()
    process = fleet.mockfleet("run", "fleet.toml", "--duration", "2s")
    assert process.finish() == 0, process.report()
    assert (
        "thermometer: stage 1 of 1, ramp 0/s..20/s for 1s: 50 ticks asked (50/s), all ran"
        in process.stdout
    )
