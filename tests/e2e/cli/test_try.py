"""`mockfleet try` runs devices on a virtual clock.

Its messages, charts, schema checks and costs.
"""

import functools
import json
import re
import shutil
import xml.etree.ElementTree as ElementTree

import pytest

from support.fleet import GUESTS, PLUGINS
from support.wait import wait_until

EXAMPLES = PLUGINS / "scenario/examples"
COUNTER = {
    "fields": {"n": {"kind": "counter"}},
    "messages": {
        "telemetry": {"json": {"n": "{{ n }}", "room": {"list": ["{{ n }}"]}, "unit": "C"}}
    },
}


@pytest.fixture
def tried(mockfleet):
    """Runs `mockfleet try …`."""
    return functools.partial(mockfleet, "try")


@pytest.fixture
def counters(fleet):
    """A fleet file with three devices that count."""
    fleet.broker("mqtt://127.0.0.1:1")
    fleet.group("counter", "builtin:scenario", count=3, config=COUNTER).write()
    return fleet


def objects(process):
    return [json.loads(line) for line in process.out]


def test_duration_contains_the_ticks_due_within_it(tried):
    process = tried("builtin:thermometer", "--for", "1h", "--every", "10m", "--json")
    # As in a run, one that is due at its end is not.
    assert [message["seconds"] for message in objects(process)] == [n * 600 for n in range(6)]


def test_sent_command_arrives_before_the_first_tick(tried):
    arguments = [EXAMPLES / "smart-meter.toml", "--ticks", "1", "--json"]
    command = 'command={"id": "%s", "do": "read"}'
    sent = tried(*arguments, "--send", command % 1, "--send", command % 2)
    assert [message["channel"] for message in objects(sent)] == ["reply", "reply", "readings"]
    assert [json.loads(m["payload"]).get("id") for m in objects(sent)] == ["1", "2", None]
    assert sent.stderr.count("0.000 s: receives on command: ") == 2
    # One that is received at a time comes after the tick of that time.
    arguments = [arguments[0], "--for", "1s", "--json", "--receive", f"0s:{command % 1}"]
    assert [message["channel"] for message in objects(tried(*arguments))] == ["readings", "reply"]


def test_event_after_the_end_is_reported(tried):
    process = tried("builtin:thermometer", "--ticks", "2", "--link", "1m:lost")
    assert "60.000 s: connection lost: did not happen, since the devices had stopped" in process.stderr


def test_several_devices_take_turns_without_changing_the_first(tried):
    several = objects(
        tried("builtin:thermometer", "--devices", "3", "--ticks", "4", "--seed", "5", "--json")
    )
    assert [message["device"] for message in several] == [f"try-0000{n}" for n in range(3)] * 4
    assert [message["seconds"] for message in several] == sorted([0, 1, 2, 3] * 3)
    alone = objects(tried("builtin:thermometer", "--ticks", "4", "--seed", "5", "--json"))
    first = [message for message in several if message.pop("device") == "try-00000"]
    assert first == alone
    assert len({message["payload"].split("temperature")[1] for message in several[:3]}) == 3
    line = tried("builtin:thermometer", "--devices", "2", "--ticks", "1").out[1]
    assert re.match(r" +0\.000 s  try-00001  telemetry +\d+ B  \{", line)


def test_devices_of_a_fleet_file_have_ids_and_seeds_of_a_run(fleet, broker, tried):
    fleet.broker(broker.url).group(count=3).write()
    process = tried(fleet.file.name, "--devices", "3", "--ticks", "2", "--json")
    in_trial = sorted((m["device"], strip(m["payload"])) for m in objects(process))
    rows = fleet.run(duration="2s").log.rows("SELECT device_id, payload FROM sends")
    assert in_trial == sorted((device, strip(payload)) for device, payload in rows)
    process = tried(fleet.file.name, "--devices", "4", expect=2)
    assert '--devices: the group "thermometer" has 3 devices' in process.stderr


def strip(payload):
    """A reading without its time: a run connects one device after the other."""
    reading = json.loads(payload)
    reading.pop("uptime_ms")
    return json.dumps(reading)


