"""The clock of a run: slower, faster, in the past, and at full speed."""

import datetime

import pytest

START = "2025-06-01T12:00:00Z"


@pytest.fixture
def timed(fleet, broker):
    fleet.broker(broker.url, qos=1)
    fleet.group(count=5, every="1m")
    return fleet


def test_clock_at_speed_60_passes_minutes_in_seconds(timed):
    timed.set(clock={"start": START, "speed": 60})
    before = datetime.datetime.now(datetime.UTC)
    run = timed.run(duration="2m30s")
    after = datetime.datetime.now(datetime.UTC)
    dues = run.log.rows("SELECT DISTINCT seq, scheduled_at FROM sends ORDER BY seq")
    start = datetime.datetime.fromisoformat(START)
    births = datetime.timedelta(milliseconds=10)
    assert len(run.log.column("SELECT DISTINCT device_id FROM sends")) == 5
    for seq, due in dues:
        assert start <= due - datetime.timedelta(minutes=seq) < start + births
    # What is the machine's is today's.
    sent = run.log.rows("SELECT min(sent_at), max(acked_at) FROM sends")[0]
    assert before <= sent[0] and sent[1] <= after
    run.log.assert_sound(clock=True)
    # Lag is the machine's too: what was sent when it was due is not late by 1 year.
    assert run.summary["lag_us"]["max"] < 60_000_000
    assert run.summary["clock"]["passed_seconds"] == 150
    assert all(p["clock"]["at"].startswith("2025-06-01T12:0") for p in run.progress)


def test_clock_at_max_speed_waits_for_the_backend(fleet, broker):
    """It drops no message, even with an outbox of one."""
    fleet.broker(broker.url, qos=1, outbox=1)
    fleet.set(clock={"start": START, "speed": "max"})
    fleet.group(count=5, every="1s")
    run = fleet.run(duration="10m")
    assert run.log.outcomes() == {"acked": 5 * 600}
    assert run.summary["missed_ticks"] == 0
    run.log.assert_sound(clock=True)


def test_summary_shows_virtual_time_and_the_missing_schedule(timed):
    timed.set(clock={"start": START, "speed": "max"})
    timed.write()
    process = timed.mockfleet("run", timed.file.name, "--duration", "1d")
    assert process.finish() == 0, process.report()
    passed = "Virtual time             24 hours of the fleet's, 2025-06-01 12:00:00 to"
    assert passed in process.stdout
    assert "there was no time to keep up with" in process.stdout


def test_slow_clock_has_fewer_ticks_in_the_same_time(fleet, broker):
    fleet.broker(broker.url, qos=1)
    fleet.set(clock={"speed": 0.1})
    fleet.group(count=5, every="100ms")
    run = fleet.run(duration="300ms")
    assert run.log.outcomes() == {"acked": 15}


def test_try_uses_the_clock_of_the_fleet_file(timed):
    timed.set(clock={"start": START})
    timed.content["groups"][0] |= {"plugin": "builtin:scenario", "config": {
        "fields": {"x": {"kind": "counter"}},
        "messages": {"telemetry": {"json": {"at": "{{ at }}", "x": "{{ x }}"}}},
    }}
    timed.write()
    process = timed.mockfleet("try", timed.file.name, "--ticks", "1")
    assert process.finish() == 0, process.report()
    assert "2025-06-01T12:00" in process.stdout


def test_forecast_names_the_clock_of_its_hours(timed):
    timed.set(clock={"start": START, "speed": 60})
    timed.write()
    process = timed.mockfleet("estimate", timed.file.name)
    assert process.finish() == 0, process.report()
    assert "the fleet's own clock, by which an hour goes by in 60 s" in process.stdout


@pytest.mark.parametrize("clock", [{}, {"speed": 2}, {"start": START}, {"speed": "max"}])
def test_devices_and_rows_have_the_same_times(fleet, broker, clock):
    """Also of timers: the cron of a full second is a full second in the log."""
    fleet.broker(broker.url, qos=1, channels=("telemetry", "second"))
    fleet.set(clock=clock)
    fleet.group(count=500, plugin="builtin:scenario", every="500ms", config={
        "messages": {
            "telemetry": {"text": "{{ at }}"},
            "second": {"text": "{{ at }}", "on-tick": False},
        },
        "statuses": {"on": {"transitions": [
            {"to": "on", "cron": "* * * * * *", "send": ["second"]},
        ]}},
    })
    run = fleet.run(duration="4s")
    rows = run.log.rows("SELECT channel, scheduled_at, payload FROM sends")
    assert len(rows) >= 500 * 8
    for _, due, payload in rows:
        assert datetime.datetime.fromisoformat(payload) == due
    # Without the first tick of each device, which comes at its place in the interval.
    seconds = run.log.column(
        "SELECT scheduled_at FROM sends s WHERE channel = 'second' AND scheduled_at > "
        "(SELECT min(scheduled_at) FROM sends f WHERE f.device_id = s.device_id)"
    )
    assert len(seconds) >= 500 * 2
    # Two ticks of a device are at least 1 ms apart, and a device that misses its tick of a full
    # second has the timer at its next tick.
    assert sum(due.microsecond >= 1000 for due in seconds) <= run.summary["missed_ticks"]


@pytest.mark.parametrize(
    ("clock", "arguments", "says"),
    [
        ({"speed": "max"}, (), "duration = \"30d\""),
        ({"speed": 60}, ("--until", "lag.p99 > 1s"), "--until raises the rate by itself"),
        ({"start": "9999-12-25"}, ("--duration", "10d"), "beyond the year 9999"),
    ],
)
def test_options_incompatible_with_a_clock_are_refused(timed, clock, arguments, says):
    timed.set(clock=clock)
    timed.write()
    process = timed.mockfleet("run", timed.file.name, *arguments)
    assert process.finish() == 2, process.report()
    assert says in process.stderr
