"""`mockfleet logs` counts and prunes a log in its store."""

import json
import re
import shutil
from datetime import UTC, datetime

import pyarrow
import pyarrow.parquet
import pytest

from support.backends.broker import Broker
from support.backends.s3 import READER_KEY, READER_SECRET, SECRET_KEY, SeaweedFs
from support.fleet import Fleet
from support.log import TABLES, Log
from support.process import refused
from support.rounds import generator, rounds
from support.wait import free_port


@pytest.fixture
def in_bucket(s3, fleet):
    """Copies a folder into the bucket, under a prefix of its own; returns its URL."""
    fleet.environment |= s3.environment()
    prefix = f"{fleet.folder.parent.name}/it's a log"

    def upload(folder):
        for file in folder.rglob("*"):
            if file.is_file():
                key = f"{prefix}/{file.relative_to(folder).as_posix()}"
                s3.client().upload_file(str(file), s3.bucket, key)
        return f"s3://{s3.bucket}/{prefix}"

    return upload


@pytest.mark.parametrize("command", ["ddl", "stats", "prune"])
def test_help_has_an_example(logs, command):
    assert re.search(rf"^  {command} ", logs("--help").stdout, re.MULTILINE)
    said = logs(command, "--help").stdout
    assert f"Usage: mockfleet logs {command}" in said
    assert f"Examples:\n  mockfleet logs {command}" in said


def counted(log, run):
    """The expected `logs stats --json` of a run, from its rows."""

    def table(name, at):
        files = [file for file in log.files(name) if run in file.name]
        ((rows, first, last),) = log.rows(
            f"SELECT count(*), min({at}), max({at}) FROM {name} WHERE run_id = '{run}'"
        )
        size = sum(file.stat().st_size for file in files)
        return {
            "rows": rows,
            "files": len(files),
            "bytes": size,
            "bytes_per_row": size / rows,
            "from": first.astimezone(UTC),
            "to": last.astimezone(UTC),
        }

    return {
        "run": run,
        "host": log.one(f"SELECT any_value(host_id) FROM sends WHERE run_id = '{run}'"),
        "sends": table("sends", "scheduled_at"),
        "events": table("events", '"at"'),
        "outcomes": dict(
            log.rows(f"SELECT outcome, count(*) FROM sends WHERE run_id = '{run}' GROUP BY outcome")
        ),
    }


def said(process):
    """The output of `logs stats --json`, with its times as times."""
    (line,) = process.out
    answer = json.loads(line)
    for about in [answer, *answer["runs"]]:
        for table in TABLES:
            for end in ("from", "to"):
                about[table][end] = datetime.fromisoformat(about[table][end])
            about[table]["bytes_per_row"] = pytest.approx(about[table]["bytes_per_row"], abs=0.051)
    return answer


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory):
    """Two runs of several files in one store: one without failures, one with some."""
    folder = tmp_path_factory.mktemp("two-runs")
    broker, fleet = Broker(folder / "broker").start(), Fleet(folder)
    try:
        fleet.broker(broker.url, qos=1)
        fleet.broker(f"mqtt://127.0.0.1:{free_port()}", name="nowhere", qos=1)
        fleet.group(count=5, every="50ms").group("lonely", count=2)
        fleet.set(log={"roll": {"every": "1s"}})
        second = ["--set", "groups.lonely.target=nowhere"]
        runs = [fleet.run(duration="2s"), fleet.run(*second, duration="2s")]
    finally:
        fleet.close()
        broker.stop()
    assert [set(run.log.outcomes()) for run in runs] == [{"acked"}, {"acked", "dropped"}]
    return [run.summary["run"] for run in runs], fleet.store


@pytest.fixture
def runs(fleet, two_runs):
    """The ids of two runs, and a store of the test's own with their log, in the default
    place."""
    ids, store = two_runs
    fleet.store = fleet.folder / "mockfleet-logs"
    shutil.copytree(store, fleet.store)
    return ids, fleet.store