def test_chart_replaces_messages_and_fits_80_columns(counters, tried):
    process = tried(counters.file.name, "--ticks", "61", "--plot", "n", "--plot", "room.list.0")
    assert process.out[0] == "n"
    assert "room.list.0" in process.out
    assert process.out.count(process.out[-1]) == 2
    assert re.fullmatch(r"min \d+  max \d+  last \d+", process.out[-1])
    marks = process.out[16]
    assert re.search(r"^ +0 +10 s +20 s +30 s +40 s +50 s +1 min$", marks), process.report()
    assert all(len(line) <= 80 for line in process.out)
    # Nothing that only a terminal understands.
    assert "\x1b" not in process.stdout
    assert "61 ticks, 61 messages" in process.stderr


def test_chart_of_several_devices_tells_them_apart(counters, tried):
    process = tried(counters.file.name, "--devices", "3", "--plot", "telemetry:n")
    for letter, device, line in zip("abc", (0, 1, 2), process.out[-3:], strict=True):
        assert re.fullmatch(rf"{letter} counter-0*{device} +min +\d+ +max +\d+ +last +\d+", line)
    many = tried("builtin:thermometer", "--devices", "8", "--plot", "temperature")
    assert "--plot: 2 more lines are not drawn; 6 can be told apart" in many.stderr


def test_json_output_continues_beside_a_chart(counters, tried):
    process = tried(counters.file.name, "--ticks", "3", "--plot", "n", "--json")
    assert len(objects(process)) == 3
    assert re.search(r"^min \d+  max \d+  last \d+$", process.stderr, re.M)


def test_svg_is_one_file_for_light_and_dark(fleet, tried):
    process = tried(
        "builtin:meter", "--for", "1d", "--every", "30m", "--devices", "2",
        "--plot", "kwh", "--plot", "samples.0.watts", "-o", "x.svg",
    )
    assert process.out == [] and "x.svg written" in process.stderr
    text = (fleet.folder / "x.svg").read_text()
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    lines = [path for path in root.iter() if path.get("d", "").count("L") > 20]
    assert len(lines) == 4
    assert "prefers-color-scheme:dark" in text and "try-00001: min 0, max" in text
    assert not re.search(r"(href|src|url\()", text)


def test_unplottable_field_error_names_the_plottable_ones(counters, tried):
    for field, words in (
        ("m", 'no message has m; did you mean "n"?'),
        ("humidity", "no message has humidity; these are numbers: n, room.list.0"),
        ("unit", "unit is no number but a text; these are numbers: n, room.list.0"),
        ("alarm:n", "no message has alarm:n; these are numbers: n, room.list.0"),
    ):
        process = tried(counters.file.name, "--plot", field, "-o", "x.svg", expect=2)
        assert process.err[-1] == f"--plot: {words}", process.report()
    assert not (counters.folder / "x.svg").exists()


def test_unwritable_svg_leaves_no_file(counters, tried):
    process = tried(counters.file.name, "--plot", "n", "-o", "nowhere/x.svg", expect=2)
    assert process.err[-1].startswith("--output: nowhere/x.svg cannot be written: ")
    assert not (counters.folder / "nowhere").exists()


@pytest.mark.parametrize("name", sorted(file.stem for file in EXAMPLES.glob("*.toml")))
def test_example_scenario_payloads_fit_their_schemas(tried, name):
    schema = EXAMPLES / f"{name}.schema.json"
    process = tried(EXAMPLES / f"{name}.toml", "--ticks", "40", "--schema", schema)
    assert re.search(r"^--schema: [1-9]\d* payloads? fits?$", process.stderr, re.M)


def test_payloads_that_violate_the_schema_are_listed(fleet, tried):
    schema = {"required": ["unit"], "properties": {"temperature": {"type": "integer"}}}
    (fleet.folder / "s.json").write_text(json.dumps(schema))
    for option in ("s.json", "telemetry=s.json"):
        process = tried("builtin:thermometer", "--ticks", "2", "--schema", option, expect=1)
        for second in (0, 1):
            at = rf"^ +{second}\.000 s: device try-00000: telemetry: "
            assert re.search(at + r'"unit" is a required property$', process.stderr, re.M)
            assert re.search(
                at + r'temperature: [\d.]+ is not of type "integer"$', process.stderr, re.M
            ), process.report()
        assert "--schema: 2 of 2 payloads do not fit" in process.err
        assert len(process.out) == 2


