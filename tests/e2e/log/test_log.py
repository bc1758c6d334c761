"""The send log: the schema that analysts rely on, where its files lie, when they end."""

import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

# Name, DuckDB's type, whether it may be null: DESIGN's tables, in their order.
SENDS = [
    ("run_id", "VARCHAR", False),
    ("host_id", "VARCHAR", False),
    ("log_seq", "BIGINT", False),
    ("group", "VARCHAR", False),
    ("device_id", "VARCHAR", False),
    ("plugin", "VARCHAR", False),
    ("seq", "BIGINT", False),
    ("attempt", "INTEGER", False),
    ("channel", "VARCHAR", False),
    ("protocol", "VARCHAR", False),
    ("destination", "VARCHAR", False),
    ("topic", "VARCHAR", True),
    ("outcome", "VARCHAR", False),
    ("code", "INTEGER", True),
    ("error", "VARCHAR", True),
    ("fault", "VARCHAR", True),
    ("device_status", "VARCHAR", True),
    ("scheduled_at", "TIMESTAMP WITH TIME ZONE", False),
    ("sent_at", "TIMESTAMP WITH TIME ZONE", True),
    ("acked_at", "TIMESTAMP WITH TIME ZONE", True),
    ("latency_us", "BIGINT", True),
    ("payload_size", "INTEGER", False),
    ("payload", "VARCHAR", True),
    ("payload_bin", "BLOB", True),
]
EVENTS = [
    ("run_id", "VARCHAR", False),
    ("host_id", "VARCHAR", False),
    ("log_seq", "BIGINT", False),
    ("group", "VARCHAR", False),
    ("device_id", "VARCHAR", False),
    ("at", "TIMESTAMP WITH TIME ZONE", False),
    ("kind", "VARCHAR", False),
    ("detail", "VARCHAR", True),
]
# 48 bits of time and 80 of chance, in Crockford's base 32.
ULID = r"[0-7][0-9A-HJKMNP-TV-Z]{25}"


@pytest.fixture
def run(fleet, broker):
    fleet.broker(broker.url, qos=1).group(count=5, every="200ms")
    return fleet.run(duration="1s")


@pytest.mark.parametrize(("table", "columns"), [("sends", SENDS), ("events", EVENTS)])
def test_a_table_has_the_columns_and_types_of_its_description(run, table, columns):
    described = run.log.rows(f"DESCRIBE SELECT * FROM {table}")
    assert [(name, kind) for name, kind, *_ in described] == [(n, kind) for n, kind, _ in columns]
    for schema in run.log.arrow_schemas(table):
        assert [(field.name, field.nullable) for field in schema] == [
            (name, nullable) for name, _, nullable in columns
        ]
        times = [field.type for field in schema if pa.types.is_timestamp(field.type)]
        # Nanoseconds are what Spark and Athena cannot read.
        assert set(times) == {pa.timestamp("us", tz="UTC")}


def test_a_run_has_a_ulid_and_a_host_and_numbers_its_rows_from_zero(run):
    for table in ("sends", "events"):
        ((run_id, host_id),) = run.log.rows(f"SELECT DISTINCT run_id, host_id FROM {table}")
        assert re.fullmatch(ULID, run_id)
        assert run_id == run.summary["run"]
        assert host_id
    run.log.assert_sound()
    assert run.log.count() == run.summary["rows"] == 25
    assert run.log.count(table="events") == run.summary["events"]


def test_files_lie_in_folders_by_day_and_hour_and_are_named_by_their_rows(run):
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


def test_nothing_but_whole_files_is_left_in_the_store(run):
    files = {file for file in run.store.rglob("*") if file.is_file()}
    (note,) = (file for file in files if file.parent.name == "runs")
    assert note.name.endswith(f"-{run.summary['run']}.json")
    assert {file.suffix for file in files - {note}} == {".parquet"}


def test_a_file_ends_when_it_is_as_old_as_asked(fleet, broker):
    fleet.broker(broker.url, qos=1).group(count=5, every="100ms")
    fleet.set(log={"roll": {"every": "1s"}})
    run = fleet.run(duration="4s")
    assert len(run.log.files("sends")) >= 3
    assert run.summary["files"] == len(run.log.files("sends")) + len(run.log.files("events"))
    assert run.log.count() == 200
    run.log.assert_sound()


def test_a_file_ends_when_it_is_as_large_as_asked(fleet, broker):
    fleet.broker(broker.url, qos=1)
    # Half a megabyte of numbers each; rows are encoded some megabytes at a time.
    config = {"samples": 10_000}
    fleet.group("meter", "builtin:meter", count=4, every="250ms", config=config)
    fleet.set(log={"roll": {"size": "64KiB"}})
    run = fleet.run(duration="2s")
    assert run.log.count() == 32
    assert len(run.log.files("sends")) >= 3
    run.log.assert_sound()


def test_runs_into_the_same_store_are_told_apart(fleet, broker):
    fleet.broker(broker.url, qos=1).group(count=5)
    first, second = fleet.run(duration="1s"), fleet.run(duration="1s")
    assert first.summary["run"] < second.summary["run"], "ULIDs are in the order of time"
    assert first.log.count() == second.log.count() == 5
    assert len(first.log.files("sends")) >= 2


@pytest.mark.parametrize(
    ("payload", "kept"), [("full", "size"), ("none", "NULL"), ("100B", "least(size, 100)")]
)
def test_of_a_payload_is_kept_what_was_asked_for(fleet, broker, payload, kept):
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
