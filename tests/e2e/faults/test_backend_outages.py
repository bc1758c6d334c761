"""Outages of brokers and servers: the run continues, and every message has an outcome.

The same outage is reported once and counted.
"""

import re

import pytest

from support.rounds import rounds
from support.wait import free_port, wait_until


@pytest.mark.smoke
def test_run_without_a_broker_continues_and_logs_every_message(fleet):
    url = f"mqtt://127.0.0.1:{free_port()}"
    fleet.broker(url, qos=1).group(count=10, every="100ms")
    run = fleet.run(duration="2s", expect=1)
    assert run.counted() == run.log.count() == 200
    assert run.log.outcomes() == {"dropped": 200}
    assert run.log.column("SELECT DISTINCT error FROM sends") == [
        "there was never a connection to the broker"
    ]
    assert run.log.count("sent_at IS NOT NULL OR attempt != 0") == 0
    assert run.log.events("connected") == []
    # Ten devices tried several times each.
    (notice,) = run.notices("connection refused")
    assert url in notice["text"] and notice["times"] >= 20
    assert run.stderr.count("connection refused") == 1
    run.log.assert_sound()


def test_message_beyond_the_outbox_is_dropped_with_the_reason(fleet):
    fleet.broker(f"mqtt://127.0.0.1:{free_port()}", qos=1, outbox=5)
    fleet.group(count=2, every="50ms").set(checks={"fleet": ["rate >= 40/s"]})
    run = fleet.run(duration="1s", expect=1)
    full = (
        "the outbox was full: 5 messages of this device are open, since there is no connection "
        "to the broker: connection refused; is the broker running, and is this its port?"
    )
    rows = run.log.rows("SELECT error, count(*) FROM sends GROUP BY error ORDER BY count(*)")
    assert rows == [("there was never a connection to the broker", 10), (full, 30)]
    # It is the newest that have no room.
    assert run.log.count(f"error = '{full}' AND seq < 5") == 0
    assert run.summary["never_connected"] == 2
    assert run.summary["words"]["connections"] == "2 of 2 devices never connected"
    # Each device returned 20 messages a second, and none got through.
    (rate,) = run.summary["checks"]
    assert (rate["held"], rate["figure"]) == (False, 0)
    assert run.summary["latency_us"] == {"p50": None, "p99": None, "max": None}


def run_over_a_restart(fleet, broker, subscribe, first, then):
    """A run whose broker restarts after `first` messages and gets `then` more, and the
    subscriber to the restarted broker. In the long run, the broker restarts ten times: a device
    whose connections do not last waits up to 30 s for the next one."""
    after = subscribe(broker)
    process = fleet.start()
    after.wait_for(first)
    for _ in range(rounds(1, 10)):
        broker.stop()
        process.wait_for_line("warning: target broker .*(closed|lost|refused)")
        broker.start()
        after = subscribe(broker)
        after.wait_for(then)
    devices = sum(group["count"] for group in fleet.content["groups"])
    wait_until(lambda: len(after.by_topic()) == devices, "a message of each device")
    process.interrupt()
    return fleet.end(process, expect=130), after


@pytest.mark.smoke
def test_restarted_broker_gets_waiting_messages_counted_once(fleet, broker, subscribe):
    fleet.broker(broker.url, qos=1, outbox=10_000).group(count=10, every="50ms")
    run, after = run_over_a_restart(fleet, broker, subscribe, 100, 300)
    log = run.log
    rows = log.count()
    assert rows == run.counted() == run.summary["rows"]
    # `sent_at` is the first time on the wire: the outage is in the latency.
    assert log.count("attempt > 1 AND latency_us < 100000") == 0
    assert log.outcomes() == {"acked": rows}, "all of it arrived in the end"
    log.assert_sound()
    # What was open when the broker went is sent again: the broker may have it twice.
    published = len(broker.logged(r"Received PUBLISH from thermometer-"))
    repeated = log.one("SELECT coalesce(sum(attempt - 1), 0) FROM sends")
    assert rows <= published <= rows + repeated
    # Each device has come back.
    for kind, least in (("connected", 20), ("disconnected", 10)):
        events = log.events(kind)
        assert len(events) >= least, kind
        assert len({device for device, _ in events}) == 10
    assert run.summary["reconnects"] == len(log.events("connected")) - 10
    # The trouble of ten devices is said once.
    for notice in run.summary["notices"]:
        assert run.stderr.count(notice["text"]) == 1
    assert {payload for payloads in after.by_topic().values() for payload in payloads} <= {
        payload for payloads in log.payloads().values() for payload in payloads
    }


