"""What a device requests before its first tick on schedule holds from its birth."""

import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from support.compat import COMPAT

DAY = datetime(2026, 6, 1, tzinfo=UTC)
NO_BROKER = "mqtt://127.0.0.1:1"


def seconds(run, device=None):
    """The times of messages of a device, in seconds since the start of the clock."""
    where = "" if device is None else f"WHERE device_id LIKE '%{device}'"
    rows = run.log.rows(f"SELECT scheduled_at FROM sends {where} ORDER BY scheduled_at, seq")
    return [(at - DAY).total_seconds() for (at,) in rows]


@pytest.fixture
def scenario(fleet):
    """A scenario whose ticks send nothing, and whose transitions send `timer`."""

    def make(transition, *, every, statuses=None, count=3):
        fleet.broker(NO_BROKER, channels=["timer"])
        config = {
            "messages": {"timer": {"text": "{{ at }}", "on-tick": False}},
            "start": "on",
            "statuses": statuses or {"on": {"transitions": [{"send": ["timer"], **transition}]}},
        }
        more = {"start": "spread", "ramp": "0s", "config": config}
        return fleet.group("m", "builtin:scenario", count=count, every=every, **more)

    return make


def test_cron_before_the_first_tick_comes_at_its_time(scenario):
    fleet = scenario({"to": "on", "cron": "0 */10 * * * *"}, every="30m")
    run = fleet.backfill("2026-06-01T00:00:00Z", "2026-06-01T01:00:00Z")
    for device in range(3):
        assert seconds(run, device) == [0, 600, 1200, 1800, 2400, 3000]
    assert run.summary["missed_ticks"] == 0


def test_after_counts_from_birth(scenario):
    transition = {"to": "done", "after": "1m", "send": ["timer"]}
    statuses = {"on": {"transitions": [transition]}, "done": {}}
    fleet = scenario(transition, every="1h", statuses=statuses)
    run = fleet.backfill("2026-06-01T00:00:00Z", "2026-06-01T03:00:00Z")
    assert seconds(run) == [60, 60, 60]
    reported = run.log.rows("""
        SELECT epoch("at")::BIGINT, detail, count(*) FROM events WHERE kind = 'status'
        GROUP BY ALL ORDER BY ALL
    """)
    birth = int(DAY.timestamp())
    assert reported == [(birth, "on", 3), (birth + 60, "done", 3)]


def test_backfills_that_meet_at_midnight_have_one_reading(scenario):
    fleet = scenario({"to": "on", "cron": "0 0 0 * * *"}, every="1h")
    for first, last in (("2026-06-01", "2026-06-02"), ("2026-06-02", "2026-06-03")):
        run = fleet.backfill(first, last)
        midnight = (datetime.fromisoformat(first).replace(tzinfo=UTC) - DAY).total_seconds()
        assert seconds(run) == [midnight] * 3


def test_try_has_the_times_of_a_run(scenario):
    fleet = scenario({"to": "on", "cron": "0 */10 * * * *"}, every="30m")
    fleet.set(clock={"start": "2026-06-01T00:00:00Z"})
    fleet.write()
    process = fleet.mockfleet("try", fleet.file.name, "--for", "1h", "--json").expect(0)
    messages = [json.loads(line) for line in process.out]
    times = [float(message["seconds"]) for message in messages if "payload" in message]
    assert times == [0, 600, 1200, 1800, 2400, 3000]


def test_forecast_counts_timers_before_the_first_tick(scenario):
    fleet = scenario({"to": "on", "cron": "0 */10 * * * *"}, every="30m")
    fleet.set(clock={"start": "2026-06-01T00:00:00Z", "speed": "max"}, duration="1h")
    fleet.write()
    process = fleet.mockfleet("estimate", fleet.file.name, "--json").expect(0)
    assert round(json.loads("".join(process.out))["run"]["messages"]) == 18


