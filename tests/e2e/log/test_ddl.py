"""`mockfleet logs ddl` prints statements that declare a log to an engine."""

import re

import duckdb
import pyarrow
import pyarrow.parquet
import pytest

from support.backends.spark import SPARK
from support.log import SENDS, TABLES
from support.process import refused

ATHENA = {
    pyarrow.string(): "string",
    pyarrow.int64(): "bigint",
    pyarrow.int32(): "int",
    pyarrow.binary(): "binary",
    pyarrow.timestamp("us", "UTC"): "timestamp",
}


@pytest.fixture
def run(fleet, broker):
    """A short run whose log is in the default place."""
    fleet.broker(broker.url, qos=1).group(count=5, every="200ms")
    fleet.store = fleet.folder / "mockfleet-logs"
    fleet.set(log={"store": "mockfleet-logs"})
    return fleet.run(duration="1s")


def test_duckdb_runs_the_statements_from_any_folder(logs, run):
    statements = logs("ddl", "--engine", "duckdb").stdout
    # Not the folder that the store was named from.
    database = duckdb.connect()
    database.execute(statements)
    for table, columns in (("sends", 24), ("events", 8)):
        (count,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert count == run.log.count(table=table) > 0
        described = database.execute(f"DESCRIBE {table}").fetchall()
        own = run.log.rows(f"DESCRIBE {table}")
        assert [row[:2] for row in described] == [row[:2] for row in own] + [
            ("dt", "DATE"),
            ("hour", "INTEGER"),
        ]
        assert len(own) == columns
    # The hour of a row is that of its partition.
    database.execute("SET TimeZone = 'UTC'")
    database.execute(
        "SELECT count(*) FROM sends WHERE dt != scheduled_at::DATE OR hour != hour(scheduled_at)"
    )
    assert database.fetchone() == (0,)


def test_store_with_special_characters_in_its_name_is_described(logs, run, fleet):
    odd = fleet.folder / "it's [new] *"
    fleet.store.rename(odd)
    database = duckdb.connect()
    database.execute(logs("ddl", "--engine", "duckdb", odd).stdout)
    assert database.execute("SELECT count(*) FROM sends").fetchone() == (25,)


def test_athena_statement_declares_the_columns_of_the_files(logs, run):
    for table in TABLES:
        statement = logs("ddl", "--engine", "athena", "--table", table, "s3://b/p").stdout
        name, columns = re.match(
            r"CREATE EXTERNAL TABLE (\w+) \((.*?)\n\)", statement, re.DOTALL
        ).groups()
        assert name == table and statement.count(";") == 1
        declared = [tuple(column.split()) for column in columns.replace("`", "").split(",")]
        (schema,) = run.log.arrow_schemas(table)
        assert declared == [(field.name, ATHENA[field.type]) for field in schema]


@pytest.mark.xdist_group("spark")
@pytest.mark.timeout(600)
def test_spark_runs_the_statements_unchanged(logs, run, spark):
    # An hour with one digit: Spark must not look for `hour=7`.
    for table in TABLES:
        (hour,) = run.store.glob(f"{table}/dt=*/hour=*")
        hour.rename(hour.with_name("hour=07"))
    text = re.sub("^--.*$", "", logs("ddl", "--engine", "spark").stdout, flags=re.MULTILINE)
    for statement in filter(str.strip, text.split(";")):
        spark.sql(statement)
    try:
        for table in TABLES:
            assert spark.table(table).count() == run.log.count(table=table)
            assert spark.sql(f"SELECT DISTINCT hour FROM {table}").collect() == [(7,)]
        described = [(row.col_name, row.data_type) for row in spark.sql("DESCRIBE sends").collect()]
        assert described[:24] == [(name, SPARK[kind]) for name, kind, _ in SENDS]
    finally:
        for table in TABLES:
            spark.sql(f"DROP TABLE {table}")


def test_ddl_prints_only_the_statements_and_creates_nothing(logs, fleet):
    said = logs("ddl", "--engine", "spark")
    assert said.err == []
    assert str(fleet.folder / "mockfleet-logs/sends") in said.stdout
    assert list(fleet.folder.iterdir()) == []


def test_unsupported_ddl_is_refused_with_the_way_out(logs):
    refused(
        logs("ddl", "--engine", "athena", expect=2), "LOG", "mockfleet-logs", "s3://bucket/prefix"
    )
    assert "the scheme" in logs("ddl", "--engine", "duckdb", "gs://b", expect=2).stderr
    assert "athena, duckdb, spark" in logs("ddl", "--engine", "sqlite", expect=2).stderr
