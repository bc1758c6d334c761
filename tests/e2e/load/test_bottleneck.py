"""The summary names the bottleneck of a run with its evidence."""

import pytest

from support.backends.latency_proxy import Line


def verdict(run, who):
    """The text of the summary, which must name `who`."""
    found = run.summary["bottleneck"]
    assert found["who"] == who, found
    return found["words"]


def test_good_run_has_no_bottleneck(fleet, broker):
    run = fleet.broker(broker.url, qos=1).group(count=20, every="200ms").run()
    words = verdict(run, "none")
    assert words.startswith("none: its ")
    assert 1 <= run.summary["outbox"]["most"] < run.summary["outbox"]["of"] == 100
    assert run.summary["outbox"]["found_full"] == 0


def test_late_broker_is_called_slow_without_being_the_bottleneck(
    fleet, broker, subscribe, closing
):
    line = closing(Line(broker.port))
    subscriber = subscribe(broker)
    fleet.broker(line.url, qos=1).group(count=5, every="100ms")
    process = fleet.start("--duration", "6s")
    # Connecting took no time.
    subscriber.wait_for(10)
    line.late = 1.5
    run = fleet.end(process)
    words = verdict(run, "none")
    assert "but the backend was slow: confirmations took p99 " in words
    # Each device had its confirmations of a second and a half outstanding.
    assert 15 <= run.summary["outbox"]["most"] <= 100
    assert run.summary["open_most"] >= 75
    assert run.summary["latency_us"]["p50"] >= 1_500_000
    assert run.log.outcomes() == {"acked": run.counted()}


def test_late_broker_that_fills_the_outbox_is_the_bottleneck(fleet, broker, closing):
    line = closing(Line(broker.port, late=1.5))
    fleet.broker(line.url, qos=1, outbox=4).group(count=5, every="100ms")
    run = fleet.run(duration="5s")
    words = verdict(run, "backend")
    assert "the backend or the way to it" in words
    assert "4 of one device (outbox 4)" in words
    why = "are open, since the broker has not confirmed them"
    assert run.log.count(f"error LIKE '%{why}'") > 0
    full = run.summary["outbox"]["found_full"]
    assert full == run.log.count("error LIKE 'the outbox was full%'") > 0
    assert f"and {full} messages found it full" in words


def test_broker_that_stops_reading_is_named_with_blocked_time(fleet, broker, subscribe, closing):
    line = closing(Line(broker.port))
    subscriber = subscribe(broker)
    fleet.broker(line.url, qos=1, outbox=20, keep_alive="0s")
    fleet.group(count=5, every="50ms")
    process = fleet.start("--duration", "4s")
    subscriber.wait_for(50)
    line.stop_reading()
    run = fleet.end(process)
    words = verdict(run, "backend")
    assert "it stopped taking messages, and nothing got through in the last " in words
    assert "20 of one device (outbox 20)" in words
    assert "messages found it full" in words
    # What was on the wire when the run ended was sent, and nobody confirmed it.
    assert run.counted("acked") >= 50 and run.counted("unconfirmed") == 100
    assert run.log.count("outcome = 'unconfirmed' AND sent_at IS NULL") == 0


def test_host_with_a_slow_plugin_is_the_bottleneck(fleet, broker):
    fleet.broker(broker.url, qos=1)
    # Some milliseconds a tick, on any machine, and thousands of ticks a second.
    fleet.guest(count=200, every="50ms", config={"effort": 5_000})
    run = fleet.run("--workers", "1", duration="3s")
    words = verdict(run, "host")
    assert "the host, not the backend: devices were called p99 " in words
    assert "its 1 worker was busy " in words and " a tick" in words
    assert run.summary["missed_ticks"] > 0
    assert run.summary["busy"] > 0.5


@pytest.mark.parametrize("qos", [0, 1])
def test_missing_backend_is_named(fleet, broker, qos):
    broker.stop()
    run = fleet.broker(broker.url, qos=qos).group(count=3, every="100ms").run(expect=1)
    assert "no message arrived" in verdict(run, "backend")