def test_payload_that_is_not_json_is_validated_as_a_string(counters, tried):
    counters.content["groups"][0]["config"] = {
        "fields": {"n": {"kind": "counter"}},
        "messages": {"telemetry": {"text": "n;{{ n }}"}},
    }
    counters.write()
    for schema, code in (({"pattern": "^n;[0-9]+$"}, 0), ({"type": "object"}, 1)):
        (counters.folder / "s.json").write_text(json.dumps(schema))
        process = tried(counters.file.name, "--ticks", "2", "--schema", "s.json", expect=code)
    assert re.search(r'telemetry: no JSON \(.*\): "n;\d+" is not of type "object"', process.stderr)


def test_schema_that_validated_nothing_is_reported(counters, tried):
    (counters.folder / "s.json").write_text("true")
    process = tried(counters.file.name, "--schema", "telemetry=s.json", "--ticks", "1")
    assert "--schema: 1 payload fits" in process.err
    process = tried(counters.file.name, "--schema", "telemetry=s.json", "--ticks", "0")
    said = "--schema: no message came on telemetry, so that its schema held for none"
    assert said in process.err
    process = tried(counters.file.name, "--schema", "telemtry=s.json", expect=2)
    assert process.err == ['--schema: there is no channel "telemtry"; did you mean "telemetry"?']


def test_costs_are_printed_last(tried):
    process = tried("builtin:thermometer", "--ticks", "100", "--devices", "2", "--every", "1m")
    counts, tick, memory, core = process.err[-4:]
    assert counts.startswith("200 ticks, 200 messages, ")
    time = r"[\d.,]+ (µs|ms)"
    assert re.fullmatch(rf"tick    {time} on average, {time} the median, {time} the first", tick)
    size = r"[\d.]+ ([KM]i)?B"
    assert re.fullmatch(
        rf"memory  {size} a cell with one device, {size} for each further device in it", memory
    )
    assert re.fullmatch(
        r"core    drives [\d,]+ such devices with a tick each 1m, by these ticks alone, without sending",
        core,
    )


def test_costs_are_the_last_line_of_stderr_as_json(tried):
    process = tried("builtin:meter", "--ticks", "20", "--json")
    costs = json.loads(process.err[-1])["costs"]
    assert costs["ticks"] == costs["messages"] == 20
    assert costs["bytes"] == sum(message["size"] for message in objects(process))
    assert costs["tick_us"] > 0 and costs["first_tick_us"] > 0
    assert costs["every_us"] == 1_000_000
    # Two digits, rounded down.
    devices = costs["devices_per_core"]
    assert devices <= 1_000_000 / costs["tick_us"] < devices * 1.11
    # A cell of Rust is some dozen KiB and a device in it less than a tenth of that.
    assert 0 < costs["device_bytes"] * 10 < costs["cell_bytes"] < 8 << 20


def test_one_tick_gives_no_devices_per_core(tried):
    process = tried("builtin:thermometer", "--ticks", "1", "--json")
    assert json.loads(process.err[-1])["costs"]["devices_per_core"] is None


def test_rate_max_reports_ticks_per_core(fleet, tried):
    fleet.broker("mqtt://127.0.0.1:1").group(rate="max").write()
    process = tried(fleet.file.name, "--ticks", "3")
    assert re.fullmatch(
        r"core    [\d,]+ ticks a second, by these ticks alone, without sending", process.err[-1]
    )


def test_retired_device_leaves_others_and_a_trap_ends_the_trial(tried):
    guest = [GUESTS / "rogue.wasm", "--devices", "2", "--ticks", "3", "--json", "--config"]
    process = tried(*guest, '{"does": "retire", "at": 1, "index": 0}')
    assert [message["device"][-1] for message in objects(process)] == ["0", "1", "1", "1"]
    assert "1.000 s: try-00000: the device retired" in process.stderr
    process = tried(*guest, '{"does": "panic", "at": 1, "index": 0}', expect=1)
    assert "1.000 s: device try-00000 (plugin rogue 0.1.0): tick trapped" in process.err[-1]
    assert len(process.out) == 2


