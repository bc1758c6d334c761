"""One seed has one digest.

Workers, packing, speed of the clock and sending change nothing.
"""

import json
import os
import re
import subprocess
import sys

import pytest

from support.backends.s3 import Moto
from support.docs import code_blocks
from support.fleet import BINARY, PLUGINS
from support.rounds import fleet_seeds

START = "2025-06-01T00:00:00Z"
GROUPS = {
    "thermometer": {"drift": 0.5},
    "vehicle": {"park-chance": 0.5, "park-seconds": 0.5, "parked-every": 0.3},
    "meter": {"samples": 4},
    # Values that stick, jump and are missing, all drawn from the seed.
    "scenario": {
        "fields": {
            "level": {
                "kind": "faulty",
                "of": {"kind": "walk", "start": 21, "step": 0.1},
                "faults": [{"kind": "stuck-at", "chance": 0.2, "lasts": "1s"}],
            }
        },
        "messages": {"telemetry": {"json": {"at": "{{ at }}", "level": "{{ level }}"}}},
    },
}


@pytest.fixture
def mixed(fleet):
    """A fleet of all plugins that ships with a clock of its own."""
    fleet.broker("mqtt://127.0.0.1:1", qos=1, connections=4, channels=("telemetry", "reply"))
    fleet.set(clock={"start": START})
    for name, config in GROUPS.items():
        more = {"every": "1s", "start": "spread", "jitter": "10%", "ramp": "0s"}
        fleet.group(name, f"builtin:{name}", count=8, config=config, **more)
    return fleet


def digest(fleet, run):
    """The digest of a run, which `logs digest` prints first in a line."""
    process = fleet.mockfleet("logs", "digest", "logs", "--run", run.summary["run"])
    assert process.finish() == 0, process.report()
    (line,) = process.out
    sum, of, rows, _ = line.split()
    assert (of, int(rows)) == (run.summary["run"], run.counted())
    assert re.fullmatch("[0-9a-f]{64}", sum)
    return sum


def packed(fleet, devices):
    for group in fleet.content["groups"]:
        group["devices-per-cell"] = devices


@pytest.mark.parametrize("seed", fleet_seeds(10))
def test_same_seed_has_the_same_digest_in_every_setup(mixed, broker, seed):
    """Workers, devices per cell, speed of the clock and sending change nothing."""
    mixed.set(seed=int(seed))
    url = f"targets.broker.url={broker.url}"
    runs = []
    # In real time, ten times as fast, and as fast as it goes.
    for speed in (1, 10, '"max"'):
        run = mixed.run("--set", url, "--set", f"clock.speed={speed}", duration="3s")
        assert run.summary["missed_ticks"] == 0
        assert run.log.outcomes() == {"acked": run.counted()}
        runs.append(run)
    to = "2025-06-01T00:00:03Z"
    for workers, devices in ((1, 1), (2, 64), (3, 1000)):
        packed(mixed, devices)
        run = mixed.backfill(START, to, "--allow-overlap", "--workers", str(workers))
        assert run.log.outcomes() == {"written": run.counted()}
        runs.append(run)
    runs.append(mixed.backfill(START, to, "--allow-overlap", "--send", "--set", url))
    assert runs[-1].log.outcomes() == {"acked": runs[-1].counted()}
    assert {run.counted() for run in runs} == {runs[0].counted()}
    assert len({digest(mixed, run) for run in runs}) == 1
    other = mixed.backfill(START, to, "--allow-overlap", "--seed", "43")
    assert digest(mixed, other) != digest(mixed, runs[0])


def test_fast_clock_has_the_digest_of_a_slow_clock(fleet, broker):
    fleet.broker(broker.url, qos=1)
    fleet.set(clock={"start": START})
    fleet.group(count=10, every="2m", start="spread")
    fast = fleet.run("--set", "clock.speed=600", duration="10m")
    assert fast.summary["missed_ticks"] == 0
    waits = fleet.run("--set", "clock.speed=max", duration="10m")
    assert digest(fleet, fast) == digest(fleet, waits)
    dry = fleet.backfill(START, "2025-06-01T00:10:00Z", "--allow-overlap")
    assert digest(fleet, dry) == digest(fleet, fast)


def test_trapping_fleet_has_one_digest_for_any_number_of_workers(fleet):
    fleet.broker("mqtt://127.0.0.1:1")
    fleet.guest(count=20, every="30s", devices_per_cell=1, config={"does": "trap", "at": 3})
    fleet.group(count=20, every="30s", start="spread")
    runs = [
        fleet.backfill("2025-01-01", "2025-01-02", "--allow-overlap", "--workers", workers)
        for workers in ("1", "2", "3")
    ]
    # Each fell once, and was back after a second of the fleet's time.
    assert [run.summary["cell_restarts"] for run in runs] == [20, 20, 20]
    assert len({digest(fleet, run) for run in runs}) == 1
    gaps = runs[0].log.column(
        """SELECT epoch(max("at") - min("at")) FROM events
           WHERE kind IN ('stopped', 'restarted') GROUP BY device_id"""
    )
    assert gaps == [1.0] * 20


