"""`mockfleet demo` runs with nothing installed or configured."""

import re

import duckdb
import pytest

from support.log import Log


@pytest.fixture
def demo(mockfleet):
    """Runs the demo and returns its stdout."""
    return lambda *arguments: mockfleet("demo", *arguments).stdout


def test_demo_writes_a_row_for_every_message_of_its_broker(demo, fleet):
    said = demo("--devices", "50", "--duration", "2s")
    log = Log(fleet.folder / "mockfleet-logs")
    rows = log.count()
    assert 95 <= rows <= 100
    assert log.outcomes() == {"acked": rows}
    assert f"50 devices, {rows} messages in " in said
    assert re.search(rf"^The broker counted +{rows} messages received$", said, re.MULTILINE)
    assert f"yes: the backend confirmed all {rows} messages" in said
    assert f"mockfleet-logs: {rows} rows in sends" in said
    log.assert_sound()


@pytest.mark.smoke
def test_printed_query_runs_in_duckdb_and_gives_the_printed_rows(demo, fleet, monkeypatch):
    said = demo("--devices", "50", "--duration", "2s")
    (query,) = [line for line in said.splitlines() if line.startswith("SELECT ")]
    # As it stands: the log's folder is named from where the demo was run.
    monkeypatch.chdir(fleet.folder)
    cursor = duckdb.connect().execute(query)
    answer = cursor.fetchall()
    assert len(answer) == 5

    head = [column for column, *_ in cursor.description]
    lines = [line.split() for line in said.splitlines()]
    start = lines.index(head) + 2
    printed = lines[start : start + len(answer)]
    for cells, row in zip(printed, answer, strict=True):
        for name, cell, value in zip(head, cells, row, strict=True):
            if name == "latency_ms":
                # Two roundings to two digits.
                assert abs(float(cell) - value) < 0.011
            else:
                assert cell == str(value)


def test_summary_prints_a_command_that_a_shell_can_run(demo, fleet):
    said = demo("--devices", "3", "--duration", "1s")
    (command,) = re.findall(r'duckdb -c "(.*)"$', said, re.MULTILINE)
    assert '"' not in command and "$" not in command and "`" not in command


def test_demo_writes_its_log_to_the_given_folder(demo, fleet):
    demo("--devices", "3", "--duration", "1s", "--log", "else/where")
    assert Log(fleet.folder / "else/where").count() == 3
    assert not (fleet.folder / "mockfleet-logs").exists()


def test_demo_has_no_bottleneck(demo):
    said = demo("--devices", "200", "--duration", "3s")
    assert "Connections              200 connections opened in " in said
    assert "Bottleneck               none: its " in said


def test_demo_has_a_thousand_devices_by_default(demo):
    said = demo("--duration", "1s")
    assert "1,000 devices" in said
