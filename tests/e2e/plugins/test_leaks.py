"""Devices that live for an hour take no more memory than after ten minutes."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from support.fleet import BINARY
from support.process import Process
from support.sdk_project import SOURCE

# The projects of test_sdk_projects.py are these, built once.
pytestmark = [pytest.mark.xdist_group("authors"), pytest.mark.timeout(600)]

DEVICES = 40
START = datetime(2026, 1, 1, tzinfo=UTC)
# What may not be given back of the last fifty minutes, 120,000 ticks. An interpreter starts
# with a few MiB to spare: all devices share one, or a leak of small things would hide there.
ROOM = 1 << 20


def guest_memory(folder, environment, group, minutes):
    """The memory of all cells after `duration` of the devices' time; nothing may fail."""
    file = folder / "leaks.toml"
    # A project that was copied has no log from before.
    store = folder / f"leaks-{folder.parent.name}-{minutes}"
    file.write_text(
        f"""
        name = "leaks"
        [targets.nowhere]
        url = "mqtt://127.0.0.1:1"
        channels.telemetry.topic = "site/{{device}}"
        downlink.command.topic = "site/{{device}}/command"
        [[groups]]
        name = "sensor"
        count = {DEVICES}
        every = "1s"
        limits.deadline = "10s"
        {group}
        [log]
        store = "{store}"
        payload = "none"
        """
    )
    end = START + timedelta(minutes=minutes)
    span = ["--from", START.isoformat(), "--to", end.isoformat(), "--workers", "1"]
    command = [BINARY, "backfill", file, *span, "--json"]
    process = Process(command, folder=folder, environment=environment)
    assert process.finish(patience=120) == 0, process.report()
    summary = json.loads(process.out[-1])
    assert summary["ticks"] == DEVICES * 60 * minutes
    assert (summary["failed_calls"], summary["cell_restarts"]) == (0, 0)
    return summary["guest_memory"]


def growth(*fleet):
    warm = guest_memory(*fleet, 10)
    assert warm >= 1 << 16
    return guest_memory(*fleet, 60) - warm


@pytest.mark.parametrize("language", SOURCE)
def test_device_memory_does_not_grow_in_an_hour(built, language):
    """Compared with its memory after ten minutes, in each language."""
    project, _ = built(language)
    assert growth(project.folder, project.environment, 'plugin = "."') <= ROOM


def test_built_in_plugin_memory_does_not_grow(fleet):
    group = 'plugin = "builtin:thermometer"'
    assert growth(fleet.folder, fleet.environment, group) <= ROOM


def test_leaking_device_is_detected(projects, tmp_path):
    """The device keeps the number of each tick."""
    project = projects("js").copy(tmp_path)
    project.edit("    return {\n", "    (globalThis.kept ??= []).push({ tick });\n    return {\n")
    project.expect("mockfleet build")
    assert growth(project.folder, project.environment, 'plugin = "."') > 2 * ROOM
