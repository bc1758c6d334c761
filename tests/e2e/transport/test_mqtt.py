"""Messages reach Mosquitto: its count, a subscriber and the log agree."""

import json

import pytest

from support.backends.certificates import Authority
from support.log import Log
from support.wait import wait_until


def assert_all_arrived(run, broker, subscriber):
    """Rows in the log = messages the broker counted = messages a subscriber got, each with
    the row's payload."""
    log = run.log
    rows = log.count()
    assert rows == run.summary["rows"] == run.counted() > 0
    subscriber.wait_for(rows)
    assert broker.published() == rows
    if not counted_apart(subscriber):
        assert broker.received() == rows
    assert len(subscriber.messages) == rows
    assert subscriber.by_topic() == log.payloads(by="topic")
    log.assert_sound()


def counted_apart(subscriber):
    """Whether there are messages that mosquitto's count leaves out; see `Broker.received`."""
    return any(message.qos == 2 for message in subscriber.messages)


@pytest.mark.smoke
@pytest.mark.parametrize(("qos", "outcome"), [(0, "sent"), (1, "acked"), (2, "acked")])
@pytest.mark.parametrize("connections", ["per-device", 3])
def test_rows_match_the_broker_count_and_a_subscriber(
    fleet, broker, subscribe, qos, outcome, connections
):
    subscriber = subscribe(broker)
    fleet.broker(broker.url, qos=qos, connections=connections).group(count=40, every="250ms")
    run = fleet.run(duration="2s")
    assert_all_arrived(run, broker, subscriber)
    assert run.counted() == 40 * 8
    assert run.log.outcomes() == {outcome: 320}
    assert {message.qos for message in subscriber.messages} == {qos}
    assert len(broker.clients()) == (40 if connections == "per-device" else connections)


def test_channel_has_its_own_topic_and_qos(fleet, broker, subscribe):
    subscriber = subscribe(broker)
    topics = {
        "telemetry": {"topic": "{fleet}/{group}/{index}/{device}", "qos": 2},
        "reply": {"topic": "reply"},
    }
    fleet.broker(broker.url, channels=(), topics=topics, qos=0)
    fleet.group("car", "builtin:vehicle", count=2, config={"park-chance": 0.0})
    run = fleet.run(duration="1s")
    assert_all_arrived(run, broker, subscriber)
    assert set(subscriber.by_topic()) == {"test/car/0/car-00000", "test/car/1/car-00001"}
    assert {message.qos for message in subscriber.messages} == {2}


def test_retain_keeps_the_last_message_of_a_channel(fleet, broker, subscribe):
    topics = {"telemetry": {"topic": "kept/{device}", "retain": True}}
    fleet.broker(broker.url, channels=(), topics=topics, qos=1).group(count=5, every="200ms")
    run = fleet.run(duration="1s")
    late = subscribe(broker, "kept/#")
    late.wait_for(5)
    assert all(message.retain for message in late.messages)
    last = {topic: [payloads[-1]] for topic, payloads in run.log.payloads(by="topic").items()}
    assert late.by_topic() == last


def test_killed_run_leaves_the_last_will_of_each_device(fleet, broker, subscribe):
    will = {"topic": "will/{device}", "payload": "{device} of {group} is gone", "qos": 1}
    fleet.broker(broker.url, qos=1, will=will).group(count=3, every="100ms")
    wills, messages = subscribe(broker, "will/#"), subscribe(broker, "thermometer/#")
    process = fleet.start()
    messages.wait_for(9)
    process.kill()
    wills.wait_for(3)
    assert wills.by_topic() == {
        f"will/thermometer-0000{n}": [b"thermometer-0000%d of thermometer is gone" % n]
        for n in range(3)
    }


def test_finished_run_disconnects_without_a_last_will(fleet, broker, subscribe):
    will = {"topic": "will/{device}", "payload": "gone", "qos": 1}
    fleet.broker(broker.url, qos=1, will=will).group(count=3)
    everything = subscribe(broker)
    run = fleet.run(duration="1s")
    assert broker.received() == run.counted() == 3
    assert {message.topic.split("/")[0] for message in everything.messages} == {"thermometer"}
    assert len(broker.logged("Received DISCONNECT from thermometer-")) == 3


