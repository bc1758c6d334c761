"""Faults in the input are reported before anything is sent.

Exit code 2, and for each fault one message with its place and the way out.
"""

import re

import pytest

from support.backends.server import Server
from support.fleet import GUESTS
from support.invalid_configs import FAULTS, GOOD
from support.wait import free_port


@pytest.fixture(scope="module")
def backend():
    """A server in the broker's place that counts connections."""
    server = Server()
    yield server
    server.close()


@pytest.fixture
def run_bad(fleet, backend):
    """Runs and checks a fleet file that must be refused; returns its sentences."""
    write_plugins(fleet.folder)

    def sentences(text, *arguments, command="run"):
        text = text.replace("@URL@", backend.url.replace("http", "mqtt"))
        fleet.file.write_text(text.replace("@GUESTS@", str(GUESTS)))
        before = backend.connections
        process = fleet.mockfleet(command, "fleet.toml", *arguments)
        assert process.finish() == 2, process.report()
        assert process.out == [], "nothing on stdout"
        assert backend.connections == before, "nobody connected"
        assert "panicked" not in process.stderr
        return process.err

    return sentences


def write_plugins(folder):
    """Files that are no plugins."""
    (folder / "a-file").write_text("in the way of a folder")
    (folder / "text.wasm").write_text("this is no WebAssembly")
    (folder / "module.wasm").write_bytes(b"\0asm\1\0\0\0")
    (folder / "damaged.wasm").write_bytes(b"\0asm\x0d\0\1\0" + b"\xff" * 20)
    (folder / "stranger.wasm").write_bytes(b"\0asm\x0d\0\1\0")
    (folder / "imports.wasm").write_bytes(component_with_import())


def component_with_import():
    """A component that imports WASI's HTTP, and exports that as if it were a behaviour."""

    def section(number, content):
        return bytes([number, len(content)]) + content

    def name(text):
        return b"\0" + bytes([len(text)]) + text.encode()

    an_instance_with_nothing = section(7, b"\1\x42\0")
    imports = section(10, b"\1" + name("wasi:http/outgoing-handler@0.2.0") + b"\5\0")
    exports = section(11, b"\1" + name("mockfleet:device/behaviour@0.1.0") + b"\5\0\0")
    return b"\0asm\x0d\0\1\0" + an_instance_with_nothing + imports + exports


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_reported_with_its_line_before_anything_is_sent(run_bad, fault, command):
    sentences = run_bad(fault.text(), command=command)
    place = f"fleet.toml:{fault.line()}: "
    named = [line for line in sentences if line.startswith(place)]
    assert named, (place, sentences)
    assert any(re.search(fault.says, line) for line in named), (fault.says, sentences)
    assert "hunter2" not in "\n".join(sentences)


def with_group(name, plugin, more=""):
    """The good file with a second group, which begins on line 18."""
    group = f'[[groups]]\nname = "{name}"\nplugin = "{plugin}"\ncount = 1\nevery = "1s"\n{more}\n'
    return GOOD.replace("[log]", f"{group}[log]")


def test_one_fault_gives_one_message(run_bad):
    assert len(run_bad(GOOD.replace("count = 3", "count = 0"))) == 1
    assert len(run_bad(GOOD.replace("builtin:", "nowhere/"))) == 1


@pytest.mark.smoke
def test_all_faults_of_a_file_are_reported_at_once(run_bad):
    faults = {
        'name = "test"': "name = 7",
        "qos = 1": "qos = 3",
        "{device}": "{devise}",
        "count = 3": "count = 0",
        "every =": "evry =",
        'store = "logs"': 'store = "logs"\npayload = "half"',
    }
    text = GOOD
    for old, new in faults.items():
        text = text.replace(old, new)
    sentences = run_bad(text)
    lines = [1, 6, 9, 14, 15, 20]
    for number in lines:
        assert any(s.startswith(f"fleet.toml:{number}: ") for s in sentences), (number, sentences)


# What only loading the plugin and opening the store can find out.
DEEPER = (
    with_group("gone", "nowhere.wasm")
    .replace('store = "logs"', 'store = "a-file/logs"')
    .replace("base = 20.0", "base = 5000.0")
)


def test_faults_of_plugin_config_and_store_are_reported_at_once(run_bad):
    sentences = run_bad(DEEPER)
    for word in ("nowhere.wasm", "5000", "a-file"):
        assert any(word in sentence for sentence in sentences), (word, sentences)


def test_misspelled_key_hides_no_other_fault(run_bad):
    """The faults of plugins, settings and the store are reported too."""
    sentences = run_bad(DEEPER.replace("qos = 1", "quos = 1"))
    for word in ("quos", "nowhere.wasm", "5000", "a-file"):
        assert any(word in sentence for sentence in sentences), (word, sentences)