FAULTS = {
    "stray": (
        '0.000 s: tick failed: returned a message on channel "elsewhere", which its description does not'
        " name; nothing of this turn was sent (its tick 0)",
        "1 turn is on a channel that is not named",
    ),
    "status": (
        '0.000 s: reported the status "weird", which its description does not list; there are well',
        "1 status is not listed",
    ),
    "fail": ("0.000 s: tick failed: told to fail (its tick 0)", "the only tick failed"),
}


@pytest.mark.parametrize("does", FAULTS)
def test_fault_that_a_run_reports_ends_with_code_1(tried, does):
    config = json.dumps({"does": does})
    process = tried(GUESTS / "rogue.wasm", "--ticks", "1", "--config", config, expect=1)
    said, summed = FAULTS[does]
    assert said in process.stderr, process.report()
    assert "a run would report: " in process.stderr and summed in process.stderr
    assert (process.out == []) == (does != "status")
    # Among other ticks, one that fails is no fault of the plugin.
    process = tried(GUESTS / "rogue.wasm", "--ticks", "2", "--config", config, expect=int(does != "fail"))
    assert "ticks failed" not in process.stderr


def test_channel_of_the_target_is_known(fleet, tried):
    fleet.broker("mqtt://127.0.0.1:1", channels=("telemetry", "elsewhere"))
    fleet.group("rogue", GUESTS / "rogue.wasm", config={"does": "stray"}).write()
    assert len(objects(tried(fleet.file.name, "--ticks", "1", "--json"))) == 2


def test_call_beyond_the_deadline_of_a_run_is_reported(fleet, tried):
    config = {"effort": 1_500_000}
    process = tried(
        GUESTS / "rogue.wasm", "--ticks", "2", "--config", json.dumps(config), expect=1
    )
    assert re.search(r"tick took \S+, and a run stops a call after 100ms \(limits\.deadline\)", process.stderr)
    assert re.search(r"2 calls took longer than the 100ms of a run, \S+ the longest", process.stderr)
    assert len(process.out) == 2
    fleet.broker("mqtt://127.0.0.1:1")
    fleet.group("rogue", GUESTS / "rogue.wasm", config=config, limits={"deadline": "20s"}).write()
    tried(fleet.file.name, "--ticks", "1")


def test_ticks_that_return_nothing_are_hinted_at(tried):
    config = json.dumps({"does": "mute"})
    process = tried(GUESTS / "rogue.wasm", "--ticks", "3", "--config", config)
    assert "hint: all 3 ticks returned no message, status, " in process.stderr


def test_event_that_a_run_would_not_deliver_is_reported(counters, tried):
    process = tried("builtin:thermometer", "--for", "1s", "--send", "command=x", "--link", "0s:lost")
    for said, event in (("receives on command: x", "downlink"), ("connection lost", "link")):
        assert f"{said}; not delivered, since the plugin names no event {event}" in process.stderr
    process = tried(counters.file.name, "--send", "command=x", expect=2)
    assert process.err == ['--send: the target has no downlink channel "command"; there are none']


def test_schema_that_is_none_is_an_error_of_all_commands(fleet, mockfleet, tried):
    file = fleet.folder / "rogue.wasm"
    file.write_bytes((GUESTS / "rogue.wasm").read_bytes().replace(b"object", b"OBJECT"))
    said = "plugin rogue 0.1.0 has a config-schema that is no JSON Schema: "
    assert said in tried(file.name, expect=2).stderr
    assert said in mockfleet("describe", file.name, expect=1).stderr
    fleet.broker("mqtt://127.0.0.1:1").group("rogue", file).write()
    for command in ("check", "try", "bundle"):
        assert said in mockfleet(command, fleet.file.name, expect=2).stderr
    (fleet.folder / "plugin.toml").write_text('name = "rogue"\nversion = "0.1.0"\nbuild = "true"\noutput = "rogue.wasm"\n')
    assert said in mockfleet("build", expect=2).stderr