def test_devices_log_in_with_credentials_from_the_environment(fleet, start_broker, subscribe):
    broker = start_broker(users={"fleet": "s3cret-pass"})
    subscriber = subscribe(broker)
    fleet.environment["BROKER_PASSWORD"] = "s3cret-pass"
    fleet.broker(broker.url, qos=1, username="fleet", password="${BROKER_PASSWORD}").group(count=3)
    run = fleet.run(duration="1s")
    assert_all_arrived(run, broker, subscriber)
    assert run.log.outcomes() == {"acked": 3}
    assert "s3cret-pass" not in run.process.report()
    for file in run.log.files("sends") + run.log.files("events"):
        assert b"s3cret-pass" not in file.read_bytes()


def test_topic_of_the_environment_is_sent_again_and_verified(fleet, broker, subscribe, tmp_path):
    subscriber = subscribe(broker)
    fleet.environment["SITE"] = "north-7"
    topics = {"telemetry": {"topic": "${SITE}/{device}"}}
    fleet.broker(broker.url, qos=1, channels=(), topics=topics).group(count=2, every="200ms")
    run = fleet.run(duration="1s")
    topics = {f"north-7/thermometer-0000{index}" for index in range(2)}
    subscriber.wait_for(10)
    assert set(subscriber.by_topic()) == topics
    shown = {f"${{SITE}}/thermometer-0000{index}" for index in range(2)}
    assert set(run.log.column("SELECT DISTINCT topic FROM sends")) == shown
    # The received table has the value, and the log the name.
    received = tmp_path / "received.jsonl"
    rows = [
        {"topic": message.topic, "payload": message.payload.decode()}
        for message in subscriber.messages
    ]
    received.write_text("".join(json.dumps(row) + "\n" for row in rows))
    fleet.mockfleet("verify", "logs", "--received", received, "--json").expect(0)
    # So it is in a replay, whose log has the name again.
    replay = ["replay", "logs", "--to", broker.url, "--log", "again", "--json"]
    fleet.mockfleet(*replay).expect(0)
    subscriber.wait_for(20)
    assert set(subscriber.by_topic()) == topics
    assert set(Log(fleet.folder / "again").column("SELECT DISTINCT topic FROM sends")) == shown
    del fleet.environment["SITE"]
    why = fleet.mockfleet(*replay[:-3], "--log", "third").expect(2).stderr
    assert "the environment has no \"SITE\"" in why and "--topics target" in why


def test_idle_device_is_kept_alive_by_pings(fleet, broker):
    fleet.broker(broker.url, keep_alive="1s").group(count=2, every="1h")
    process = fleet.start()
    # A broker closes a client that is silent for one and a half keep-alives: by its
    # eighth ping, either device would have been closed.
    for index in range(2):
        ping = f"Received PINGREQ from thermometer-0000{index}"
        wait_until(lambda ping=ping: len(broker.logged(ping)) >= 8, ping)
    process.interrupt()
    run = fleet.end(process, expect=130)
    assert len(run.log.events("connected")) == 2
    assert {detail for _, detail in run.log.events("disconnected")} <= {"closed"}


def test_broker_certificate_of_the_ca_file_is_trusted(fleet, start_broker, subscribe, authority):
    broker = start_broker(tls=authority.server())
    subscriber = subscribe(broker)
    fleet.broker(broker.url, qos=1, tls={"ca": str(authority.file)}).group(count=10, every="200ms")
    run = fleet.run(duration="1s")
    assert_all_arrived(run, broker, subscriber)
    assert run.log.outcomes() == {"acked": 50}