def test_numbers_of_the_environment_are_read_and_never_shown(run_bad, fleet, broker):
    text = GOOD.replace("count = 3", 'count = "${DEVICES}"').replace("20.0", '"${BASE}"')
    text = text.replace("qos = 1", 'qos = "${QOS}"').replace("100ms", "${EVERY}")
    fleet.environment |= {"DEVICES": "3", "BASE": "21.5", "QOS": "1", "EVERY": "100ms"}
    fleet.file.write_text(text.replace("@URL@", broker.url))
    process = fleet.mockfleet("check", "fleet.toml")
    assert process.finish() == 0, process.report()
    assert process.out == ["fleet.toml: good: 3 devices in 1 group"]
    fleet.environment |= {"DEVICES": "0", "BASE": "warmish", "QOS": "9", "EVERY": "77"}
    sentences = run_bad(text, command="check")
    assert sentences == [
        "fleet.toml:6: qos in [targets.broker]: ${QOS} is no QoS; it is 0, 1 or 2",
        "fleet.toml:14: count in [[groups]]: ${DEVICES} is out of range; it lies between 1 and 10000000",
        'fleet.toml:15: every in [[groups]]: "${EVERY}" is not understood; a duration is a number with a unit, such as "500ms", "10s" or "1h30m" (us, ms, s, m, h, d)',
    ]
    fleet.environment |= {"DEVICES": "3", "QOS": "1", "EVERY": "100ms"}
    (sentence,) = run_bad(text, command="check")
    assert sentence == (
        'fleet.toml:16: config.base of group "thermometer": "${BASE}" is not of type "number"'
        " (see `mockfleet describe` of its plugin thermometer 0.1.0)"
    )


def test_duplicate_group_names_are_refused(run_bad):
    sentences = run_bad(with_group("thermometer", "builtin:meter"))
    assert any(re.search(r'fleet\.toml:1[89]: .*"thermometer"', s) for s in sentences), sentences


def test_duplicate_device_ids_are_refused(run_bad):
    same = 'device-id = "d-{index}"'
    text = with_group("other", "builtin:thermometer", same)
    sentences = run_bad(text.replace("count = 3", f"count = 3\n{same}"))
    assert any('"d-0"' in sentence for sentence in sentences), sentences


def test_group_must_name_one_of_several_targets(run_bad):
    text = (
        GOOD + '\n[targets.api]\nurl = "http://127.0.0.1:1"\nchannels.telemetry = { path = "/" }\n'
    )
    (sentence,) = run_bad(text)
    assert re.match(r"fleet\.toml:11: .*target", sentence)


def test_unusable_certificates_are_refused(run_bad, authority, fleet):
    text = GOOD.replace("@URL@", f"mqtts://127.0.0.1:{free_port()}")
    (fleet.folder / "no.pem").write_text("no certificate")
    for tls, said in {
        '{ ca = "nowhere.pem" }': r"nowhere\.pem cannot be read",
        '{ ca = "no.pem" }': r"no\.pem",
        f'{{ cert = "{authority.client().cert}" }}': r'"key"',
    }.items():
        sentences = run_bad(text.replace("qos = 1", f"tls = {tls}"))
        assert any(re.match(rf"fleet\.toml:6: .*{said}", s) for s in sentences), sentences


def test_fleet_without_groups_or_targets_is_refused(run_bad):
    sentences = run_bad('name = "empty"\n')
    assert any("[targets.broker]" in sentence for sentence in sentences), sentences
    assert any("[[groups]]" in sentence for sentence in sentences), sentences


def test_low_open_file_limit_is_reported_with_the_needed_number(fleet, backend):
    fleet.broker(backend.url.replace("http", "mqtt")).group(count=300)
    fleet.write()
    process = fleet.mockfleet("run", "fleet.toml", limit_files=200)
    assert process.finish() == 2, process.report()
    assert re.search(r"300 connections need 400 open files.* 200;.*ulimit -n 400", process.stderr)


def test_open_file_limit_is_raised_where_the_system_allows(fleet, broker):
    fleet.broker(broker.url, qos=1).group(count=300)
    fleet.write()
    process = fleet.start("--duration", "1s", limit_files=200, limit_files_hard=1000)
    run = fleet.end(process)
    assert run.log.outcomes() == {"acked": 300}


@pytest.mark.parametrize(
    ("arguments", "place", "says"),
    [
        (["--duration", "5"], "--duration", "duration"),
        (["--set", "groups.thermometer.count=0"], "--set groups.thermometer.count", "out of range"),
        (["--set", "groups.thermometer.cuont=5"], "--set groups.thermometer.cuont", '"count"'),
        (["--set", "groups.barometer.count=5"], "--set groups.barometer.count", "thermometer"),
        (["--set", "targets.borker.qos=1"], "--set targets.borker.qos", "broker"),
        (["--set", "targets.broker.url=amqp://x"], "--set targets.broker.url", "amqp"),
        (["--set", "duration"], "--set duration", "key=value"),
        (["--log", "gs://bucket"], "--log", "gs"),
        (["--set", "groups.thermometer.count=\"5\""], "--set groups.thermometer.count", "5 without"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_fault_in_an_option_is_reported_with_the_option(run_bad, arguments, place, says):
    (sentence,) = run_bad(GOOD, *arguments)
    assert sentence.startswith(f"{place}: ") and says in sentence, sentence


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["run"],
        ["run", "fleet.toml", "--fast"],
        ["run", "fleet.toml", "--workers", "0"],
        ["run", "fleet.toml", "--seed", "many"],
        ["run", "nowhere.toml"],
        ["check"],
        ["check", "nowhere.toml"],
        ["describe", "nowhere.wasm"],
        ["try", "nowhere.wasm"],
        ["try", "builtin:toaster"],
        ["try", "builtin:thermometer", "--config", "{"],
        ["try", "builtin:thermometer", "--config", '{"base": "warm"}'],
        ["try", "builtin:thermometer", "--config", '{"size": 1}'],
        ["try", "builtin:thermometer", "--every", "5"],
        ["demo", "--devices", "0"],
        ["demo", "--duration", "5"],
    ],
    ids=" ".join,
)
def test_invalid_arguments_exit_with_code_2_and_a_reason(fleet, arguments):
    process = fleet.mockfleet(*arguments)
    assert process.finish() == 2, process.report()
    assert process.err and process.out == []
    assert "panicked" not in process.stderr
