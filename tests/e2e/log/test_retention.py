"""Retention deletes old files of a log; a run can keep no log at all."""

import shutil

import pytest


@pytest.fixture
def small(fleet, broker):
    return fleet.broker(broker.url, qos=1).group(count=5, every="200ms")


def files(store):
    return {file.relative_to(store).as_posix() for file in store.rglob("*") if file.is_file()}


def test_next_run_deletes_old_files_and_leaves_foreign_files(small):
    first = small.run(duration="1s")
    (young,) = first.log.files("sends")
    old = small.store / "sends/dt=2026-01-17/hour=07"
    old.mkdir(parents=True)
    (small.store / "events").joinpath("dt=2026-01-17").mkdir()
    shutil.move(young, old / young.name)
    (mine,) = first.log.files("events")
    theirs = small.store / "sends/dt=2026-01-17/hour=08"
    theirs.mkdir()
    shutil.copy(mine, theirs / "copy of mine.parquet")
    small.set(log={"retention": "30d"})
    second = small.run(duration="1s")
    assert second.summary["pruned_files"] == 1
    assert not old.exists()
    assert files(theirs) == {"copy of mine.parquet"}
    assert mine.exists(), "its hour is not over for so long"
    assert second.log.count() == second.summary["rows"] == 25
    assert second.summary["notices"] == []


def test_retention_is_refused_for_a_bucket_and_below_an_hour(small):
    small.set(log={"store": "s3://bucket/logs", "retention": "30d"})
    small.write()
    process = small.mockfleet("check", "fleet.toml")
    assert process.finish() == 2, process.report()
    assert "logs prune --older-than" in process.stderr
    small.set(log={"store": "logs", "retention": "10m"})
    small.write()
    process = small.mockfleet("check", "fleet.toml")
    assert process.finish() == 2, process.report()
    assert "retention" in process.stderr and "1h" in process.stderr


def test_run_without_a_log_sends_the_same_and_writes_nothing(small, broker):
    before = files(small.folder)
    run = small.run("--log", "none", duration="1s")
    assert run.summary["acked"] == run.counted() == broker.received() == 25
    assert run.summary["log"] is None and run.summary["query"] is None
    assert run.summary["log_error"] is None
    written = {file for file in files(small.folder) - before if not file.startswith("state/")}
    assert written == {"fleet.toml"}
    assert not (small.folder / "state/mockfleet/spool").exists()
    people = small.mockfleet("run", "fleet.toml", "--log", "none", "--duration", "200ms")
    assert people.finish() == 0, people.report()
    assert "none was written" in people.stdout
    assert "duckdb" not in people.stdout