def test_broker_gets_the_client_certificate(fleet, start_broker, subscribe, authority):
    broker = start_broker(tls=authority.server(), client_certificates=True)
    subscriber = subscribe(broker)
    client = authority.client()
    # Relative to the fleet file.
    for name, file in {"ca": authority.file, "cert": client.cert, "key": client.key}.items():
        (fleet.folder / f"{name}.pem").write_bytes(file.read_bytes())
    tls = {"ca": "ca.pem", "cert": "cert.pem", "key": "key.pem"}
    fleet.broker(broker.url, qos=1, connections=2, tls=tls).group(count=10, every="200ms")
    run = fleet.run(duration="1s")
    assert_all_arrived(run, broker, subscriber)
    assert run.log.outcomes() == {"acked": 50}


def test_broker_with_an_unknown_certificate_gets_nothing(fleet, start_broker, authority, tmp_path):
    broker = start_broker(tls=authority.server())
    stranger = Authority(tmp_path / "stranger", "stranger")
    fleet.broker(broker.url, qos=1, tls={"ca": str(stranger.file)}).group(count=2)
    run = fleet.run(duration="1s", expect=1)
    assert run.log.outcomes() == {"dropped": 2}
    assert run.notices("the TLS handshake failed")
    assert run.notices("name the authority's file with tls.ca")
    assert broker.received() == 0


@pytest.mark.parametrize("wrong", ["no client certificate", "plain url"])
def test_broker_that_refuses_tls_is_explained(fleet, start_broker, authority, wrong):
    broker = start_broker(tls=authority.server(), client_certificates=wrong != "plain url")
    if wrong == "plain url":
        fleet.broker(broker.url.replace("mqtts://", "mqtt://"), qos=1).group(count=1)
        way_out = "the url begins with mqtts://"
    else:
        fleet.broker(broker.url, qos=1, tls={"ca": str(authority.file)}).group(count=1)
        way_out = "a client certificate"
    run = fleet.run(duration="1s", expect=1)
    assert run.log.outcomes() == {"dropped": 1}
    assert run.notices(way_out)


@pytest.mark.smoke
def test_command_reaches_its_vehicle_and_is_answered(fleet, broker, subscribe):
    fleet.broker(
        broker.url,
        qos=1,
        channels=("telemetry", "reply"),
        downlink={"command": {"topic": "{group}/{device}/command"}},
    )
    fleet.group("vehicle", "builtin:vehicle", count=3, every="100ms", config={"park-chance": 0.0})
    telemetry = subscribe(broker, "+/+/telemetry")
    replies = subscribe(broker, "+/+/reply")
    process = fleet.start()
    wait_until(lambda: len(broker.logged("Sending SUBACK to vehicle-")) >= 3, "subscriptions")
    telemetry.wait_for(3)
    telemetry.publish("vehicle/vehicle-00001/command", b'{"do": "stop"}')
    (reply,) = replies.wait_for(1)
    process.interrupt()
    run = fleet.end(process, expect=130)

    assert reply.topic == "vehicle/vehicle-00001/reply"
    answer = json.loads(reply.payload)
    assert (answer["ok"], answer["do"], answer["status"]) == (True, "stop", "parked")
    assert run.summary["received"] == 1
    assert run.log.events("received") == [("vehicle-00001", "command: 14 bytes")]
    row = run.log.rows("SELECT device_id, payload FROM sends WHERE channel = 'reply'")
    assert row == [("vehicle-00001", reply.payload.decode())]
    # The command is a message of the test's own.
    assert broker.received() == run.log.count() + 1
    run.log.assert_sound()


def answering(fleet, broker, filter, *, count, **more):
    """Devices that answer each message of a topic filter, on `reply`."""
    fleet.broker(broker.url, channels=("reply",), qos=1, downlink={"in": {"topic": filter}}, **more)
    answer = {"received": {"channel": "in"}, "send": ["reply"]}
    messages = {"reply": {"on-tick": False, "text": "here"}}
    config = {"messages": messages, "answers": [answer]}
    fleet.group("hub", "builtin:scenario", count=count, every="1h", config=config)


