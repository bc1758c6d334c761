"""Events reach the devices that ask for them, also thousands at once."""

import json

from support.backends.server import Answer
from support.fleet import GUESTS
from support.wait import wait_until

DEVICES, COMMANDS = 100, 5_000


def told(run):
    """The counts of events that each device received, by its last message."""
    rows = run.log.rows("SELECT device_id, arg_max(payload, seq) FROM sends GROUP BY device_id")
    return {device: json.loads(payload) for device, payload in rows}


def test_thousands_of_commands_at_once_reach_each_device_once(fleet, broker, subscribe):
    fleet.broker(broker.url, qos=1, outbox=1000)
    fleet.content["targets"]["broker"]["downlink"] = {
        "command": {"topic": "{device}/command", "qos": 1}
    }
    fleet.group("guest", GUESTS / "echoes_events.wasm", count=DEVICES, every="100ms")
    subscriber = subscribe(broker, "guest/+/telemetry")
    process = fleet.start("--duration", "10s")
    wait_until(lambda: len(subscriber.by_topic()) == DEVICES, "each device to speak")
    for n in range(COMMANDS):
        subscriber.client.publish(f"guest-{n % DEVICES:05}/command", str(n), qos=1)

    def heard():
        last = [json.loads(payloads[-1]) for payloads in subscriber.by_topic().values()]
        return sum(report["told"].get("received", 0) for report in last) == COMMANDS

    wait_until(heard, "each command to be heard")
    run = fleet.end(process)
    assert run.summary["received"] == COMMANDS
    for report in told(run).values():
        assert report["told"]["received"] == COMMANDS // DEVICES
        assert report["told"]["connected"] == 1
        assert report["doubled"] == 0


def test_each_message_has_one_receipt_with_its_outcome(fleet, broker):
    fleet.broker(broker.url, qos=1)
    fleet.group("guest", GUESTS / "echoes_events.wasm", count=50, every="20ms")
    run = fleet.run(duration="3s")
    assert run.log.outcomes() == {"acked": run.log.count()}
    for device, report in told(run).items():
        sent = run.log.count(f"device_id = '{device}'")
        # The last ones were settled after the message that says so.
        assert 0 < report["told"]["acked"] <= sent
        assert report["told"]["acked"] >= report["tick"] - 100
        assert report["doubled"] == 0


def test_each_device_notices_a_broker_restart(fleet, start_broker):
    broker = start_broker()
    fleet.broker(broker.url, qos=0)
    fleet.group("guest", GUESTS / "echoes_events.wasm", count=200, every="100ms")
    process = fleet.start("--duration", "12s")
    wait_until(lambda: len(broker.clients()) == 200, "each device to connect")
    broker.stop()
    broker.start()
    wait_until(lambda: len(set(broker.clients())) == 200 and len(broker.clients()) >= 400, "each device to come back")
    run = fleet.end(process)
    for report in told(run).values():
        assert report["told"]["connected"] >= 2
        assert report["told"]["disconnected"] == report["told"]["connected"] - 1


def test_server_answers_and_receipts_reach_the_device_as_events(fleet, serve):
    server = serve(answer=lambda request: Answer(200, body=b"{}"))
    fleet.server(server.url)
    fleet.group("guest", GUESTS / "echoes_events.wasm", count=100, every="50ms")
    run = fleet.run(duration="3s")
    assert run.log.outcomes() == {"acked": run.log.count()}
    answers = sum(report["told"].get("received", 0) for report in told(run).values())
    acked = sum(report["told"].get("acked", 0) for report in told(run).values())
    assert answers == acked > 1000


def test_scenario_answers_thousands_of_commands(fleet, broker, subscribe):
    fleet.broker(broker.url, channels=("telemetry", "reply"), qos=1, outbox=1000)
    fleet.content["targets"]["broker"]["downlink"] = {
        "command": {"topic": "{device}/command", "qos": 1}
    }
    config = {
        "messages": {
            "telemetry": {"json": {"device": "{{ device.id }}"}},
            "reply": {"on-tick": False, "json": {"id": "{{ request.id }}"}},
        },
        "answers": [{"received": {"path": "$.id"}, "send": ["reply"]}],
    }
    fleet.group("car", "builtin:scenario", count=DEVICES, every="1s", config=config)
    subscriber = subscribe(broker, "car/#")
    process = fleet.start("--duration", "10s")
    wait_until(lambda: len(subscriber.by_topic()) == DEVICES, "each device to speak")
    for n in range(COMMANDS):
        subscriber.client.publish(f"car-{n % DEVICES:05}/command", json.dumps({"id": n}), qos=1)
    run = fleet.end(process)
    replies = run.log.column("SELECT payload FROM sends WHERE channel = 'reply'")
    assert sorted(json.loads(reply)["id"] for reply in replies) == list(range(COMMANDS))