def test_session_kept_by_the_broker_is_resumed(fleet, start_broker, subscribe):
    broker = start_broker(persistent=True)
    fleet.broker(broker.url, qos=2, outbox=10_000, clean_session=False)
    fleet.group(count=5, every="50ms")
    run, after = run_over_a_restart(fleet, broker, subscribe, 50, 150)
    log = run.log
    assert log.outcomes() == {"acked": run.counted()}
    log.assert_sound()
    # With QoS 2 and the session kept, not even the broker has a message twice.
    for topic, payloads in after.by_topic().items():
        assert len(payloads) == len(set(payloads)), topic


def test_refused_login_is_reported_and_the_run_continues(fleet, start_broker):
    broker = start_broker(users={"fleet": "right"})
    fleet.broker(broker.url, qos=1, username="fleet", password="wr0ng-one").group(
        count=3, every="250ms"
    )
    run = fleet.run(duration="1s", expect=1)
    assert run.log.outcomes() == {"dropped": 12}
    (notice,) = run.notices("the broker refused the login")
    assert "username, password" in notice["text"] and notice["times"] >= 3
    assert run.stderr.count("the broker refused the login") == 1
    assert "wr0ng-one" not in run.process.report()
    assert broker.received() == 0


def test_message_that_closes_the_connection_fails(fleet, broker):
    """The broker closes the connection on each attempt to send it."""
    # Mosquitto takes topics of up to 200 levels.
    topics = {"telemetry": {"topic": "a/" * 250 + "{device}"}}
    fleet.broker(broker.url, qos=1, channels=(), topics=topics).group("bad", count=1, every="1h")
    fleet.broker(broker.url, qos=1, name="good").group("good", count=2, every="100ms")
    fleet.content["groups"][0]["target"] = "broker"
    fleet.content["groups"][1]["target"] = "good"
    process = fleet.start()
    # The first connection is lost with it, and then one that it has for itself.
    wait_until(
        lambda: len(broker.logged("bad-00000 disconnected due to protocol error")) >= 2,
        "protocol errors",
    )
    wait_until(lambda: len(broker.logged("as bad-00000 ")) >= 3, "another connection")
    wait_until(lambda: len(broker.logged("Received PUBLISH from good-")) >= 10, "good messages")
    process.interrupt()
    run = fleet.end(process, expect=130)
    assert run.log.rows("SELECT outcome FROM sends WHERE \"group\" = 'bad'") == [("failed",)]
    (error,) = run.log.column("SELECT error FROM sends WHERE \"group\" = 'bad'")
    assert re.search("the connection was lost again when this message was sent alone: ", error)
    assert re.search(r"\(topic (a/){250}bad-00000, \d+ bytes\)$", error)
    assert run.log.count("\"group\" = 'good' AND outcome != 'acked'") == 0
    assert run.log.count("\"group\" = 'good'") >= 10
    (notice,) = run.notices("the broker closed the connection")
    assert notice["times"] == 2


@pytest.mark.parametrize("clean_session", [True, False])
def test_neighbours_of_a_message_too_large_arrive(fleet, start_broker, subscribe, clean_session):
    broker = start_broker(max_packet_size=2_000)
    subscriber = subscribe(broker)
    fleet.broker(broker.url, qos=1, connections=1, outbox=10_000, clean_session=clean_session)
    fleet.group("small", count=20, every="100ms")
    fleet.group("large", count=1, every="1s", config={"size": 3_000})
    run = fleet.run(duration="4s")
    log = run.log
    outcomes = log.rows('SELECT "group", outcome, count(*) FROM sends GROUP BY ALL ORDER BY ALL')
    assert outcomes == [("large", "failed", 4), ("small", "acked", 800)]
    for error in log.column("SELECT error FROM sends WHERE outcome = 'failed'"):
        assert error.endswith("(topic large/large-00000/telemetry, 3000 bytes)"), error
    # The size and the topic are those of one message, and the cause is one.
    assert len(run.summary["causes"]) == 1
    payloads = subscriber.by_topic()
    for topic, sent in log.payloads(by="topic").items():
        assert topic.startswith("large") or set(sent) == set(payloads[topic])
    log.assert_sound()


def test_late_server_gets_messages_sent_after_its_start(fleet, serve):
    server = serve()
    server.close()
    fleet.server(server.url).group(count=2, every="100ms")
    process = fleet.start()
    process.wait_for_line("warning: target server .*no connection")
    again = serve(port=server.port)
    again.wait_for(10)
    process.interrupt()
    run = fleet.end(process, expect=130)
    outcomes = run.log.outcomes()
    assert outcomes["acked"] == len(again.requests) >= 10
    assert outcomes["failed"] >= 1
    assert sum(outcomes.values()) == run.counted()
    run.log.assert_sound()


def test_unset_variable_is_reported_before_anything_is_sent(fleet, broker):
    fleet.broker(broker.url, username="fleet", password="${NO_SUCH_PASSWORD}").group()
    process = fleet.start()
    assert process.finish() == 2
    (sentence,) = process.err
    assert re.match(r"fleet\.toml:\d+: .*NO_SUCH_PASSWORD", sentence)
    assert broker.clients() == []