def test_topic_of_all_devices_is_one_subscription_a_connection(fleet, broker, subscribe):
    answering(fleet, broker, "home/status", count=12, connections=2)
    replies = subscribe(broker, "+/+/reply")
    process = fleet.start()
    of_fleet = "SUBACK to mockfleet-"
    wait_until(lambda: len(broker.logged(of_fleet)) >= 2, "subscriptions")
    replies.publish("home/status", b"online")
    replies.wait_for(12)
    replies.publish("home/status", b"offline")
    replies.wait_for(24)
    process.interrupt()
    run = fleet.end(process, expect=130)
    assert {len(payloads) for payloads in replies.by_topic().values()} == {2}
    assert len(replies.by_topic()) == 12
    assert len(broker.logged(of_fleet)) == 2
    assert len(broker.logged("Sending PUBLISH to mockfleet-.*home/status")) == 4
    assert run.summary["received"] == run.counted() == 24


def test_message_of_a_shared_subscription_reaches_one_device(fleet, broker, subscribe):
    answering(fleet, broker, "$share/workers/jobs", count=3)
    replies = subscribe(broker, "+/+/reply")
    process = fleet.start()
    wait_until(lambda: len(broker.logged("SUBACK to hub-")) >= 3, "subscriptions")
    for number in range(9):
        replies.publish("jobs", b"job %d" % number)
    replies.wait_for(9)
    process.interrupt()
    run = fleet.end(process, expect=130)
    assert run.summary["received"] == run.counted() == 9


def test_topic_of_the_broker_itself_reaches_a_device(fleet, broker, subscribe):
    answering(fleet, broker, "$SYS/broker/uptime", count=1)
    replies = subscribe(broker, "+/+/reply")
    process = fleet.start()
    replies.wait_for(1)
    process.interrupt()
    fleet.end(process, expect=130)


def test_run_with_another_downlink_subscribes_in_a_kept_session(fleet, broker, subscribe):
    replies = subscribe(broker, "+/+/reply")
    for topic, other in (("old/{device}", "new"), ("new/{device}", "old")):
        fleet.content["groups"].clear()
        answering(fleet, broker, topic, count=2, clean_session=False)
        before = len(broker.logged("SUBACK to hub-"))
        process = fleet.start()
        wait_until(lambda n=before: len(broker.logged("SUBACK to hub-")) >= n + 2, "SUBACK")
        replies.publish(f"{other}/hub-00000", b"for the other run")
        replies.publish(topic.replace("{device}", "hub-00001"), b"hello")
        replies.wait_for(1 if other == "new" else 2)
        process.interrupt()
        run = fleet.end(process, expect=130)
        assert [device for device, _ in run.log.events("received")][-1] == "hub-00001"
    # The session still has the subscription of the first run, and the second run says so.
    assert run.notices("a message that fits no downlink")
    assert set(replies.by_topic()) == {"hub/hub-00001/reply"}


def test_devices_sharing_a_connection_get_their_own_commands(fleet, broker, subscribe):
    fleet.broker(
        broker.url,
        qos=1,
        connections=1,
        channels=("telemetry", "reply"),
        downlink={"command": {"topic": "{group}/{device}/command", "qos": 2}},
    )
    fleet.group("vehicle", "builtin:vehicle", count=3, every="1h")
    replies = subscribe(broker, "+/+/reply")
    process = fleet.start()
    wait_until(lambda: broker.logged("Sending SUBACK to (?!auto-|counts)"), "a subscription")
    for index in (2, 0, 1):
        replies.publish(f"vehicle/vehicle-0000{index}/command", b'{"do": "locate"}', qos=2)
    replies.wait_for(3)
    process.interrupt()
    run = fleet.end(process, expect=130)
    topics = sorted(replies.by_topic())
    assert topics == [f"vehicle/vehicle-0000{index}/reply" for index in range(3)]
    received = sorted(device for device, _ in run.log.events("received"))
    assert received == [f"vehicle-0000{index}" for index in range(3)]
