"""README.md is true."""

import re

import duckdb
import pyarrow
import pyarrow.parquet
import pytest

from support.docs import code_blocks
from support.fleet import ROOT

README = (ROOT / "README.md").read_text()


def fleet_file():
    (text,) = [block for block in code_blocks("README.md", "toml") if block.startswith("name = ")]
    return text


def ddl():
    return [block for block in code_blocks("README.md", "sql") if block.startswith("CREATE")]


def queries():
    return [block for block in code_blocks("README.md", "sql") if not block.startswith("CREATE")]


@pytest.fixture
def demo(fleet):
    """The folder in which a small demo was run."""
    process = fleet.mockfleet("demo", "--devices", "50", "--duration", "2s")
    assert process.finish() == 0, process.report()
    return fleet.folder


def test_readme_fleet_file_sends_to_a_broker(fleet, broker):
    text = fleet_file()
    fleet.folder.joinpath("readme.toml").write_text(text)
    arguments = ["--set", f"targets.backend.url={broker.url}", "--duration", "2s"]
    process = fleet.mockfleet("run", "readme.toml", *arguments)
    assert process.finish() == 0, process.report()
    assert "warehouse: 1,000 devices" in process.stdout


def test_readme_stages_extend_its_fleet_file(fleet, broker):
    (stages,) = [block for block in code_blocks("README.md", "toml") if block.startswith("[[groups.stages]]")]
    fleet.folder.joinpath("readme.toml").write_text(fleet_file() + stages)
    arguments = ["--set", f"targets.backend.url={broker.url}", "--duration", "2s"]
    process = fleet.mockfleet("run", "readme.toml", *arguments)
    assert process.finish() == 0, process.report()
    assert "stage 1 of 2, ramp 1/s with 0%..100% of devices for 30s" in process.stdout


def test_readme_http_variant_is_accepted(fleet):
    text = fleet_file()
    for line in re.findall(r"`((?:url|telemetry) = .*?)`(?: and|,|$)", README, re.MULTILINE):
        key = line.split(" = ")[0]
        text = re.sub(rf"^{key} = .*$", line.replace("\\", r"\\"), text, flags=re.MULTILINE)
    text = text.replace("qos = 1\n", "")
    assert "http://" in text and "path" in text
    fleet.folder.joinpath("readme.toml").write_text(text)
    process = fleet.mockfleet("check", "readme.toml")
    assert process.finish() == 0, process.report()


def test_readme_scenario_runs_beside_the_first_group(fleet, broker):
    text = "".join(code_blocks("README.md", "toml"))
    fleet.folder.joinpath("readme.toml").write_text(text)
    arguments = ["--set", f"targets.backend.url={broker.url}", "--duration", "2s"]
    process = fleet.mockfleet("run", "readme.toml", *arguments)
    assert process.finish() == 0, process.report()
    assert "warehouse: 1,100 devices" in process.stdout


def test_readme_device_equals_the_one_of_the_sdk_readme(fleet):
    (code,) = code_blocks("README.md", "rust")
    assert code.strip() in (ROOT / "sdk/rust/README.md").read_text()


def test_readme_queries_run_in_duckdb(demo, monkeypatch):
    monkeypatch.chdir(demo)
    assert len(queries()) == 3
    for query in queries():
        duckdb.connect().execute(query).fetchall()


def test_readme_athena_tables_match_logs_ddl(fleet):
    process = fleet.mockfleet("logs", "ddl", "--engine", "athena", "s3://bucket/prefix")
    assert process.finish() == 0, process.report()
    assert "\n".join(ddl()).strip() == process.stdout


def test_readme_athena_tables_match_the_columns_of_the_files(demo):
    names = {"sends", "events"}
    athena = {
        pyarrow.string(): "string",
        pyarrow.int64(): "bigint",
        pyarrow.int32(): "int",
        pyarrow.binary(): "binary",
        pyarrow.timestamp("us", "UTC"): "timestamp",
    }
    for statement in ddl():
        (table, columns) = re.match(
            r"CREATE EXTERNAL TABLE (\w+) \((.*?)\n\)", statement, re.DOTALL
        ).groups()
        declared = [tuple(column.split()) for column in columns.replace("`", "").split(",")]
        (file,) = (demo / "mockfleet-logs" / table).glob("*/*/*.parquet")
        schema = pyarrow.parquet.read_schema(file)
        assert declared == [(field.name, athena[field.type]) for field in schema]
        names.remove(table)
    assert not names
