"""`mockfleet backfill` writes a range of the past without a broker."""

import json

import pytest

from support.log import Log
from support.wait import wait_until

DAY = ("2025-03-01", "2025-03-02")


@pytest.fixture
def dry(fleet):
    """Thermometers without a broker."""
    fleet.broker("mqtt://127.0.0.1:1", qos=1)
    fleet.group(count=20, every="1m")
    return fleet


def refused(fleet, *arguments):
    fleet.write()
    process = fleet.mockfleet("backfill", fleet.file.name, *arguments)
    assert process.finish() == 2, process.report()
    return process.stderr


@pytest.mark.smoke
def test_day_is_written_without_a_broker_into_its_hour_folders(dry):
    run = dry.backfill(*DAY)
    assert run.log.outcomes() == {"written": 20 * 1440}
    run.log.assert_sound()
    assert run.log.count("sent_at IS NOT NULL OR latency_us IS NOT NULL OR attempt != 0") == 0
    first, last = run.log.rows("SELECT min(scheduled_at), max(scheduled_at) FROM sends")[0]
    assert first.isoformat() == "2025-03-01T00:00:00+00:00"
    assert last.isoformat() == "2025-03-01T23:59:00+00:00"
    addressed = run.log.rows(
        "SELECT DISTINCT topic, destination FROM sends WHERE device_id LIKE '%7' ORDER BY topic"
    )
    assert addressed == [
        ("thermometer/thermometer-00007/telemetry", "mqtt://127.0.0.1:1"),
        ("thermometer/thermometer-00017/telemetry", "mqtt://127.0.0.1:1"),
    ]
    hours = {file.parent.relative_to(dry.store / "sends") for file in run.log.files("sends")}
    assert {str(hour) for hour in hours} == {f"dt=2025-03-01/hour={n:02}" for n in range(24)}
    assert len(run.log.files("sends")) < 24 * 4, "an hour is not cut into crumbs"
    # All are there from the beginning.
    births = run.log.rows("SELECT count(*), max(\"at\") FROM events WHERE kind = 'born'")
    assert births == [(20, first)]
    clock = run.summary["clock"]
    assert (clock["from"], clock["to"]) == ("2025-03-01T00:00:00Z", "2025-03-02T00:00:00Z")
    assert run.summary["missed_ticks"] == 0


def test_devices_see_only_the_clock_of_the_range(fleet):
    fleet.broker("mqtt://127.0.0.1:1")
    fleet.guest(plugin="probes_sandbox", count=2, every="6h")
    run = fleet.backfill(*DAY)
    rows = run.log.rows(
        "SELECT epoch_us(scheduled_at), seq, payload::JSON FROM sends ORDER BY device_id, seq"
    )
    assert len(rows) == 8
    for due, seq, payload in rows:
        seen = json.loads(payload)
        assert (seen["tick_us"], seen["system_us"]) == (due, due)
        assert seen["monotonic_us"] == seq * 6 * 3_600_000_000


def test_sending_backfill_delivers_all_messages_in_time_order(fleet, broker, subscribe):
    listener = subscribe(broker, "#")
    fleet.broker(broker.url, qos=1, outbox=2)
    fleet.group(count=10, every="1m", start="spread")
    run = fleet.backfill("2025-03-01T00:00:00Z", "2025-03-01T02:00:00Z", "--send")
    assert run.log.outcomes() == {"acked": 10 * 120}, "never dropped, however full the outbox"
    run.log.assert_sound(clock=True)
    listener.wait_for(10 * 120)
    heard = listener.by_topic()
    sent = run.log.payloads()
    for device, payloads in sent.items():
        topic = f"thermometer/{device}/telemetry"
        assert heard[topic] == payloads


def test_overlapping_range_is_refused_without_the_option(dry):
    run = dry.backfill(*DAY)
    said = refused(dry, "--from", "2025-03-01T12:00:00Z", "--to", "2025-03-05")
    assert "logs has rows of fleet \"test\"" in said and run.summary["run"] in said
    assert "--again" in said
    # What comes before and behind it is free, and so is the range for other devices.
    assert dry.backfill("2025-02-28T23:00:00Z", "2025-03-01").counted() == 20 * 60
    assert dry.backfill("2025-03-02", "2025-03-02T01:00:00Z").counted() == 20 * 60
    assert dry.backfill(*DAY, "--set", "name=other").counted() == 20 * 1440
    assert dry.backfill(*DAY, "--again").counted() == 20 * 1440


def test_all_faults_of_a_backfill_are_reported_at_once(dry):
    dry.group("flat", rate="max", count=1)
    dry.set(log={"store": "logs", "retention": "30d"})
    dry.set(nmae="x")
    said = refused(dry, "--from", "2025-03-02", "--to", "2025-03-01")
    assert "--to: 2025-03-01T00:00:00Z is before --from 2025-03-02T00:00:00Z" in said
    assert "longer ago than retention" in said
    assert 'unknown key "nmae"' in said
    assert 'group "flat" is called as fast as it goes' in said


@pytest.mark.parametrize(
    ("range", "says"),
    [
        (("2025-03-01", "2025-03-01"), "there is nothing in it"),
        (("2025-03-01", "2045-03-01"), "longer than 10 years"),
        (("1969-01-01", "1969-01-02"), "before 1970"),
        (("yesterday", "2025-03-01"), "no moment"),
    ],
)
def test_invalid_range_is_refused(dry, range, says):
    assert says in refused(dry, "--from", range[0], "--to", range[1])


def test_backfill_without_log_and_sending_is_refused(dry):
    """Neither a log nor a broker would keep any of its rows."""
    said = refused(dry, "--from", DAY[0], "--to", DAY[1], "--log", "none")
    assert "nothing would be left of it" in said


def test_killed_backfill_loses_no_counted_row(dry):
    dry.content["groups"][0]["every"] = "1s"
    dry.write()
    arguments = ("--from", "2020-01-01", "--to", "2025-01-01", "--json")
    process = dry.mockfleet("backfill", dry.file.name, *arguments)

    def told():
        """The last progress that had rows."""
        lines = (json.loads(line) for line in reversed(list(process.out)))
        return next((line for line in lines if line["written"]), None)

    line = wait_until(told, "rows")
    process.kill()
    again = dry.mockfleet("backfill", dry.file.name, *arguments)
    assert again.finish() == 2, "what the first one left is in the log now"
    assert "recovered run" in again.stderr and "--again" in again.stderr
    log = Log(dry.store)
    log.assert_sound()
    assert log.count() >= line["written"]
