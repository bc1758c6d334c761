"""A log folder that somebody else made moves and overwrites no file outside of it."""

import json
import os

import pytest

from support.wait import wait_until


@pytest.fixture
def victim(fleet):
    """A file of the user, which no log may touch."""
    file = fleet.folder / "victim/.bashrc"
    file.parent.mkdir()
    file.write_text("theirs")
    yield file
    assert file.read_text() == "theirs"
    assert [path.name for path in file.parent.iterdir()] == [".bashrc"]


@pytest.fixture
def spooled(fleet, serve):
    """The spool of a killed run."""
    fleet.server(serve().url).group(count=2, every="50ms")
    process = fleet.start("--duration", "60s")
    segments = wait_until(
        lambda: list(fleet.store.glob(".spool/*/*.seg")), "the first row of the spool"
    )
    process.kill()
    return segments[0].parent


def plant_manifest(run, part, key):
    files = [{"part": part, "key": key, "table": "sends", "rows": 1}]
    (run / "000001.json").write_text(json.dumps({"generation": 1, "files": files}))


def plant(run, kind):
    """Changes a spool as somebody could who sends it."""
    victim = run.parents[2] / "victim/.bashrc"
    own_key = f"sends/dt=2026-11-24/hour=07/h-{run.name}-0-0.parquet"
    if kind == "key":
        (run / "sends-000001-1.part").write_text("evil")
        plant_manifest(run, "sends-000001-1.part", "../victim/.bashrc")
    elif kind == "part":
        plant_manifest(run, str(victim), own_key)
    elif kind == "run":
        header = json.loads((run / "run.json").read_text())
        header["identity"]["run"] = "../../x"
        (run / "run.json").write_text(json.dumps(header))
    elif kind == "link":
        (run / "sends-000001-1.part").symlink_to(victim)
    elif kind == "linked run":
        elsewhere = run.parents[2] / "elsewhere"
        run.rename(elsewhere)
        run.symlink_to(elsewhere)
    elif kind == "pipe":
        os.mkfifo(run / "0009-000009.seg")
    else:
        raise AssertionError(kind)


@pytest.mark.parametrize("kind", ["key", "part", "run", "link", "linked run", "pipe"])
def test_planted_spool_is_refused_and_the_next_run_goes_on(fleet, victim, spooled, logs, kind):
    plant(spooled, kind)
    said = logs("recover", "logs", expect=1)
    assert spooled.name in said.stderr, said.report()
    assert "cannot be used: " in said.stderr, said.report()
    # A run of the same log names it, and runs.
    run = fleet.run(duration="1s")
    warnings = [line for line in run.process.err if line.startswith("warning: ")]
    assert any(spooled.name in line for line in warnings), run.process.report()
    assert run.summary["rows"] >= 20


def test_linked_table_of_a_log_is_refused(fleet, victim, serve):
    fleet.server(serve().url).group(count=2, every="50ms")
    fleet.store.mkdir()
    (fleet.store / "sends").symlink_to(victim.parent)
    process = fleet.start("--duration", "1s").expect(2)
    assert "sends: it is a link or a file" in process.stderr, process.report()