def test_stats_match_the_rows(logs, runs, fleet):
    ids, store = runs
    log = Log(store)
    answer = said(logs("stats", "--json"))
    assert answer["runs"] == [counted(log, run) for run in ids]
    assert answer["store"] == "mockfleet-logs" and answer["not_counted"] == []
    for table in TABLES:
        for figure in ("rows", "files", "bytes"):
            assert answer[table][figure] == sum(run[table][figure] for run in answer["runs"])
        assert answer[table]["from"] == answer["runs"][0][table]["from"]
        assert answer[table]["to"] == answer["runs"][1][table]["to"]
    assert sum(answer["outcomes"].values()) == answer["sends"]["rows"] == log.count()
    people = logs("stats")
    assert people.err == []
    assert people.out[0].startswith(f"mockfleet-logs: 2 runs, {log.count()} rows in sends, ")
    for run in ids:
        assert any(line.startswith(f"  {run} ") for line in people.out)
    for outcome, rows in log.outcomes().items():
        assert re.search(rf"^  {outcome} +{rows}$", people.stdout, re.MULTILINE)


def test_stats_of_a_bucket_equal_those_of_the_folder(logs, runs, in_bucket):
    _, store = runs
    url = in_bucket(store)
    answer = said(logs("stats", "--json", url))
    assert answer | {"store": "mockfleet-logs"} == said(logs("stats", "--json"))
    assert answer["store"] == url


def test_stats_do_not_read_payloads(logs, runs):
    _, store = runs
    before = logs("stats", "--json").stdout
    for file in store.glob("sends/*/*/*.parquet"):
        metadata = pyarrow.parquet.read_metadata(file)
        content = bytearray(file.read_bytes())
        for group in range(metadata.num_row_groups):
            for column in range(metadata.num_columns):
                chunk = metadata.row_group(group).column(column)
                if chunk.path_in_schema != "outcome":
                    first = chunk.dictionary_page_offset or chunk.data_page_offset
                    content[first : first + chunk.total_compressed_size] = b"\xff" * (
                        chunk.total_compressed_size
                    )
        file.write_bytes(content)
    assert logs("stats", "--json").stdout == before


def test_broken_and_foreign_files_are_reported_and_skipped(logs, runs):
    _, store = runs
    before = json.loads(logs("stats", "--json").stdout)
    hour = next(store.glob("sends/*/*"))
    good = next(hour.glob("*.parquet"))
    (hour / "notes.txt").write_text("mine")
    (hour / "empty.parquet").touch()
    (hour / "torn.parquet").write_bytes(good.read_bytes()[:-100])
    (hour / "link.parquet").symlink_to(good)
    pyarrow.parquet.write_table(pyarrow.table({"outcome": ["acked"]}), hour / "others.parquet")
    after = json.loads(logs("stats", "--json").stdout)
    aside = {file["file"].split("/")[-1]: file["why"] for file in after.pop("not_counted")}
    before.pop("not_counted")
    assert after == before
    assert set(aside) == {
        "notes.txt",
        "empty.parquet",
        "torn.parquet",
        "link.parquet",
        "others.parquet",
    }
    assert "mockfleet did not write it" in aside["others.parquet"]
    people = logs("stats")
    assert "; 5 files not counted" in people.out[0]
    for name, why in aside.items():
        assert any(name in line and why in line for line in people.err)


def test_damaged_files_do_not_end_the_count(logs, runs):
    """Files are truncated and flipped at random. Each is counted or reported, and nothing else
    is."""
    _, store = runs
    good = next(store.glob("sends/*/*/*.parquet"))
    content = good.read_bytes()
    shutil.rmtree(store)
    good.parent.mkdir(parents=True)
    chance = generator("damage")
    files = rounds(300, 3000)
    for number in range(files):
        damaged = bytearray(content)
        if number % 3 == 0:
            del damaged[chance.randrange(len(damaged)) :]
        for _ in range(chance.randrange(1, 5)):
            if damaged:
                # The footer is at the end.
                place = int(len(damaged) * (1 - chance.random() ** 3))
                damaged[min(place, len(damaged) - 1)] ^= 1 << chance.randrange(8)
        (good.parent / f"{number}.parquet").write_bytes(damaged)
    answer = json.loads(logs("stats", "--json").stdout)
    assert answer["sends"]["files"] + len(answer["not_counted"]) == files
    assert answer["not_counted"]


