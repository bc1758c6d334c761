"""The send log: columns, paths of the files, and the time at which a file ends."""

import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.log import EVENTS, SENDS

# 48 bits of time and 80 of chance, in Crockford's base 32.
ULID = r"[0-7][0-9A-HJKMNP-TV-Z]{25}"


@pytest.fixture
def run(fleet, broker):
    fleet.broker(broker.url, qos=1).group(count=5, every="200ms")
    return fleet.run(duration="1s")


@pytest.mark.smoke
@pytest.mark.parametrize(("table", "columns"), [("sends", SENDS), ("events", EVENTS)])
def test_table_has_the_documented_columns_and_types(run, table, columns):
    described = run.log.rows(f"DESCRIBE SELECT * FROM {table}")
    assert [(name, kind) for name, kind, *_ in described] == [(n, kind) for n, kind, _ in columns]
    for schema in run.log.arrow_schemas(table):
        assert [(field.name, field.nullable) for field in schema] == [
            (name, nullable) for name, _, nullable in columns
        ]
        times = [field.type for field in schema if pa.types.is_timestamp(field.type)]
        # Nanoseconds are what Spark and Athena cannot read.
        assert set(times) == {pa.timestamp("us", tz="UTC")}


def test_rows_have_run_host_and_numbers_from_zero(run):
    for table in ("sends", "events"):
        ((run_id, host_id),) = run.log.rows(f"SELECT DISTINCT run_id, host_id FROM {table}")
        assert re.fullmatch(ULID, run_id)
        assert run_id == run.summary["run"]
        assert host_id
    run.log.assert_sound()
    assert run.log.count() == run.summary["rows"] == 25
    assert run.log.count(table="events") == run.summary["events"]


def test_files_are_in_hour_folders_and_named_by_their_rows(run):
    for table in ("sends", "events"):
        for file in run.log.files(table):
            place = file.relative_to(run.store / table).as_posix()
            match = re.fullmatch(
                rf"dt=(\d{{4}}-\d\d-\d\d)/hour=(\d\d)/(.+)-({ULID})-(\d+)-(\d+)\.parquet", place
            )
            assert match, place
            day, hour, host, run_id, first, last = match.groups()
            (inside,) = run.log.rows(
                f"""SELECT min(log_seq), max(log_seq), any_value(host_id), any_value(run_id)
                    FROM read_parquet('{file}', hive_partitioning = false)"""
            )
            assert inside == (int(first), int(last), host, run_id)
            metadata = pq.read_metadata(file)
            assert {
                metadata.row_group(n).column(c).compression
                for n in range(metadata.num_row_groups)
                for c in range(metadata.num_columns)
            } == {"ZSTD"}
            named = {
                name.removeprefix(b"mockfleet.").decode(): value.decode()
                for name, value in metadata.metadata.items()
                if name.startswith(b"mockfleet.")
            }
            assert named == {
                "schema": "1",
                "host": host,
                "run": run_id,
                "fleet": "test",
                "first_log_seq": first,
                "last_log_seq": last,
            }
    partitions = run.log.rows(
        f"""SELECT DISTINCT dt, hour FROM read_parquet('{run.store}/sends/**/*.parquet',
            hive_partitioning = true)"""
    )
    assert partitions, "DuckDB reads the folders as columns"


@pytest.mark.smoke
def test_store_contains_only_complete_files(run):
    files = {file for file in run.store.rglob("*") if file.is_file()}
    (note,) = (file for file in files if file.parent.name == "runs")
    assert note.name.endswith(f"-{run.summary['run']}.json")
    assert {file.suffix for file in files - {note}} == {".parquet"}


def test_file_rolls_at_its_maximum_age(fleet, broker):
    fleet.broker(broker.url, qos=1).group(count=5, every="100ms")
    fleet.set(log={"roll": {"every": "1s"}})
    run = fleet.run(duration="4s")
    assert len(run.log.files("sends")) >= 3
    assert run.summary["files"] == len(run.log.files("sends")) + len(run.log.files("events"))
    assert run.log.count() == 200
    run.log.assert_sound()


def test_file_rolls_at_its_maximum_size(fleet, broker):
    fleet.broker(broker.url, qos=1)
    # Half a megabyte of numbers each; rows are encoded some megabytes at a time.
    config = {"samples": 10_000}
    fleet.group("meter", "builtin:meter", count=4, every="250ms", config=config)
    fleet.set(log={"roll": {"size": "64KiB"}})
    run = fleet.run(duration="2s")
    assert run.log.count() == 32
    assert len(run.log.files("sends")) >= 3
    run.log.assert_sound()


def test_runs_in_the_same_store_are_distinguishable(fleet, broker):
    fleet.broker(broker.url, qos=1).group(count=5)
    first, second = fleet.run(duration="1s"), fleet.run(duration="1s")
    assert first.summary["run"] < second.summary["run"], "ULIDs are in the order of time"
    assert first.log.count() == second.log.count() == 5
    assert len(first.log.files("sends")) >= 2


@pytest.mark.parametrize(
    ("payload", "kept"), [("full", "size"), ("none", "NULL"), ("100B", "least(size, 100)")]
)
def test_log_keeps_the_configured_part_of_a_payload(fleet, broker, payload, kept):
    fleet.broker(broker.url, qos=1).group(count=5, config={"size": 300})
    fleet.set(log={"payload": payload})
    run = fleet.run(duration="1s")
    rows = run.log.rows(
        f"""SELECT count(*), count_if(strlen(payload) IS DISTINCT FROM {kept})
            FROM (SELECT payload, payload_size AS size FROM sends)"""
    )
    assert rows == [(5, 0)]
    assert run.log.count("payload_size = 300") == 5
    assert run.log.count("payload_bin IS NOT NULL") == 0
