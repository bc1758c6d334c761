"""Schedules hold to the microsecond, by the due times in the log."""

import pytest

SECOND = 1_000_000


@pytest.mark.parametrize("schedule", [{"every": "200ms"}, {"rate": "5/s"}, {"rate": "300/min"}])
def test_devices_started_together_are_due_together(shared, schedule):
    run = shared.group(count=5, **schedule).run(duration="1s")
    even = [number * SECOND // 5 for number in range(5)]
    assert run.log.due_after_birth() == {f"thermometer-{n:05}": even for n in range(5)}


def test_spread_devices_have_different_phases(shared):
    run = shared.group(count=50, every="200ms", start="spread").run(duration="1s")
    phases = set()
    for due in run.log.due_after_birth().values():
        phase = due[0]
        assert due == [phase + number * SECOND // 5 for number in range(5)]
        assert 0 <= phase < SECOND // 5
        phases.add(phase)
    assert len(phases) == 50
    # All over the interval.
    assert min(phases) < SECOND // 20 and max(phases) > SECOND * 3 // 20


def test_jitter_stays_within_its_bound_and_does_not_accumulate(shared):
    # Before the eleventh tick could be due, which jitter may put ahead of the second.
    run = shared.group(count=10, every="200ms", jitter="20%").run(duration="1900ms")
    strays = [
        due - number * SECOND // 5
        for times in run.log.due_after_birth().values()
        for number, due in enumerate(times)
    ]
    assert len(strays) == 100
    assert max(map(abs, strays)) <= SECOND // 25
    assert len(set(strays)) > 50


def test_ramp_starts_devices_one_after_the_other(shared):
    run = shared.group(count=10, every="1h", ramp="1s").run(duration="2s")
    births = run.log.column(
        """SELECT epoch_us("at") FROM events WHERE kind = 'born' ORDER BY "at" """
    )
    assert [birth - births[0] for birth in births] == [n * SECOND // 10 for n in range(10)]
    assert run.counted() == 10


def test_rate_max_is_as_fast_as_the_outbox_allows(fleet, broker):
    fleet.broker(broker.url, qos=1, outbox=10).group(count=3, rate="max")
    run = fleet.run(duration="1s")
    # It waits for room instead of dropping.
    assert run.log.outcomes() == {"acked": run.counted()}
    assert run.counted() > 100
    assert broker.received() == run.counted()
    assert run.summary["missed_ticks"] == 0
    run.log.assert_sound()


def test_missed_ticks_are_counted_and_not_made_up(shared):
    shared.group("good", count=5, every="100ms")
    config = {"does": "spin", "at": 5, "index": 0}
    limits = {"deadline": "1s"}
    shared.guest("rogue", count=1, every="100ms", config=config, limits=limits)
    run = shared.run("--workers", "1", duration="3s")
    log = run.log
    missed = {}
    for device, detail in log.events("missed"):
        missed[device] = missed.get(device, 0) + int(detail.split()[0])
    assert run.summary["missed_ticks"] == sum(missed.values())
    for index in range(5):
        device = f"good-{index:05}"
        assert missed[device] >= 8, "a second of a tick each tenth of it"
        assert log.count(f"device_id = '{device}'") + missed[device] == 30
    # No tick is due twice, and none runs that another has taken the place of.
    doubles = log.rows(
        """SELECT device_id FROM sends WHERE "group" = 'good'
           GROUP BY device_id, scheduled_at HAVING count(*) > 1"""
    )
    assert doubles == []
