"""The example scenarios run unchanged, but for their times.

Each payload fits the JSON Schema of its scenario.
"""

import json
import tomllib

import jsonschema
import pytest

from support.fleet import PLUGINS, Run
from support.wait import wait_until

EXAMPLES = PLUGINS / "scenario/examples"
NAMES = sorted(file.stem for file in EXAMPLES.glob("*.toml"))


def schema(name):
    """The validator of each channel."""
    whole = json.loads((EXAMPLES / f"{name}.schema.json").read_text())
    return {
        channel: jsonschema.Draft202012Validator(
            {**whole, "$ref": f"#/$defs/{channel}"},
            format_checker=jsonschema.FormatChecker(),
        )
        for channel in whole["$defs"]
    }


def content(payload):
    """A payload as its schema describes it: JSON, a line of text, or hexadecimal."""
    try:
        return json.loads(payload)
    except ValueError:
        pass
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return payload.hex()


class Example:
    """A ready scenario that runs with other times and a broker of the test."""

    def __init__(self, fleet, broker, name):
        self.fleet, self.broker, self.name = fleet, broker, name
        self.file = EXAMPLES / f"{name}.toml"
        (self.group,) = tomllib.loads(self.file.read_text())["groups"]

    def start(self, duration, *, every="100ms", **changes):
        """`changes`: keys below the group's config, with `__` for a dot."""
        settings = {
            "targets.broker.url": self.broker.url,
            f"groups.{self.group['name']}.every": every,
            f"groups.{self.group['name']}.start": "together",
        }
        for key, value in changes.items():
            key = key.replace("__", ".").replace("_", "-")
            settings[f"groups.{self.group['name']}.config.{key}"] = value
        sets = [word for item in settings.items() for word in ("--set", "=".join(item))]
        return self.fleet.mockfleet(
            *("run", self.file, "--json", "--duration", duration, "--log", self.fleet.store),
            *sets,
        )

    def end(self, process):
        assert process.finish() == 0, process.report()
        run = Run(process, self.fleet.store)
        assert run.log.events("failed") == []
        return run

    def run(self, duration, **changes):
        return self.end(self.start(duration, **changes))

    def check(self, run, *, away=False):
        """Each payload of the log fits, of each channel there are some, and the broker got
        them all. Of devices that go `away`, some messages may be open at the end, and some
        go out twice."""
        validators = schema(self.name)
        seen = {}
        rows = run.log.rows("SELECT channel, payload, payload_bin FROM sends")
        for channel, payload, payload_bin in rows:
            data = payload.encode() if payload is not None else bytes(payload_bin)
            validators[channel].validate(content(data))
            seen[channel] = seen.get(channel, 0) + 1
        assert set(seen) == set(validators)
        if away:
            assert set(run.log.outcomes()) <= {"acked", "unconfirmed", "dropped"}
            assert run.log.count("outcome = 'acked'") <= self.broker.published()
        else:
            assert run.log.outcomes() == {"acked": run.log.count()}
            assert run.log.count() == self.broker.published()
        run.log.assert_sound()
        return seen

    def statuses(self, run):
        return {detail for _, detail in run.log.events("status")}


@pytest.fixture
def example(fleet, broker):
    return lambda name: Example(fleet, broker, name)


@pytest.mark.parametrize("name", NAMES)
def test_example_scenario_is_valid(fleet, name):
    process = fleet.mockfleet("check", EXAMPLES / f"{name}.toml", "--log", fleet.store)
    assert process.finish() == 0, process.report()
    assert "good" in process.out[0]


def test_air_conditioner_obeys_commands_fails_and_recovers(example, broker, subscribe):
    it = example("air-conditioner")
    subscriber = subscribe(broker)
    process = it.start(
        "8s",
        statuses__cooling__every="200ms",
        statuses__cooling__transitions='[{ to = "off", received = { path = "$.power", equals = "off" } }, { to = "failure", after = "3s", send = ["alarm"] }]',
        statuses__failure__transitions='[{ to = "off", after = "1s" }]',
    )
    # Until every one of them speaks, and so listens.
    topics = {f"home/ac-{n:05}/telemetry" for n in range(20)}
    wait_until(lambda: topics <= set(subscriber.by_topic()), "each of them to speak")
    for n in range(20):
        command = {"id": str(n), "power": "on", "setpoint": 18 + n}
        subscriber.publish(f"home/ac-{n:05}/command", json.dumps(command))
    run = it.end(process)
    it.check(run)
    assert it.statuses(run) == {"off", "cooling", "failure"}
    replies = {
        row["device"]: row
        for row in map(json.loads, run.log.column("SELECT payload FROM sends WHERE channel = 'reply'"))
    }
    for n in range(20):
        reply = replies[f"ac-{n:05}"]
        # Beyond 30 °C it is not set.
        assert reply["setpoint"] == (18 + n if 18 + n <= 30 else 24)
        assert (reply["id"], reply["status"]) == (str(n), "cooling")
    # It cools while it is on.
    cooling = [
        json.loads(payload)["temperature"]
        for payload in run.log.column(
            """SELECT payload FROM sends WHERE channel = 'telemetry' AND device_id = 'ac-00000'
               AND device_status = 'cooling' ORDER BY seq"""
        )
    ]
    assert len(cooling) >= 5
    assert cooling == sorted(cooling, reverse=True)