@pytest.mark.parametrize("keeps_schedule", [True, False])
def test_guest_is_called_when_its_start_requests_it(fleet, keeps_schedule):
    fleet.broker(NO_BROKER)
    config = {"early": 10, "keeps_schedule": keeps_schedule}
    fleet.guest(plugin="starts_early", count=4, every="1h", start="spread", config=config)
    run = fleet.backfill("2026-06-01T00:00:00Z", "2026-06-01T03:00:00Z")
    for device in range(4):
        rows = run.log.rows(f"""
            SELECT epoch_us(scheduled_at), payload::JSON FROM sends
            WHERE device_id LIKE '%{device}' ORDER BY seq
        """)
        times = [at - int(DAY.timestamp()) * 1_000_000 for at, _ in rows]
        born = json.loads(rows[0][1])
        assert born["start"] == "2026-06-01T00:00:00.000000Z"
        first = datetime.fromisoformat(born["first_tick"])
        first = (first - DAY) // timedelta(microseconds=1)
        assert 10_000_000 < first < 3_600_000_000
        hour = 3_600_000_000
        following = [first, first + hour, first + 2 * hour]
        if not keeps_schedule:
            following = [10_000_000 + hour, 10_000_000 + 2 * hour]
        assert times == [0, 10_000_000, *following]
        ticks = [json.loads(payload)["tick"] for _, payload in rows[1:]]
        assert ticks == list(range(len(ticks)))


def test_device_without_request_ticks_on_schedule(fleet):
    fleet.broker(NO_BROKER)
    fleet.guest(plugin="starts_early", count=4, every="1h", start="spread")
    run = fleet.backfill("2026-06-01T00:00:00Z", "2026-06-01T01:00:00Z")
    rows = run.log.rows("""
        SELECT a.payload::JSON->>'first_tick', b.payload::JSON->>'at'
        FROM sends a JOIN sends b USING (device_id) WHERE a.seq = 0 AND b.seq = 1
    """)
    assert len(rows) == 4
    assert all(told == at for told, at in rows), rows
    assert run.summary["ticks"] == 4


def test_failed_and_retired_starts_are_like_those_of_a_tick(fleet):
    fleet.broker(NO_BROKER)
    fleet.guest("fails", "starts_early", count=2, every="1h", config={"fails": True})
    fleet.guest("retires", "starts_early", count=2, every="1h", config={"retires": True})
    run = fleet.backfill("2026-06-01T00:00:00Z", "2026-06-01T02:00:00Z")
    events = run.log.rows("""
        SELECT "group", kind, detail, count(*) FROM events WHERE kind IN ('failed', 'retired')
        GROUP BY ALL ORDER BY ALL
    """)
    assert events == [
        ("fails", "failed", "start: no start", 2),
        ("retires", "retired", "no start", 2),
    ]
    assert run.log.rows('SELECT "group", count(*) FROM sends GROUP BY ALL') == [("fails", 4)]


def test_devices_start_anew_when_their_cell_restarts(fleet):
    fleet.broker(NO_BROKER)
    fleet.guest(
        plugin="starts_early",
        count=3,
        every="1h",
        start="spread",
        config={"panics": 1, "recovers_after": 1, "early": 10},
        devices_per_cell=3,
    )
    run = fleet.backfill("2026-06-01T00:00:00Z", "2026-06-01T00:01:00Z", "--workers", "1")
    # Device 0 has its start before device 1 ends their cell, at 0 s and after the restart at 1 s.
    # The next restart is 2 s later.
    assert seconds(run, 0) == [0, 1, 3, 13]
    assert seconds(run, 1) == seconds(run, 2) == [3, 13]
    stopped = run.log.rows("SELECT count(*) FROM events WHERE detail LIKE '%start trapped%'")
    assert stopped == [(2 + 3,)], "device 2 was not on at the first crash"
    assert run.log.rows("SELECT count(*) FROM events WHERE kind = 'retired'") == [(0,)]


def test_components_of_both_contracts_run_in_one_fleet(fleet):
    """A device of contract 0.1.0 has no start, and its messages are those of its release."""
    fleet.broker(NO_BROKER)
    old = unpacked(COMPAT / "0.1.0/rust.bundle", fleet.folder)
    fleet.group("old", old, count=2, every="10s")
    fleet.guest("new", "starts_early", count=2, every="10s", config={"early": 5})
    run = fleet.backfill("2026-06-01T00:00:00Z", "2026-06-01T00:01:00Z")
    per_group = dict(run.log.rows('SELECT "group", count(*) FROM sends GROUP BY ALL'))
    assert per_group["old"] == 2 * 6
    assert per_group["new"] == 2 * (1 + 6)
    for group, contract in zip(fleet.content["groups"], ("0.1.0", "0.2.0"), strict=True):
        component = (fleet.folder / group["plugin"]).read_bytes()
        assert f"mockfleet:device/behaviour@{contract}".encode() in component


def unpacked(bundle, folder):
    """The component of a bundle."""
    with zipfile.ZipFile(bundle) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".wasm"))
        return archive.extract(name, folder / "old")
