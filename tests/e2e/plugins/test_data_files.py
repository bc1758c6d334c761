"""Generators and `mockfleet replay` read data files alike."""

import json

import pytest

from support.log import Log

START = "2026-06-01T00:00:00Z"

#: The same rows: 21.5, a second later 19.0, and two seconds later 20.25.
FILES = {
    "comma.csv": "device,time,payload\nd-1,2020-11-08T10:02:05Z,21.5\n"
    "d-1,2020-11-08T10:02:06Z,19.0\nd-1,2020-11-08T10:02:08Z,20.25\n",
    "semicolon.csv": "\ufefftime;device;payload\r\n2020-11-08 12:02:05+02;d-1;21.5\r\n"
    "2020-11-08 12:02:06+02;d-1;19.0\r\n2020-11-08 12:02:08+02;d-1;20.25\r\n",
    "epoch.csv": "time\tdevice\tpayload\n1604829725000\td-1\t21.5\n"
    "1604829726000\td-1\t19.0\n1604829728,0\td-1\t20.25\n",
    "lines.jsonl": '{"time":1604829725,"device":"d-1","payload":21.5}\n\n'
    '{"time":1604829726.0,"device":"d-1","payload":19.0}\n'
    '{"time":"2020-11-08 10:02:08","device":"d-1","payload":20.25}\n',
    "list.json": '[\n {"time": 1604829725000, "device": "d-1", "payload": 21.5},\n'
    ' {"payload": 19.0, "time": 1604829726000, "device": "d-1"},'
    '{"time":"2020-11-08 12:02:08 +0200","device":"d-1","payload":20.25}]\n',
}


def values(log):
    """Seconds since the first message, and payloads."""
    first = "(SELECT min(epoch_us(scheduled_at)) FROM sends)"
    query = f"SELECT (epoch_us(scheduled_at) - {first}) / 1e6, payload FROM sends ORDER BY seq"
    return log.rows(query)


def generator(fleet, broker, name, **settings):
    """A device that sends the values of a file, a second a tick."""
    field = {
        "kind": "replay",
        "file": "f",
        "column": "payload",
        "end": "stop",
    } | settings
    config = {"fields": {"v": field}, "messages": {"telemetry": {"json": "{{ v }}"}}}
    fleet.broker(broker.url, qos=1).set(clock={"start": START, "speed": "max"})
    group = {"count": 1, "every": "1s", "start": "together", "data": {"f": name}}
    return fleet.group("device", "builtin:scenario", config=config, **group)


@pytest.mark.parametrize("name", FILES)
def test_replay_and_a_generator_read_the_same_values(fleet, broker, mockfleet, name):
    (fleet.folder / name).write_bytes(FILES[name].encode())
    run = generator(fleet, broker, name, time="time").run(duration="4s")
    held = [(0, "21.5"), (1, "19.0"), (2, "19.0"), (3, "20.25")]
    assert values(run.log) == held
    process = mockfleet("replay", name, "--json", "--to", broker.url, "--log", "second")
    replayed = values(
        Log(fleet.folder / "second", run=json.loads(process.out[-1])["run"])
    )
    assert replayed == [held[0], held[1], held[3]]


def test_decimal_commas_are_numbers_or_refused(fleet, broker):
    name = "rain.csv"
    (fleet.folder / name).write_text("zeit;payload\n0;21,5\n1;19\n")
    run = generator(fleet, broker, name).run(duration="2s")
    assert [payload for _, payload in values(run.log)] == ["21.5", "19.0"]
    (fleet.folder / name).write_text('zeit,payload\n0,"21,5"\n1,19\n')
    process = fleet.mockfleet("check", "fleet.toml")
    assert process.finish() == 2, process.report()
    said = 'f:2:3: "21,5" has a comma, and so has the delimiter of this file: write 21.5'
    assert any(said in line for line in process.err), process.report()


@pytest.mark.parametrize(
    ("content", "of_generator", "of_replay"),
    [
        (
            b'{"time":0,"device":"d","payload":1}\n{"time":1,"device":"d","payload":NaN}\n',
            "f:2:34: NaN is no JSON",
            "data:2: NaN is no JSON",
        ),
        (
            b"2026-01-01T00:00:00Z,d,1\n2026-01-01T00:00:01Z,d,2\n",
            'has no column "payload"; there are 2026-01-01T00:00:00Z, d, 1, since the first line has values instead of names',
            "data: its first line has values instead of names; write the names of the columns above it",
        ),
        (
            "time,device,payload\n0,d,1\n".encode("utf-16"),
            "this is UTF-16 (its first bytes are FF FE), and a data file is UTF-8; iconv -f utf-16 -t utf-8",
            "this is UTF-16 (its first bytes are FF FE), and a data file is UTF-8; iconv -f utf-16 -t utf-8",
        ),
        (
            "time,device,payload\n0,d,1\n".encode("utf-16-le"),
            "iconv -f utf-16le -t utf-8",
            "iconv -f utf-16le -t utf-8",
        ),
    ],
    ids=["nan", "no header", "utf-16", "utf-16 without a mark"],
)
def test_file_that_cannot_be_read_is_refused_with_the_way_out(
    fleet, broker, mockfleet, content, of_generator, of_replay
):
    (fleet.folder / "data").write_bytes(content)
    generator(fleet, broker, "data").write()
    process = fleet.mockfleet("check", "fleet.toml")
    assert process.finish() == 2, process.report()
    assert of_generator in process.stderr
    assert of_replay in mockfleet("replay", "data", "--to", broker.url, expect=2).stderr