def test_digest_can_be_recomputed_by_the_rules_of_docs_time(mixed):
    run = mixed.backfill(START, "2025-06-01T00:01:00Z")
    (script,) = code_blocks("docs/time.md", "python")
    done = subprocess.run(
        [sys.executable, "-c", script, "logs"],
        cwd=mixed.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [digest(mixed, run), run.summary["run"]]


def test_ci_example_of_docs_time_detects_a_changed_fleet(mixed):
    (script,) = [text for text in code_blocks("docs/time.md", "sh") if text.startswith("set -e\n")]
    for group in mixed.content["groups"]:
        group["every"] = "10m"

    def ci():
        mixed.write()
        environment = mixed.environment | {"PATH": f"{BINARY.parent}:{os.environ['PATH']}"}
        return subprocess.run(
            ["sh", "-c", script], cwd=mixed.folder, env=environment, capture_output=True, text=True
        )

    assert ci().returncode == 0, "the first time it writes down what is right"
    assert ci().returncode == 0
    mixed.content["groups"][0]["config"]["drift"] = 0.6
    changed = ci()
    assert changed.returncode == 1
    assert "something else than before" in changed.stdout


def test_digest_of_a_log_without_payloads_names_its_limits(mixed):
    def said(payload):
        mixed.set(log={"store": "logs", "payload": payload})
        run = mixed.backfill(START, "2025-06-01T00:00:02Z", "--allow-overlap")
        process = mixed.mockfleet("logs", "digest", "logs", "--run", run.summary["run"])
        assert process.finish() == 0
        return process.stderr

    assert said("full") == ""
    assert "were not kept" in said("none")
    assert "as their hash" in said("hash")
    assert "were cut" in said("4B")


def test_unknown_run_or_unreadable_file_has_no_digest(mixed):
    run = mixed.backfill(START, "2025-06-01T00:00:02Z")
    process = mixed.mockfleet("logs", "digest", "logs", "--run", "01M8835DCGFEHSEP2HFFMX1S1Y")
    assert process.finish() == 2
    assert f"there are {run.summary['run']}" in process.stderr
    process = mixed.mockfleet("logs", "digest", "nowhere")
    assert process.finish() == 2
    (file,) = run.log.files("sends")
    file.write_bytes(file.read_bytes()[:-100])
    process = mixed.mockfleet("logs", "digest", "logs", "--json")
    assert process.finish() == 1, process.report()
    assert str(file.name) in json.loads(process.stdout)["not_read"][0]["file"]


def test_example_scenarios_have_fixed_digests(fleet):
    """The values of generators depend on the seed alone, injected faults of values included."""
    for file, minutes in (("beacon", 1), ("industrial-machine", 2), ("water-level", 20)):
        path = PLUGINS / f"scenario/examples/{file}.toml"
        to = f"2025-01-01T00:{minutes:02}:00Z"
        digests = set()
        for workers in ("1", "3"):
            command = ["backfill", str(path), "--from", "2025-01-01", "--to", to]
            process = fleet.mockfleet(
                *command, "--log", "logs", "--json", "--allow-overlap", "--workers", workers
            )
            assert process.finish() == 0, process.report()
            summary = json.loads(process.out[-1])
            assert summary["written"] > 100
            process = fleet.mockfleet("logs", "digest", "logs", "--run", summary["run"])
            assert process.finish() == 0, process.report()
            digests.add(process.stdout.split()[0])
        assert len(digests) == 1, file


def test_bucket_has_the_folder_digest_and_refuses_overlap(mixed, closing, tmp_path):
    store = closing(Moto(tmp_path / "s3")).start()
    mixed.environment |= store.environment()
    url = f"s3://{store.bucket}/history"
    to = "2025-06-01T01:00:00Z"
    for group in mixed.content["groups"]:
        group["every"] = "5m"
    run = mixed.backfill(START, to)
    there = mixed.backfill(START, to, "--log", url)
    process = mixed.mockfleet("logs", "digest", url)
    assert process.finish() == 0, process.report()
    assert process.stdout.split()[:2] == [digest(mixed, run), there.summary["run"]]
    arguments = ("--from", START, "--to", "2025-06-02", "--log", url)
    process = mixed.mockfleet("backfill", mixed.file.name, *arguments)
    assert process.finish() == 2, process.report()
    assert f"{url} has rows of fleet \"test\"" in process.stderr