def test_industrial_machine_vibrates_increasingly_until_it_fails(example):
    it = example("industrial-machine")
    points = [(0, 0.7), (1, 1.1), (2, 3.2), (3, 9.0)]
    curve = ", ".join(f'{{ at = "{at}s", value = {value} }}' for at, value in points)
    run = it.run(
        "5s",
        fields__level=f'{{ kind = "curve", origin = "status", points = [{curve}] }}',
        statuses__failed__every="200ms",
    )
    it.check(run)
    assert it.statuses(run) == {"running", "failed"}
    payloads = run.log.column(
        """SELECT payload FROM sends WHERE channel = 'telemetry' AND device_id = 'machine-00007'
           AND device_status = 'running' ORDER BY seq"""
    )
    vibration = [json.loads(payload)["vibration"]["mm_s"] for payload in payloads]
    assert max(vibration[:5]) < 2 < 5 < vibration[-1]
    alarms = run.log.column("SELECT DISTINCT device_id FROM sends WHERE channel = 'alarm'")
    assert len(alarms) == 50


def test_delivery_truck_sends_tunnel_readings_late(example):
    it = example("delivery-truck")
    run = it.run(
        "8s",
        statuses__driving__transitions='[{ to = "delivering", after = { kind = "uniform", min = 1, max = 3 } }, { to = "tunnel", probability = 0.05 }]',
        statuses__delivering__every="300ms",
        statuses__delivering__transitions='[{ to = "driving", after = { kind = "uniform", min = 0.5, max = 1 }, send = ["delivery"] }]',
        statuses__tunnel__transitions='[{ to = "driving", after = "1s" }]',
    )
    it.check(run, away=True)
    assert it.statuses(run) == {"driving", "delivering", "tunnel"}
    # Of the time in the tunnel there are positions, and they came after it.
    rows = run.log.rows(
        """SELECT payload, scheduled_at FROM sends
           WHERE channel = 'position' AND payload LIKE '%"status":"tunnel"%'"""
    )
    assert rows
    assert all(json.loads(payload)["at"] < f"{sent:%Y-%m-%dT%H:%M:%S.%f}Z" for payload, sent in rows)


def test_smart_meter_sends_readings_in_bulk_and_on_command(example, broker, subscribe):
    it = example("smart-meter")
    subscriber = subscribe(broker)
    process = it.start("4s", every="1s")
    wait_until(lambda: len(subscriber.by_topic()) >= 100, "each of them to speak")
    subscriber.publish("meters/meter-00007/command", json.dumps({"id": "7", "do": "read"}))
    run = it.end(process)
    assert it.check(run) == {"readings": 400, "reply": 1}
    # A meter is the same in all of its messages.
    (serials,) = run.log.column(
        """SELECT max(serials) FROM (SELECT count(DISTINCT payload ->> 'meter') AS serials
           FROM sends GROUP BY device_id)"""
    )
    assert serials == 1


def test_beacon_sends_bytes_in_its_layout(example):
    it = example("beacon")
    run = it.run("2s")
    seen = it.check(run)
    assert seen["frame"] > 3 * seen["info"]
    frame = run.log.column(
        """SELECT payload_bin FROM sends WHERE channel = 'frame' AND device_id = 'beacon-00123'
           ORDER BY seq LIMIT 1"""
    )[0]
    assert bytes(frame)[:5] == b"\xaa\xfe\x20\x00\x7b"


def test_water_level_rises_in_a_storm_and_falls_again(example):
    it = example("water-level")
    curve = '{ kind = "curve", origin = "status", points = [{ at = "0s", value = %s }, { at = "2s", value = %s }] }'
    run = it.run(
        "6s",
        statuses__calm__transitions='[{ to = "storm", after = "1s" }]',
        statuses__storm__every="100ms",
        statuses__storm__fields__flood=curve % (0, 4),
        statuses__flood__every="100ms",
        statuses__flood__fields__flood=curve % (3, 0),
        statuses__flood__transitions='[{ to = "calm", after = "2s" }]',
    )
    it.check(run)
    assert it.statuses(run) == {"calm", "storm", "flood"}
    # The first row of the file beside it.
    assert {line.split(",")[-1].strip() for line in run.log.column("SELECT payload FROM sends WHERE channel = 'level'")} == {"0.1"}


