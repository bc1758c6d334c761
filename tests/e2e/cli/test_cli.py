"""The output of the commands, for people and for machines."""

import contextlib
import fcntl
import json
import os
import re
import struct
import subprocess
import termios

import pytest

from support.fleet import BINARY, PLUGINS
from support.wait import PATIENCE


@pytest.fixture
def printed(mockfleet):
    """Runs a command that must succeed; returns its stdout and stderr."""

    def streams(*arguments):
        process = mockfleet(*arguments)
        return process.stdout, process.stderr

    return streams


@pytest.mark.parametrize("command", ["demo", "run", "check", "estimate", "describe", "try", "new", "build", "cache", "logs"])
def test_every_command_has_help(printed, command):
    everything, _ = printed("--help")
    assert re.search(rf"^  {command} ", everything, re.MULTILINE)
    assert "Exit codes: 0 done, 1 the run failed" in everything
    help, _ = printed(command, "--help")
    assert f"Usage: mockfleet {command}" in help
    short, _ = printed(command, "-h")
    assert f"Usage: mockfleet {command}" in short


def test_version_is_printed(printed):
    assert printed("--version")[0] == "mockfleet 0.1.0"


def test_closed_pipe_is_not_an_error():
    """A reader such as `head` may close the pipe after the first bytes."""
    # The first use of a built-in plugin on a machine reports that it is compiled.
    subprocess.run([BINARY, "schema"], check=True, capture_output=True, timeout=PATIENCE)
    command = ["sh", "-c", '"$1" schema | head -c 20', "sh", BINARY]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert (len(ended.stdout), ended.stderr) == (20, "")


@pytest.mark.parametrize("by", ["option", "variable"])
def test_log_events_go_to_standard_error(fleet, broker, by):
    fleet.broker(broker.url).group()
    fleet.write()
    arguments = ["check", "fleet.toml"]
    if by == "option":
        arguments.append("--log-level=debug")
    else:
        fleet.environment["MOCKFLEET_LOG"] = "mockfleet=debug"
    process = fleet.mockfleet(*arguments)
    assert process.finish() == 0
    assert process.out == ["fleet.toml: good: 10 devices in 1 group"]
    assert any("DEBUG mockfleet::cli" in line for line in process.err), process.err


def test_unknown_log_level_is_refused_with_the_levels(mockfleet, fleet):
    process = mockfleet("check", "fleet.toml", "--log-level=loud", expect=2)
    assert "possible values: off, error, warn, info, debug, trace" in process.stderr
    fleet.environment["MOCKFLEET_LOG"] = "mockfleet=loud"
    process = mockfleet("check", "fleet.toml", expect=2)
    assert process.stderr.startswith("MOCKFLEET_LOG: ")
    assert "give off, error, warn, info, debug or trace" in process.stderr


@pytest.mark.smoke
def test_check_accepts_a_good_file_and_sends_nothing(printed, fleet, broker):
    fleet.broker(broker.url).group(count=1200).group("other", "builtin:meter", count=34)
    fleet.write()
    out, err = printed("check", "fleet.toml")
    assert out == "fleet.toml: good: 1,234 devices in 2 groups"
    assert err == ""
    assert broker.clients() == []
    assert not fleet.store.exists(), "nothing is left behind"


def test_check_takes_many_files_and_reports_the_faults_of_each(fleet, broker):
    fleet.broker(broker.url).group()
    fleet.write()
    good = fleet.file.read_text()
    (fleet.folder / "first.toml").write_text(good.replace("count", "cuont"))
    (fleet.folder / "second.toml").write_text(good.replace("builtin:", "nowhere/"))
    process = fleet.mockfleet("check", "first.toml", "fleet.toml", "second.toml")
    assert process.finish() == 2
    assert process.out == ["fleet.toml: good: 10 devices in 1 group"]
    assert any(re.match(r"first\.toml:\d+: .*cuont", line) for line in process.err)
    assert any(re.match(r"second\.toml:\d+: .*nowhere/", line) for line in process.err)


@pytest.mark.parametrize("plugin", ["thermometer", "vehicle", "meter"])
@pytest.mark.parametrize("place", ["builtin", "file"])
def test_describe_prints_name_version_and_config_of_a_plugin(printed, plugin, place):
    name = f"builtin:{plugin}" if place == "builtin" else PLUGINS / f"dist/{plugin}.wasm"
    text, _ = printed("describe", name)
    assert text.startswith(f"{plugin} 0.1.0: ")
    about = json.loads(printed("describe", name, "--json")[0])
    assert about["name"] == plugin and about["version"] == "0.1.0"
    assert "telemetry" in about["channels"]
    assert about["interests"] == (["downlink"] if plugin == "vehicle" else [])
    for channel in about["channels"]:
        assert re.search(rf"^channels .*\b{channel}\b", text, re.MULTILINE)
    for status in about["statuses"]:
        assert re.search(rf"^statuses .*\b{status}\b", text, re.MULTILINE)
    for key, setting in about["config_schema"]["properties"].items():
        assert setting["description"]
        assert re.search(rf"^  {key} ", text, re.MULTILINE)