def test_empty_store_has_no_rows(logs, fleet):
    (fleet.folder / "mockfleet-logs").mkdir()
    assert logs("stats").out == [
        "mockfleet-logs: 0 runs, 0 rows in sends, 0 in events, 0 B in 0 files"
    ]


def test_unreadable_store_is_reported(logs, fleet, in_bucket, s3):
    refused(logs("stats", "no-such", expect=2), "LOG", "no-such", "give the folder")
    (fleet.folder / "file").touch()
    refused(logs("stats", "file", expect=2), "LOG", "it is no folder")
    refused(
        logs("stats", "s3://no-such-bucket/logs", expect=2), "LOG", "s3://no-such-bucket/logs"
    )
    fleet.environment["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{free_port()}"
    process = logs("stats", f"s3://{s3.bucket}/logs", expect=2)
    refused(process, "LOG", f"s3://{s3.bucket}/logs")
    assert SECRET_KEY not in process.report()
    del fleet.environment["AWS_SECRET_ACCESS_KEY"]
    refused(logs("stats", "s3://b", expect=2), "LOG", "AWS_SECRET_ACCESS_KEY")


@pytest.mark.parametrize(
    "command",
    [["recover"], ["stats"], ["digest"], ["prune", "--older-than", "1d"]],
    ids=lambda command: command[0],
)
def test_store_that_is_no_log_is_refused_with_the_one_meant(logs, fleet, command):
    fleet.broker("mqtt://127.0.0.1:1").group()
    fleet.write()
    refused(logs(*command, expect=2), "LOG", "mockfleet-logs: it does not exist")
    refused(logs(*command, "fleet.toml", expect=2), "LOG", "it is a fleet file, and its log is")
    (fleet.folder / "notes.txt").touch()
    refused(logs(*command, "notes.txt", expect=2), "LOG", "it is no folder")
    (fleet.folder / "mockfleet-logs/sends").mkdir(parents=True)
    for wrong in ["mockfleet-log", "notes.txt", "."]:
        refused(logs(*command, wrong, expect=2), "LOG", 'did you mean "mockfleet-logs"?')
    refused(
        logs(*command, "mockfleet-logs/sends", expect=2), "LOG", "give the whole log: mockfleet-logs"
    )


def test_bucket_without_a_log_is_refused(logs, fleet, in_bucket, s3):
    (fleet.folder / "nothing").mkdir()
    in_bucket(fleet.folder / "nothing")
    nowhere = f"s3://{s3.bucket}/no-such-log"
    for command in [["recover"], ["digest"]]:
        refused(logs(*command, nowhere, expect=2), "LOG", nowhere)
    for command in [["stats"], ["prune", *MONTH]]:
        assert f"warning: LOG: {nowhere}: it has no object" in logs(*command, nowhere).stderr


MONTH = ("--older-than", "30d")


def sizes(store):
    """Every file of a folder with its bytes."""
    return {
        file.relative_to(store).as_posix(): file.stat().st_size
        for file in store.rglob("*")
        if file.is_file() and not file.is_symlink()
    }


@pytest.fixture
def aged(runs):
    """A store whose first run, and a file of the second, are old, with foreign files among
    them. Returns the store and the old files."""
    (first, second), store = runs
    young = sorted(store.glob(f"sends/*/*/*{second}*.parquet"))
    old = {}
    for n, file in enumerate([*sorted(store.rglob(f"*{first}*.parquet")), young[0]]):
        table = file.relative_to(store).parts[0]
        place = store / table / f"dt=2026-0{1 + n % 3}-17" / "hour=07" / file.name
        place.parent.mkdir(parents=True, exist_ok=True)
        file.rename(place)
        old[place.relative_to(store).as_posix()] = place.stat().st_size
    hour = store / "sends/dt=2026-02-17/hour=07"
    hour.mkdir(parents=True, exist_ok=True)
    shutil.copy(young[1], hour / "copy of mine.parquet")
    (hour / "notes.txt").write_text("mine")
    # By name it could be mockfleet's, and it is not.
    other = f"host-{first}-0-9.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"a": [1]}), hour / other)
    (hour / f"host-{first}-10-19.parquet").write_bytes(b"PAR1 and no more")
    shutil.copy(young[1], hour / f"host-{first}-20-29.parquet")
    # In the right place beside them, in no table of the log.
    (store / "mine/dt=2026-01-17/hour=07").mkdir(parents=True)
    shutil.copy(young[1], store / "mine/dt=2026-01-17/hour=07" / young[1].name)
    return store, old


STRANGERS = (
    "copy of mine.parquet",
    "notes.txt",
    "-0-9.parquet",
    "-10-19.parquet",
    "-20-29.parquet",
)


def test_prune_without_yes_only_lists_files(logs, aged, runs):
    store, old = aged
    before = sizes(store)
    answer = json.loads(logs("prune", *MONTH, "--json").stdout)
    assert {file["file"]: file["bytes"] for file in answer["old"]} == old
    assert (answer["deleted_files"], answer["not_deleted"]) == (0, [])
    for run in answer["runs"]:
        own = {
            name: size
            for name, size in before.items()
            if run["run"] in name
            and not name.startswith(("mine/", "runs/"))
            and "/host-" not in name
        }
        assert (run["files"], run["bytes"]) == (len(own), sum(own.values()))
        gone = {name: size for name, size in own.items() if name in old}
        assert (run["old_files"], run["old_bytes"]) == (len(gone), sum(gone.values()))
    assert [run["run"] for run in answer["runs"]] == runs[0]
    people = logs("prune", *MONTH)
    assert people.out[0].startswith(f"mockfleet-logs: {len(old)} files, ")
    assert people.out[0].endswith(" would be deleted")
    for name in old:
        assert any(line.endswith(f"  {name}") for line in people.out)
    assert "nothing was deleted; the same with --yes deletes these files" in people.err
    for stranger in STRANGERS:
        assert sum(f"{stranger} is left alone: " in line for line in people.err) == 1
    assert sizes(store) == before


def test_prune_deletes_only_old_files(logs, aged):
    store, old = aged
    before = sizes(store)
    answer = json.loads(logs("prune", *MONTH, "--yes", "--json").stdout)
    assert (answer["deleted_files"], answer["deleted_bytes"]) == (len(old), sum(old.values()))
    assert sizes(store) == {name: size for name, size in before.items() if name not in old}
    days = {folder.name for folder in store.glob("*/dt=2026-0*") if folder.parent.name != "mine"}
    assert days == {"dt=2026-02-17"}, "emptied folders are gone, and what holds a file stays"
    again = logs("prune", *MONTH, "--yes")
    assert again.out[0].startswith("mockfleet-logs: no files of hours that ended before ")


def test_prune_of_a_bucket_equals_that_of_the_folder(logs, aged, in_bucket, s3, fleet):
    store, old = aged
    url = in_bucket(store)
    prefix = url.removeprefix(f"s3://{s3.bucket}/")
    before = set(sizes(store))
    dry = json.loads(logs("prune", *MONTH, "--json", url).stdout)
    assert {file["file"]: file["bytes"] for file in dry["old"]} == old
    assert {key.removeprefix(f"{prefix}/") for key in s3.keys(prefix)} == before
    if isinstance(s3, SeaweedFs):
        # Who may only read sees the same, and cannot delete.
        allowed = dict(fleet.environment)
        fleet.environment |= {
            "AWS_ACCESS_KEY_ID": READER_KEY,
            "AWS_SECRET_ACCESS_KEY": READER_SECRET,
        }
        process = logs("prune", *MONTH, "--yes", url, expect=1)
        assert process.out[0].startswith(f"{url}: deleted 0 of {len(old)} files, ")
        refusals = [line for line in process.err if " is not deleted: Access Denied" in line]
        assert len(refusals) == len(old), process.report()
        fleet.environment = allowed
    done = json.loads(logs("prune", *MONTH, "--yes", "--json", url).stdout)
    assert (done["deleted_files"], done["deleted_bytes"]) == (len(old), sum(old.values()))
    left = {key.removeprefix(f"{prefix}/") for key in s3.keys(prefix)}
    assert left == before - set(old)


def test_current_hour_is_never_pruned(logs, runs):
    _, store = runs
    before = sizes(store)
    answer = json.loads(logs("prune", "--older-than", "1h", "--yes", "--json").stdout)
    assert answer["old"] == [] and answer["deleted_files"] == 0
    assert sizes(store) == before


def spooled(answer):
    """The spool in `--json`, by state."""
    return {left["state"]: left for left in answer["spool"]}


def test_spool_is_sized_and_only_damaged_segments_are_deleted(logs, fleet, broker):
    fleet.broker(broker.url, qos=1).group(count=5, every="20ms")
    fleet.store = fleet.folder / "mockfleet-logs"
    process = fleet.start("--log", fleet.store.name)
    process.wait_for_line('"event":"progress"', of="out")
    assert set(spooled(json.loads(logs("stats", "--json").stdout))) == {"under way"}
    process.kill()
    left = spooled(json.loads(logs("stats", "--json").stdout))["unfinished"]
    (folder,) = (fleet.store / ".spool").iterdir()
    segments = list(folder.glob("*.seg"))
    # Files that it had begun are there too.
    own = [*segments, *folder.glob("*.part")]
    assert (left["run"], left["files"]) == (folder.name, len(own))
    assert left["bytes"] == sum(file.stat().st_size for file in own) > 0
    people = logs("stats").stdout
    advice = "`mockfleet logs recover` finishes it"
    assert re.search(rf"^  {folder.name} +unfinished +.*{advice}$", people, re.MULTILINE)
    # Rows that are not in the store yet are never old.
    answer = json.loads(logs("prune", "--older-than", "0s", "--yes", "--json").stdout)
    assert (answer["old_spool"], answer["deleted_spool"]) == ([], 0)
    assert spooled(answer)["unfinished"] == left
    # The last record of a segment is torn, and the rest of it becomes rows.
    torn = max(segments, key=lambda file: file.stat().st_size)
    content = torn.read_bytes()[:-3]
    torn.write_bytes(content)
    assert "could not be read and are set aside in" in logs("recover").stdout
    assert Log(fleet.store).count() > 0
    left = spooled(json.loads(logs("stats", "--json").stdout))
    assert set(left) == {"damaged"}
    assert left["damaged"]["bytes"] == len(content)
    assert json.loads(logs("prune", *MONTH, "--json").stdout)["old_spool"] == []
    shown = logs("prune", "--older-than", "0s")
    assert re.search(rf"^  {folder.name} +damaged .* would be deleted$", shown.stdout, re.MULTILINE)
    assert "nothing was deleted; the same with --yes deletes these files" in shown.err
    answer = json.loads(logs("prune", "--older-than", "0s", "--yes", "--json").stdout)
    assert (answer["old_spool"], answer["deleted_spool"]) == ([folder.name], 1)
    assert not (fleet.store / ".spool").exists()
    assert json.loads(logs("stats", "--json").stdout)["spool"] == []


def test_spool_of_a_bucket_lists_only_runs_of_that_bucket(logs, fleet, broker, s3):
    fleet.environment |= s3.environment()
    fleet.broker(broker.url, qos=1).group(count=5, every="20ms")
    url = f"s3://{s3.bucket}/{fleet.folder.parent.name}"
    process = fleet.start("--log", url)
    process.wait_for_line('"event":"progress"', of="out")
    process.kill()
    left = spooled(json.loads(logs("stats", "--json", url).stdout))["unfinished"]
    assert left["folder"].startswith(fleet.environment["XDG_STATE_HOME"])
    assert json.loads(logs("stats", "--json", url + "-2").stdout)["spool"] == []
    assert logs("recover", url).out
    assert json.loads(logs("stats", "--json", url).stdout)["spool"] == []


def test_unsupported_prune_is_refused_with_the_way_out(logs):
    refused(logs("prune", *MONTH, "no-such", expect=2), "LOG", "no-such", "give the folder")
    assert "--older-than <TIME>" in logs("prune", expect=2).stderr
    assert (
        "a duration is a number with a unit" in logs("prune", "--older-than", "30", expect=2).stderr
    )