def test_cold_chain_logger_sends_late_with_times_of_readings(example):
    it = example("cold-chain-logger")
    run = it.run(
        "8s",
        statuses__depot__transitions='[{ to = "road", after = "1s" }]',
        statuses__road__transitions='[{ to = "warm", when = "temperature > 4.5", send = ["alarm"] }, { to = "depot", after = "2s" }]',
        statuses__warm__transitions='[{ to = "depot", after = "1s" }]',
    )
    it.check(run, away=True)
    assert it.statuses(run) == {"depot", "road", "warm"}
    late = run.log.column("""SELECT scheduled_at FROM sends WHERE payload LIKE '%"status":"road"%'""")
    assert late
    # No reading of one box is lost or doubled, and each box has a connection of its own again.
    numbers = run.log.rows(
        """SELECT device_id, list(CAST(payload ->> 'n' AS INTEGER) ORDER BY seq) FROM sends
           WHERE channel = 'log' GROUP BY device_id"""
    )
    assert len(numbers) == 40
    for _, found in numbers:
        assert sorted(found) == list(range(len(found)))


def scenario(fleet, broker, config, **group):
    fleet.broker(broker.url, qos=1, connections=4)
    fleet.group("device", "builtin:scenario", config=config, **group)
    return fleet


def test_scenario_error_at_run_time_is_an_event_naming_the_field(fleet, broker):
    """The device lives on."""
    config = {
        "fields": {
            "n": {"kind": "counter", "step": 1, "until": 2},
            "share": {"kind": "expression", "expression": "10 / (n - 1)"},
        },
        "messages": {"telemetry": {"json": {"n": "{{ n }}", "share": "{{ share }}"}}},
    }
    run = scenario(fleet, broker, config, count=3, every="100ms").run(duration="2s")
    failed = run.log.events("failed")
    assert {device for device, _ in failed} == {f"device-0000{n}" for n in range(3)}
    assert all(detail.startswith("tick: field share: ") for _, detail in failed)
    # Of each three ticks one divides by zero, and the others send.
    assert run.log.count() + len(failed) == 60
    assert 15 <= len(failed) <= 21


def test_same_seed_gives_the_same_payloads_for_any_packing(fleet, broker):
    config = {
        "fields": {
            "walk": {"kind": "walk", "step": 1},
            "id": {"kind": "id"},
            "load": {"kind": "bulk", "count": 3, "every": "1s", "of": {"kind": "normal", "mean": 5, "deviation": 1}},
        },
        "messages": {"telemetry": {"json": ["{{ walk }}", "{{ id }}", "{{ load }}", "{{ status }}"]}},
        "start": "a",
        "statuses": {
            "a": {"transitions": [{"to": "b", "probability": 0.3}]},
            "b": {
                "every": "50ms",
                "fields": {"walk": {"kind": "walk", "step": 9}},
                "transitions": [{"to": "a", "after": {"kind": "uniform", "min": 0.1, "max": 0.4}}],
            },
        },
    }
    scenario(fleet, broker, config, count=30, every="100ms")

    def payloads(*arguments, devices_per_cell):
        fleet.content["groups"][0]["devices-per-cell"] = devices_per_cell
        run = fleet.run(*arguments, duration="2s")
        assert run.summary["missed_ticks"] == 0
        return run.log.payloads()

    first = payloads("--workers", "1", devices_per_cell=64)
    assert all(len(sequence) > 15 for sequence in first.values())
    assert len({sequence[0] for sequence in first.values()}) == 30
    assert payloads("--workers", "2", devices_per_cell=1) == first
    assert payloads("--workers", "3", devices_per_cell=7) == first


def test_data_file_fault_is_reported_with_line_and_column(fleet, broker):
    config = {
        "fields": {"rain": {"kind": "replay", "file": "rain", "column": {"name": "mm", "type": "number"}, "every": "1s"}},
        "messages": {"telemetry": {"json": "{{ rain }}"}},
    }
    scenario(fleet, broker, config, data={"rain": "rain.csv"})
    good = "minute,mm\n0,0.1\n1,0.2\n"
    for text, *said in [
        (good.replace("mm", "cm"), "mm", "minute, cm"),
        (good.replace("0,0.1", "0"), "rain:2:"),
        (good.replace("0.2", "much"), "rain:3:", "much"),
    ]:
        (fleet.folder / "rain.csv").write_text(text)
        fleet.write()
        process = fleet.mockfleet("check", "fleet.toml")
        assert process.finish() == 2, process.report()
        (line,) = process.err
        assert line.startswith("fleet.toml:") and "fields.rain" in line
        assert all(word in line for word in said), line
    (fleet.folder / "rain.csv").write_text(good)
    run = fleet.run(duration="2s")
    assert set(run.log.column("SELECT payload FROM sends")) == {"0.1", "0.2"}