def test_try_prints_messages_on_a_virtual_clock(printed):
    # An hour in no time.
    out, err = printed(
        "try", "builtin:thermometer", "--ticks", "5", "--every", "15m", "--seed", "7"
    )
    lines = out.splitlines()
    assert len(lines) == 5
    for number, line in enumerate(lines):
        moment, payload = re.fullmatch(r" *([\d.]+) s +telemetry +\d+ B +(\{.*\})", line).groups()
        assert float(moment) == number * 900
        assert json.loads(payload)["uptime_ms"] == number * 900_000
    assert "status ok" in err
    assert "5 ticks, 5 messages" in err


def test_try_is_reproducible_by_seed_and_takes_settings(printed):
    def tried(*arguments):
        out, _ = printed("try", "builtin:thermometer", "--json", *arguments)
        return [json.loads(line) for line in out.splitlines()]

    first = tried("--seed", "1")
    assert len(first) == 10
    assert first == tried("--seed", "1")
    assert first != tried("--seed", "2")
    cold = tried("--config", '{"base": -40.0, "drift": 0.0}')
    assert {json.loads(message["payload"])["temperature"] for message in cold} == {-40.0}
    assert all(message["size"] == len(message["payload"]) for message in cold)


@pytest.mark.smoke
def test_run_prints_summary_to_stdout_and_progress_to_stderr(fleet, broker):
    fleet.broker(broker.url, qos=1).group(count=5, every="200ms")
    fleet.write()
    process = fleet.mockfleet("run", "fleet.toml", "--duration", "1s")
    assert process.finish() == 0, process.report()
    said = process.stdout
    for question in (
        "Did everything arrive?   yes: the backend confirmed all 25 messages",
        "Was the schedule kept?   ",
        "Bottleneck               ",
        "Where is the log?        logs: 25 rows in sends",
        "First query              duckdb -c ",
    ):
        assert question in said
    assert "\x1b" not in said, "no colours where there is no terminal"


def test_json_output_is_one_object_a_line_with_the_summary_last(fleet, broker):
    fleet.broker(broker.url, qos=1).group(count=5, every="200ms")
    run = fleet.run(duration="3s")
    assert len(run.progress) >= 2
    assert {moment["event"] for moment in run.progress} == {"progress"}
    asked = (
        "devices messages acked sent failed dropped unconfirmed missed_ticks cell_restarts "
        "lag_us latency_us rows log seconds"
    )
    assert set(asked.split()) <= run.summary.keys()
    for spread in ("lag_us", "latency_us"):
        figures = run.summary[spread]
        assert 0 < figures["p50"] <= figures["p99"] <= figures["max"]
    summary = run.summary
    parts = ("acked", "sent", "failed", "dropped", "unconfirmed")
    assert sum(summary[part] for part in parts) == summary["messages"] == summary["rows"] == 75
    assert summary["devices"] == 5
    assert summary["log"] == "logs"
    assert summary["seconds"] >= 3


def test_option_set_overrides_the_fleet_file(fleet, broker, tmp_path):
    fleet.broker("mqtt://127.0.0.1:1", qos=0).group(count=1, every="1h")
    changes = {
        "targets.broker.url": broker.url,
        "targets.broker.qos": "1",
        "targets.broker.channels.telemetry.topic": "set/{device}",
        "groups.thermometer.count": "4",
        "groups.thermometer.every": "250ms",
        "groups.thermometer.config.base": "-40.0",
        "groups.thermometer.config.drift": "0.0",
        "log.payload": "70B",
    }
    arguments = [f"--set={key}={value}" for key, value in changes.items()]
    fleet.store = tmp_path / "elsewhere"
    run = fleet.run(*arguments, "--log", fleet.store, "--seed", "9", duration="1s")
    assert run.log.outcomes() == {"acked": 16}
    assert run.log.count("topic = 'set/' || device_id") == 16
    assert run.log.count("payload LIKE '%\"temperature\":-40.0%' AND strlen(payload) = 70") == 16


def test_terminal_shows_a_live_block(fleet, broker):
    fleet.broker(broker.url, qos=1).group(count=5, every="200ms")
    fleet.write()
    terminal, end = os.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    run = subprocess.Popen(
        [BINARY, "run", "fleet.toml", "--duration", "2s"],
        cwd=fleet.folder,
        env=fleet.environment | {"TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=end,
    )
    os.close(end)
    shown = b""
    # The other end is closed: an error to Linux.
    with contextlib.suppress(OSError):
        while chunk := os.read(terminal, 65536):
            shown += chunk
    os.close(terminal)
    said, _ = run.communicate()
    assert run.returncode == 0
    for row in (
        b"devices   5 of 5 on, 5 connected",
        b"messages  ",
        b"lag       p99 ",
        b"log       ",
    ):
        assert row in shown
    assert b"Did everything arrive?" in said
