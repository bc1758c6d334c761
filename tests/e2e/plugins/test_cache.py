"""The cache keeps compiled plugins.

Its entries are listed and cleared, and no other file in its folder is touched.
"""

import json
import os
import time

import pytest

from support.fleet import BINARY, PLUGINS, environment
from support.process import Process

DIGEST = "0123456789abcdef" * 4
OTHER_ENGINE = "0" * 16


@pytest.fixture
def cached(tmp_path):
    """Runs mockfleet with a cache of its own."""

    def run(*arguments, expect=0):
        own = environment(XDG_CACHE_HOME=str(tmp_path / "cache"))
        return Process([BINARY, *arguments], folder=tmp_path, environment=own).expect(expect)

    run.folder = tmp_path / "cache/mockfleet"
    return run


def entries(cached):
    (line,) = cached("cache", "--json").out
    return json.loads(line)["entries"]


def test_compiled_plugin_is_listed_and_reused(cached):
    """The list has its name, size and last use."""
    assert "0 compiled plugins and 0 fetched files" in cached("cache").stdout
    cached("describe", PLUGINS / "dist/meter.wasm")
    (meter,) = entries(cached)
    assert (meter["kind"], meter["name"], meter["stale"]) == ("plugin", "meter 0.1.0", False)
    (file,) = cached.folder.glob("*.cwasm")
    assert meter["bytes"] == file.stat().st_size and file.name.startswith(meter["sha256"])
    a_year_ago = time.time() - 365 * 86_400
    os.utime(file, (a_year_ago, a_year_ago))
    code = file.read_bytes()
    cached("describe", PLUGINS / "dist/meter.wasm")
    assert file.read_bytes() == code
    assert entries(cached)[0]["used"] > meter["used"], "its use is noted"
    shown = cached("cache").stdout
    assert "meter 0.1.0" in shown and str(cached.folder) in shown


def test_clear_deletes_the_named_entries_and_no_foreign_files(cached):
    cached("describe", PLUGINS / "dist/meter.wasm")
    cached("describe", PLUGINS / "dist/thermometer.wasm")
    foreign = [cached.folder / "notes.cwasm", cached.folder / f"{DIGEST}-1.cwasm.bak"]
    for file in foreign:
        file.write_text("mine")
    stale = cached.folder / f"{DIGEST}-{OTHER_ENGINE}.cwasm"
    stale.write_text("old")
    fetched = cached.folder / "fetched" / DIGEST
    fetched.parent.mkdir()
    fetched.write_text("a bundle")
    assert sum(entry["stale"] for entry in entries(cached)) == 1

    said = cached("cache", "clear", "metre", "ffffff", expect=2)
    assert said.out == []
    assert 'nothing in the cache is called "metre"; did you mean "meter"?' in said.err[0]
    assert '"ffffff"; there are' in said.err[1]
    assert len(entries(cached)) == 4

    assert "cleared 1 compiled plugin and 0" in cached("cache", "clear", "meter@0.1.0").stdout
    assert "cleared 1 compiled plugin and 0" in cached("cache", "clear", "--stale").stdout
    assert not stale.exists() and fetched.exists()
    assert [entry["name"] for entry in entries(cached)] == ["thermometer 0.1.0", None]
    (line,) = cached("cache", "clear", DIGEST[:8], "--json").out
    assert [entry["kind"] for entry in json.loads(line)["cleared"]] == ["fetched"]
    cached("cache", "clear")
    assert entries(cached) == []
    assert cached("cache", "clear").stdout == "there was nothing to clear"
    files = [file for file in cached.folder.rglob("*") if file.is_file()]
    assert sorted(files) == sorted(foreign)


def test_entries_of_another_version_are_deleted_after_a_month(cached):
    cached.folder.mkdir(parents=True, mode=0o700)
    cached.folder.parent.chmod(0o700)
    ages = {"0" * 16: 31, "1" * 16: 29}
    for engine, days in ages.items():
        file = cached.folder / f"{DIGEST}-{engine}.cwasm"
        file.write_text("old")
        then = time.time() - days * 86_400
        os.utime(file, (then, then))
    cached("describe", PLUGINS / "dist/meter.wasm")
    left = [entry["sha256"] for entry in entries(cached) if entry["stale"]]
    assert left == [DIGEST]
    assert (cached.folder / f"{DIGEST}-{'1' * 16}.cwasm").exists()


@pytest.mark.xdist_group("authors")
@pytest.mark.timeout(600)
def test_slow_compilation_is_reported_once_on_stderr(built, cached):
    project, _ = built("python")
    first = cached("describe", project.folder, "--json")
    assert json.loads(first.stdout)["name"] == "sensor"
    begun, done = first.err
    assert begun.startswith("compiling ") and "MiB) for this machine, once" in begun
    assert done.startswith("compiled ") and done.endswith(" s")
    second = cached("describe", project.folder, "--json")
    assert (second.stdout, second.err) == (first.stdout, [])