def test_all_faults_of_a_trial_are_reported_at_once(fleet, tried):
    (fleet.folder / "wrong.json").write_text('{"type": "strnig"}')
    (fleet.folder / "none.json").write_text("{")
    process = tried(
        *("builtin:thermometer", "--for", "x", "--every", "5", "--send", "command"),
        *("--receive", "5:x=y", "--link", "5s", "--plot", "a..b", "-o", "x.png"),
        *("--schema", "wrong.json", "--schema", "none.json", "--schema", "nowhere.json"),
        *("--data", "x", "--data", "x=nowhere.csv", "--group", "g", "--config", '{"bse": 1}'),
        expect=2,
    )
    places = [line.split(":")[0] for line in process.err]
    assert places == [
        *("--for", "--send", "--receive", "--link", "--plot", "--output"),
        *("--schema", "--schema", "--schema"),
        *("--every", "--group", "--data", "--data", "--config"),
    ], process.report()
    for words in (
        "wrong.json is no JSON Schema",
        "none.json is no JSON: EOF",
        "nowhere.json cannot be read",
        '"a..b" has a part without a name',
        'did you mean "base"?',
    ):
        assert words in process.stderr, process.report()
    assert process.out == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--ticks", "5", "--for", "1h"],
        ["--devices", "0"],
        ["-o", "x.svg"],
        ["--every", "0s"],
        ["--schema", "a.json", "--schema", "a.json"],
        ["--schema", "t=a.json", "--schema", "t=a.json"],
        ["--watch"],
    ],
    ids=" ".join,
)
def test_invalid_options_exit_with_code_2(fleet, tried, arguments):
    (fleet.folder / "a.json").write_text("{}")
    process = tried("builtin:thermometer", *arguments, expect=2)
    assert process.err and process.out == []
    assert "panicked" not in process.stderr


@pytest.fixture
def watching(fleet):
    """Starts `mockfleet try … --watch`, which goes on until the test is over."""
    return lambda *arguments: fleet.mockfleet("try", *arguments, "--watch")


def test_watch_retries_when_fleet_file_or_schema_changes(counters, watching):
    (counters.folder / "s.json").write_text("{}")
    process = watching(counters.file.name, "--ticks", "1", "--schema", "s.json")
    process.wait_for_line('"unit":"C"', of="out")
    process.wait_for_line("watching; Ctrl-C ends it")
    counters.content["groups"][0]["config"]["messages"]["telemetry"]["json"]["unit"] = "F"
    counters.write()
    process.wait_for_line('"unit":"F"', of="out")
    (counters.folder / "s.json").write_text('{"required": ["x"]}')
    process.wait_for_line('"x" is a required property')
    counters.file.write_text("[")
    process.wait_for_line("fleet.toml:1: ")
    assert process.is_running()


PROJECT = """
name = "rogue"
version = "0.1.0"
build = "cp src/sensor.wasm sensor.wasm"
output = "sensor.wasm"
watch = ["src"]
"""


def test_watch_rebuilds_a_project_when_its_sources_change(fleet, watching):
    (fleet.folder / "src").mkdir()
    (fleet.folder / "plugin.toml").write_text(PROJECT)
    source = fleet.folder / "src/sensor.wasm"
    shutil.copy(GUESTS / "rogue.wasm", source)
    process = watching(".", "--ticks", "1", "--json")
    process.wait_for_line('"channel":"telemetry"', of="out")
    process.wait_for_line("watching")
    source.write_bytes(b"broken")
    process.wait_for_line("it does not begin with the bytes of WebAssembly")
    shutil.copy(GUESTS / "probes_sandbox.wasm", source)
    process.wait_for_line('here it is "rogue", and the component says "probes_sandbox"')
    # A mistake is no end; and what a build says is no result.
    shutil.copy(GUESTS / "rogue.wasm", source)
    wait_until(lambda: len(process.out) == 2, "another trial")
    assert process.out[0] == process.out[1]


def test_watch_retries_when_the_plugin_file_changes(fleet, watching):
    file = fleet.folder / "sensor.wasm"
    shutil.copy(GUESTS / "rogue.wasm", file)
    process = watching(file.name, "--ticks", "1")
    process.wait_for_line('{"device":"try-00000","tick":0}', of="out")
    process.wait_for_line("watching")
    shutil.copy(GUESTS / "probes_sandbox.wasm", file)
    process.wait_for_line('"tick_us":', of="out")
