"""`mockfleet replay` sends a recording again, unchanged."""

import html
import json
import re
from collections import defaultdict

import pytest

from support.backends.subscriber_recorder import (
    Recorder,
    as_csv,
    as_jsonl,
    as_parquet,
    recorded_run,
)
from support.log import Log

DEVICES, TICKS = 4, 20


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A run with two channels, and the recorder that received it."""
    folder = tmp_path_factory.mktemp("first")
    config = {
        "fields": {"t": {"kind": "normal", "mean": 20, "deviation": 2, "decimals": 2}},
        "messages": {
            "telemetry": {"json": {"seq": "{{ sequence }}", "t": "{{ t }}"}},
            "alarm": {"json": {"alarm": "{{ sequence }}"}},
        },
    }
    group = {"count": DEVICES, "every": "100ms", "config": config}
    with recorded_run(folder, channels=("telemetry", "alarm"), **group) as (_, run, recorder):
        yield run, recorder


@pytest.fixture
def replay(first, fleet, mockfleet):
    """Runs `mockfleet replay`, and returns its summary."""
    fleet.environment |= {"FIRST": str(first[0].store)}

    def run(recorded, *arguments, expect=0):
        process = mockfleet("replay", recorded, "--json", *arguments, expect=expect)
        if expect == 2:
            assert process.stdout == ""
            return process.stderr
        return json.loads(process.out[-1])

    return run


def by_device(recorder):
    """The topics and payloads of each device, in order."""
    found = defaultdict(list)
    for row in recorder.rows():
        found[row["device"]].append((row["topic"], row["payload"]))
    return dict(found)


def said(recorder):
    """The same by what payloads say."""
    devices = by_device(recorder)
    return {
        device: [(topic, json.loads(payload)) for topic, payload in messages]
        for device, messages in devices.items()
    }


def listen(broker, closing):
    return closing(Recorder(broker))


def test_replay_delivers_the_same_messages_in_the_same_order(first, replay, fleet, broker, closing):
    run, recorder = first
    again = listen(broker, closing)
    summary = replay(run.store, "--to", broker.url, "--speed", "4")
    assert summary["acked"] == run.counted("acked")
    again.wait_for(summary["acked"])
    assert by_device(again) == by_device(recorder)
    log = Log(fleet.folder / "mockfleet-logs", run=summary["run"])
    log.assert_sound()
    assert log.count() == summary["messages"] == run.counted()
    columns = '"group", device_id, plugin, channel, topic, payload'
    order = f"SELECT {columns} FROM sends ORDER BY device_id, seq"
    assert log.rows(order) == run.log.rows(order)
    events = log.events("connected")
    assert len(events) == DEVICES


def test_report_of_a_replay_shows_its_command(first, replay, fleet, broker):
    run, _ = first
    login = ["--set", "targets.replay.username=me", "--set", "targets.replay.password=secret"]
    replay(run.store, "--to", broker.url, "--device", "meter-0000[12]", "--speed", "max", *login)
    report = fleet.mockfleet("report", "mockfleet-logs", "-o", "report.html")
    assert report.finish() == 0, report.report()
    page = (fleet.folder / "report.html").read_text()
    shown = f"mockfleet replay {run.store} --json --to {broker.url} --device 'meter-0000[12]'"
    assert shown in html.unescape(page) and "secret" not in page
    assert "targets.replay.password=***" in page
    assert re.search(r'class="verdict good">passed<', page)


def test_gaps_between_messages_are_divided_by_the_speed(first, replay, fleet, broker):
    run, _ = first
    summary = replay(run.store, "--to", broker.url, "--speed", "10")
    log = Log(fleet.folder / "mockfleet-logs", run=summary["run"])
    since = "SELECT device_id, seq, epoch_us(scheduled_at) - (SELECT min(epoch_us(scheduled_at)) FROM sends) FROM sends ORDER BY 1, 2"
    then, now = run.log.rows(since), log.rows(since)
    assert [row[:2] for row in then] == [row[:2] for row in now]
    assert all(abs(a[2] / 10 - b[2]) <= 1 for a, b in zip(then, now, strict=True))


def test_replay_with_a_fleet_file_can_be_verified(first, replay, fleet, broker, closing):
    run, _ = first
    again = listen(broker, closing)
    fleet.broker(broker.url, qos=0, connections=1, channels=("telemetry", "alarm"))
    fleet.broker("mqtt://127.0.0.1:1", name="other").group().write()
    arguments = ["--to", "fleet.toml#broker", "--speed", "max", "--channel", "telemetry"]
    summary = replay(run.store, *arguments)
    assert summary["sent"] == summary["messages"] == DEVICES * TICKS
    again.wait_for(summary["sent"])
    as_csv(again.rows(), fleet.folder / "got.csv")
    process = fleet.mockfleet("verify", "logs", "--received", "got.csv")
    assert process.finish() == 0, process.report()
    assert "check missing == 0         passed (0 of 80)" in process.stdout
    assert "has the targets broker, other" in replay(run.store, "--to", "fleet.toml", expect=2)
    refused = replay(run.store, "--to", "fleet.toml#nowhere", expect=2)
    assert 'no target "nowhere"; it has broker, other' in refused


def test_replay_selects_devices_channels_times_and_outcomes(first, replay, broker, closing):
    run, _ = first
    again = listen(broker, closing)
    (middle,) = run.log.column("SELECT strftime(min(scheduled_at) + INTERVAL 1 second, '%Y-%m-%dT%H:%M:%S.%fZ') FROM sends")
    wanted = f"device_id IN ('meter-00001', 'meter-00002') AND channel = 'telemetry' AND scheduled_at >= '{middle}'"
    arguments = ["--device", "meter-0000[12]", "--channel", "telemetry", "--from", middle]
    summary = replay(run.store, "--to", broker.url, "--speed", "max", *arguments)
    assert summary["acked"] == run.log.count(wanted) > 0
    again.wait_for(summary["acked"])
    assert set(by_device(again)) == {"meter-00001", "meter-00002"}
    none = replay(run.store, "--to", broker.url, "--outcome", "failed", expect=2)
    assert "none of its" in none and "--outcome" in none


@pytest.mark.parametrize(
    ("write", "name"), [(as_jsonl, "got.jsonl"), (as_csv, "got.csv"), (as_parquet, "got.parquet")]
)
def test_backend_recording_is_replayed(first, replay, fleet, broker, closing, write, name):
    _, recorder = first
    again = listen(broker, closing)
    write(recorder.rows(), fleet.folder / name)
    summary = replay(name, "--to", broker.url, "--speed", "max")
    again.wait_for(summary["acked"])
    assert said(again) == said(recorder)
    if write is not as_jsonl:
        # There, a payload is an object, and as it stands in the line.
        assert by_device(again) == by_device(recorder)


def test_http_replay_sends_the_same_paths_and_bodies(first, replay, fleet, serve):
    run, _ = first
    server = serve()
    channels = {
        "telemetry": {"path": "/{device}/t"},
        "alarm": {"path": "/{device}/a", "method": "PUT"},
    }
    fleet.server(server.url, channels=channels).group().write()
    refused = replay(run.store, "--to", "fleet.toml", "--speed", "max", expect=2)
    assert "sent over MQTT, and targets.server speaks HTTP; --topics target" in refused
    arguments = ["--topics", "target", "--log", "over-http"]
    summary = replay(run.store, "--to", "fleet.toml", "--speed", "max", *arguments)
    assert summary["acked"] == run.counted()
    once = list(server.requests)
    server.requests.clear()
    summary = replay("over-http", "--to", server.url, "--speed", "max")
    assert summary["acked"] == run.counted()

    def seen(requests):
        devices = defaultdict(list)
        for request in requests:
            devices[request.path.split("/")[1]].append((request.method, request.path, request.body))
        return devices

    assert seen(server.requests) == seen(once)


def test_invalid_recording_is_refused_before_anything_is_sent(
    first, replay, fleet, broker, closing
):
    run, recorder = first
    again = listen(broker, closing)
    rows = recorder.rows()
    refused = []

    def refuse(recorded, *arguments):
        to = [] if "--to" in arguments else ["--to", broker.url]
        refused.append(replay(recorded, *to, *arguments, expect=2))
        return refused[-1]

    rows[3], rows[30] = rows[30], rows[3]
    as_csv(rows, fleet.folder / "mixed.csv")
    said = refuse("mixed.csv")
    assert "mixed.csv:6: this row is earlier than the one before it (mixed.csv:5)" in said
    assert "--sort" in said
    said = refuse("mixed.csv", "--columns", "device=thing,tiem=received_at")
    assert 'no column "thing"' in said and '"tiem" is nothing that a column can be; did you mean "time"?' in said
    (fleet.folder / "bare.csv").write_text("a,b\n1,2\n")
    said = refuse("bare.csv")
    assert "known to be the device; name it with --columns device=COLUMN. It has a, b" in said
    assert "known to be the payload" in said
    (fleet.folder / "bad.csv").write_text("device,time,payload\nd,soon,x\n,2026-01-01T00:00:00Z,x\n")
    said = refuse("bad.csv")
    assert 'bad.csv:2: column "time" is no moment here' in said
    assert 'bad.csv:3: column "device" names no device here' in said
    (fleet.folder / "plus.csv").write_text("device,time,payload\n+,2026-01-01T00:00:00Z,x\n")
    said = refuse("plus.csv")
    assert 'plus.csv:2: the recording has device "+", which is part of the topic' in said
    path = "device,time,payload,topic\nd,2026-01-01T00:00:00Z,x,POST /a/../b\n"
    (fleet.folder / "path.csv").write_text(path)
    said = refuse("path.csv", "--to", "http://127.0.0.1:1")
    assert 'path.csv:2: no message can be sent to "/a/../b": a URL leaves out segments' in said
    assert "cannot be read" in refuse("nothing.csv")
    assert "has no run" in refuse(run.store, "--run", "01M8835DCGFEHSEP2HFFMX1S1Y")
    assert again.messages == []
    summary = replay("mixed.csv", "--to", broker.url, "--sort", "--speed", "max")
    assert summary["acked"] == len(rows)


def test_log_without_payloads_cannot_be_replayed(fleet, broker, replay):
    fleet.broker(broker.url, qos=1).group(count=2, every="100ms").set(log={"payload": "hash"})
    fleet.run(duration="500ms")
    refused = replay("logs", "--to", broker.url, expect=2)
    assert 'only a log with payload = "full" in [log] can be sent again' in refused


def test_ctrl_c_ends_a_replay_with_a_complete_log(first, replay, fleet, broker):
    run, _ = first
    process = fleet.mockfleet("replay", run.store, "--to", broker.url, "--speed", "0.01", "--json")
    process.wait_for_line('"messages":[1-9]', of="out")
    process.interrupt()
    assert process.finish() == 130, process.report()
    summary = json.loads(process.out[-1])
    log = Log(fleet.folder / "mockfleet-logs", run=summary["run"])
    log.assert_sound()
    assert 0 < log.count() == summary["messages"] < run.counted()
