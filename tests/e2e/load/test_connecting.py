"""Connections are opened before the clock of a run starts."""

import datetime
import socket

import pytest

from support.backends.latency_proxy import Line
from support.wait import free_port

BIRTHS = """SELECT count(*), count(DISTINCT "at") FROM events WHERE kind = 'born'"""


@pytest.fixture
def silent(closing):
    """The URL of a target that accepts connections and answers nothing."""
    listener = closing(socket.create_server(("127.0.0.1", 0), backlog=512))
    return f"mqtt://127.0.0.1:{listener.getsockname()[1]}"


def test_clock_waits_for_a_broker_that_accepts_slowly(fleet, broker, closing):
    line = closing(Line(broker.port, pause=0.01))
    fleet.broker(line.url, qos=1).group(count=300, every="1s", start="spread")
    run = fleet.run(duration="2s")
    connect = run.summary["connect"]
    assert (connect["connections"], connect["up"], connect["failed"]) == (300, 300, 0)
    assert connect["seconds"] >= 299 * line.pause
    assert run.summary["never_connected"] == 0
    # All are on at the start of the clock, and each has its two messages in two periods.
    assert run.log.rows(BIRTHS) == [(300, 1)]
    assert run.log.outcomes() == {"acked": 600}
    first = """SELECT count(*) FROM sends WHERE seq = 0 AND scheduled_at <
               (SELECT min("at") + INTERVAL 1 SECOND FROM events WHERE kind = 'born')"""
    assert run.log.rows(first) == [(300,)]
    connected = "SELECT count(*), count(DISTINCT device_id) FROM events WHERE kind = 'connected'"
    assert run.log.rows(connected) == [(300, 300)]


def test_limit_of_the_fleet_file_paces_connections_and_no_births(fleet, broker):
    fleet.broker(broker.url, qos=1, connect_rate="50/s").group(count=20, every="500ms")
    run = fleet.run(duration="1s")
    # Each of two workers opens its first one at once.
    assert run.summary["connect"]["seconds"] >= (20 - 2) / 50
    assert run.log.rows(BIRTHS) == [(20, 1)]


def test_shared_connections_are_counted_and_not_their_devices(fleet, broker):
    fleet.broker(broker.url, qos=1, connections=4).group(count=40, every="500ms")
    run = fleet.run(duration="1s")
    assert (run.summary["connect"]["connections"], run.summary["connect"]["up"]) == (4, 4)


def test_run_without_connections_at_the_start_has_no_figure(fleet, broker):
    fleet.broker(broker.url, qos=1).group(count=5, every="200ms", ramp="1s")
    run = fleet.run(duration="2s")
    assert run.summary["connect"] is None
    assert run.counted("acked") == run.counted() > 0


def test_run_starts_without_a_target_that_is_down(fleet):
    fleet.broker(f"mqtt://127.0.0.1:{free_port()}", qos=1).group(count=20, every="500ms")
    run = fleet.run(duration="1s", expect=1)
    connect = run.summary["connect"]
    assert (connect["connections"], connect["up"], connect["failed"]) == (20, 0, 20)
    assert run.summary["ticks"] == 40
    assert "the clock has started: 0 of 20 connections are open after " in run.stderr


def test_run_starts_without_a_silent_target_after_the_bound(fleet, silent):
    fleet.broker(silent, qos=1, connect_timeout="1s").group(count=20, every="500ms")
    run = fleet.run(duration="1s", expect=1)
    assert run.summary["connect"]["failed"] == 20
    assert run.summary["connect"]["seconds"] >= 1.0
    assert run.summary["ticks"] == 40


def test_interrupt_ends_a_run_that_connects(fleet, silent):
    fleet.broker(silent, qos=1, connect_timeout="10m").group(count=20)
    process = fleet.start("--duration", "10m")
    process.wait_for_line('"connecting":{"connections":20,', of="out")
    process.interrupt()
    run = fleet.end(process, expect=130)
    assert run.counted() == run.summary["ticks"] == 0
    assert run.summary["connect"]["failed"] == 20
    assert run.summary["log_error"] is None
    assert run.summary["rows"] == run.summary["events"] == 0


def test_clock_starts_at_the_time_of_the_command_line(fleet, broker):
    start = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    start += datetime.timedelta(seconds=4)
    fleet.broker(broker.url, qos=1).group(count=20, every="500ms")
    run = fleet.run("--start-at", start.isoformat(), duration="1s")
    born = 'SELECT DISTINCT epoch_us("at") FROM events WHERE kind = \'born\''
    assert run.log.rows(born) == [(int(start.timestamp()) * 1_000_000,)]
    assert run.log.outcomes() == {"acked": 40}


def test_start_in_the_past_is_refused(fleet, broker):
    fleet.broker(broker.url).group()
    process = fleet.start("--start-at", "2026-01-01T00:00:00Z")
    assert process.finish() == 2
    assert "2026-01-01T00:00:00Z is in the past" in process.stderr
